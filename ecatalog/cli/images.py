"""``flask images clean | purge | regenerate``: the files of images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import click

from ecatalog.catalog.resource import Resource
from ecatalog.catalog.service import Origin
from ecatalog.cli.output import Commands, messages, plain_errors, print_table
from ecatalog.cli.resources import choose_resource, declared_resources
from ecatalog.cli.transfer_output import progress_bar
from ecatalog.images import maintenance
from ecatalog.images.declaration import images_of
from ecatalog.images.listing import with_images
from ecatalog.images.storage import StorageError, current_storage

ORIGIN = Origin(source="cli")
SHOWN = 20
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}

images_cli = Commands("images", help="The files of images: leftovers, purging, new renditions.")


class Duration(click.ParamType[timedelta]):
    """``12h``, ``30d`` or ``4w`` as a timedelta."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"(\d{1,5})([hdw])", str(value), re.ASCII)
        if match is None:
            self.fail(f'"{value}" is no duration; write it like 12h, 30d or 4w.', param, ctx)
        return int(match[1]) * UNITS[match[2]]


@contextmanager
def _plain_errors() -> Iterator[None]:
    with plain_errors():
        try:
            yield
        except StorageError as error:
            raise click.ClickException(f"The store of images failed: {error}") from error


def _chosen(name: str | None) -> list[Resource]:
    """The resource of that name, or all that have images."""
    if name is None:
        return with_images(list(declared_resources().values()))
    resource = choose_resource(name)
    if images_of(resource) is None:
        raise click.BadParameter(f"Rows of {name} have no images.", param_hint="RESOURCE")
    return [resource]


@images_cli.command("clean")
@click.option("--delete", is_flag=True, help="Delete them. Without it they are only shown.")
@click.option(
    "--older-than",
    type=Duration(),
    default="1d",
    show_default=True,
    help="Leave younger files alone: an upload may be writing them.",
)
@click.option("--force", is_flag=True, help="Delete even if no image of this database is in the store.")
def clean(delete: bool, older_than: timedelta, force: bool) -> None:
    """Find files that no image names, which a crash may leave, and images whose files are gone."""
    with _plain_errors():
        found = maintenance.inspect(_chosen(None), older_than)
        for name, image_id in found.lost[:SHOWN]:
            messages().print(f"The files of {name}-image {image_id} are gone.")
        if len(found.lost) > SHOWN:
            messages().print(f"… and those of {len(found.lost) - SHOWN} images more.")
        if not found.orphans:
            click.echo("No file is left over.")
            return
        if not delete:
            print_table(("folder",), [[name] for name in found.orphans])
            click.echo(f"{len(found.orphans)} folders are left over. Delete them with --delete.")
            return
        if not found.known and not force:
            raise click.ClickException(
                "No image of this database is in the store: are DATABASE_URL and MEDIA_STORAGE of one "
                "service? If they are, use --force."
            )
        for name in found.orphans:
            current_storage().delete(name)
        click.echo(f"Deleted {len(found.orphans)} folders.")


@images_cli.command("purge")
@click.option("--older-than", type=Duration(), required=True, help="Since when they are deleted, like 30d.")
@click.option("--dry-run", is_flag=True, help="Only say how many there are.")
def purge(older_than: timedelta, dry_run: bool) -> None:
    """Delete images for good, with their files, that were deleted long ago."""
    with _plain_errors():
        for resource in _chosen(None):
            if dry_run:
                count = maintenance.expired(resource, older_than)
                click.echo(f"{resource.name}: {count} images would be purged.")
            else:
                count = sum(maintenance.purge(resource, older_than))
                click.echo(f"{resource.name}: {count} images purged.")


@images_cli.command("regenerate")
@click.argument("resource_name", metavar="[RESOURCE]", required=False)
@click.option("--id", "ids", type=int, multiple=True, help="Only this image of RESOURCE. May be repeated.")
def regenerate(resource_name: str | None, ids: tuple[int, ...]) -> None:
    """Make all renditions anew from the originals, after a release that changes them.

    Each image is done by itself: stop it with Ctrl-C, and run it again. Exit code 1 when some failed.
    """
    if ids and resource_name is None:
        raise click.UsageError("Say of which RESOURCE the ids are.")
    failures: list[tuple[str, int, str]] = []
    count = 0
    with _plain_errors(), progress_bar("images") as progress:
        for resource in _chosen(resource_name):
            wanted = [i for i in maintenance.live_ids(resource) if not ids or i in ids]
            task = progress.add_task(f"{resource.name}", total=len(wanted))
            for image_id in wanted:
                failure = maintenance.regenerate(resource, image_id, ORIGIN)
                if failure is not None:
                    failures.append((resource.name, image_id, failure))
                count += failure is None
                progress.update(task, advance=1)
    click.echo(f"{count} images have new renditions.")
    if failures:
        print_table(("resource", "image", "failed because"), failures, numbers=("image",))
        raise click.exceptions.Exit(1)
