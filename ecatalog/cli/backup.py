"""``flask backup …``: into a restic repository and back, checked by restoring."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ecatalog.backup import restore as restoring
from ecatalog.backup import runs
from ecatalog.backup.alarm import watched
from ecatalog.backup.programs import BackupError
from ecatalog.backup.restic import Repository
from ecatalog.backup.runs import LATEST, Run
from ecatalog.cli.output import Commands, messages, print_json, print_table
from ecatalog.cli.resources import declared_resources
from ecatalog.config import current_settings
from ecatalog.fields import format_timestamp

backup_cli = Commands("backup", help="Backups: make, list, check, try and restore them.")

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON alone, for scripts.")
_run = click.argument("run_id", metavar="[BACKUP]", default=LATEST)


@contextmanager
def _told() -> Iterator[None]:
    """What stops a backup as one line and exit code 1."""
    try:
        yield
    except BackupError as error:
        raise click.ClickException(str(error)) from error


@backup_cli.command("init")
def init() -> None:
    """Make the repository of BACKUP_REPOSITORY, unless it is there.

    A command of its own: a disk that is not mounted must not become a new, empty repository.
    """
    settings = current_settings()
    with _told():
        made = Repository.of(settings, runs.installation(settings)).init()
    click.echo("Made the repository." if made else "The repository is there.")


@backup_cli.command("create")
@click.option("--thin-out/--keep-all", default=True, help="Forget backups beyond BACKUP_KEEP_… afterwards.")
def create(thin_out: bool) -> None:
    """Back up the database, the media and BACKUP_PATHS; the service may go on serving.

    A failure is noted for /metrics and sent to BACKUP_WEBHOOK; the exit code is then 1.
    """
    settings = current_settings()
    with _told(), watched(settings, "backup"):
        run_id = runs.create(settings)
        if thin_out:
            runs.thin_out(settings)
    if "://" in settings.media_storage:
        messages().print(
            "The media are not in a folder: the backup leaves them to their store.", soft_wrap=True
        )
    click.echo(f"Made the backup {run_id}.")


@backup_cli.command("list")
@_as_json
def list_(as_json: bool) -> None:
    """Show the backups of every installation that uses the repository, oldest first."""
    with _told():
        found = [_facts(run) for run in runs.all_runs(runs.open_repository(current_settings()))]
    if as_json:
        print_json(found)
        return
    columns = ("backup", "taken", "installation", "holds")
    rows = [(fact["backup"], fact["taken"], fact["installation"], _holds(fact)) for fact in found]
    print_table(columns, rows)


def _facts(run: Run) -> dict[str, Any]:
    return {
        "backup": run.id,
        "taken": format_timestamp(run.at),
        "installation": run.host,
        "complete": run.complete,
        "holds": sorted(run.snapshots),
    }


def _holds(fact: dict[str, Any]) -> str:
    return ", ".join(fact["holds"]) + ("" if fact["complete"] else " (never finished)")


@backup_cli.command("check")
@click.option("--percent", type=click.IntRange(0, 100), default=10, show_default=True, help="Data to read.")
def check(percent: int) -> None:
    """Have restic check the repository, and read a random part of its data; run it weekly."""
    settings = current_settings()
    with _told(), watched(settings, "check"):
        repository = runs.open_repository(settings)
        repository.unlock()
        repository.check(percent)
    click.echo("The repository is sound.")


@backup_cli.command("verify")
@_run
@click.option(
    "--into", metavar="URL", help="An empty PostgreSQL database to use; else one is made and dropped."
)
@_as_json
def verify(run_id: str, into: str | None, as_json: bool) -> None:
    """Restore BACKUP (default: the newest) into a scratch database and hold it to its manifest.

    The manifest tells the rows of each table and the clock of each resource, as they were counted in the
    very snapshot that was backed up.
    """
    settings = current_settings()
    with _told(), watched(settings, "verify"):
        run, manifest = runs.verify(settings, run_id, into)
    if as_json:
        print_json({**_facts(run), "rows": dict(manifest.rows), "ticks": dict(manifest.ticks)})
        return
    print_table(
        ("table", "rows"), [(name, f"{count:,}") for name, count in manifest.rows.items()], numbers=("rows",)
    )
    click.echo(f"The backup {run.id} can be restored, and is what was backed up.")


@backup_cli.command("restore")
@_run
@click.option("--database/--no-database", default=True, help="Replace the database.")
@click.option("--media/--no-media", default=True, help="Bring back missing media; none is deleted.")
@click.option(
    "--files-to",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write all files, BACKUP_PATHS among them, below this folder.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(run_id: str, database: bool, media: bool, files_to: Path | None, yes: bool) -> None:
    """Restore BACKUP (default: the newest). The database comes back whole or stays as it is.

    It is then migrated to this release, and cursors of the change feed that were given out before become
    void (410), so that no consumer misses a row. Stop the service first, or expect 503 for the moment.
    """
    settings = current_settings()
    with _told():
        repository = runs.open_repository(settings)
        run = runs.find(repository, run_id)
        if database and not yes:
            click.confirm(f"Replace all data by the backup {run.id} of {run.host}?", abort=True)
        if database:
            restored = restoring.restore_database(settings, repository, run, declared_resources().values())
            click.echo(f"Restored the database of {run.id}: {restored.rows:,} rows.")
            for line in restored.differences:
                messages().print(f"Not as in the manifest: {line}", soft_wrap=True)
        if media:
            count = restoring.restore_media(settings, repository, run)
            click.echo("The backup holds no media." if count is None else f"Restored {count:,} media files.")
        if files_to is not None:
            restoring.restore_files(repository, run, files_to)
            click.echo(f"Wrote all files below {files_to}.")
