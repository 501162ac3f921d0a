"""``flask demo …``: a believable catalogue to look at and to develop against."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from typing import Any

import click
import sqlalchemy as sa
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ecatalog.auth import users
from ecatalog.auth.models import Role
from ecatalog.catalog import bulk, service
from ecatalog.catalog.schemas import load
from ecatalog.catalog.service import Origin, Write
from ecatalog.cli.demo_data import demo_clients, demo_items, demo_projects
from ecatalog.cli.output import Commands, console, messages, plain_errors
from ecatalog.cli.resources import declared_resources
from ecatalog.config import current_settings
from ecatalog.database import write_transaction
from ecatalog.extensions import db

demo_cli = Commands("demo", help="Demo data.")

DEMO_USER = "demo"
DEMO_ORIGIN = Origin(source="demo")
RESET_HINT = f'"flask user password {DEMO_USER}" sets a new password.'
CHUNK_ROWS = 500

# Without letters and digits that people take for one another.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # pragma: allowlist secret
_PASSWORD_GROUPS = 4
_GROUP_CHARACTERS = 4


class _NotEmptyError(Exception):
    """The catalogue has rows already."""


@demo_cli.command("seed")
@click.option("--if-empty", is_flag=True, help="Do nothing, with exit code 0, when the catalogue has rows.")
@click.option(
    "--seed-users/--no-users",
    default=True,
    show_default=True,
    help=f'Create the admin "{DEMO_USER}" as well.',
)
@click.option("--force", is_flag=True, help="Seed although DEBUG is off.")
def seed(if_empty: bool, seed_users: bool, force: bool) -> None:
    """Fill an empty catalogue with 3 projects, 500 clients and 2,000 items, the same on every machine.

    Also makes an admin with a random password, which is shown this once.
    """
    if not current_settings().debug and not force:
        raise click.ClickException(
            "Demo data is for development, and DEBUG is off. Add --force if you mean it."
        )
    with plain_errors():
        if not _is_empty():  # quick, and takes no lock
            _refuse_or_skip(if_empty)
            return
        try:
            with write_transaction():
                _write_catalogue()
                password = _create_admin() if seed_users else None
        except _NotEmptyError:  # another call was faster
            _refuse_or_skip(if_empty)
            return
        _report(password, seed_users)


def _is_empty() -> bool:
    """Whether no resource has a row, deleted rows included."""
    return not any(
        db.session.scalar(sa.select(sa.exists().select_from(resource.model)))
        for resource in declared_resources().values()
    )


def _refuse_or_skip(if_empty: bool) -> None:
    text = "The catalogue has rows already: nothing to seed."
    if not if_empty:
        raise click.ClickException(f"{text} Demo data goes into an empty database only.")
    if users.find_user(DEMO_USER) is not None:
        text = f'{text} Sign in as "{DEMO_USER}"; {RESET_HINT}'
    console().print(text, soft_wrap=True)


def _write_catalogue() -> None:
    """All rows in the present transaction, so that an interrupted call leaves an empty catalogue."""
    resources = declared_resources()
    projects = demo_projects()
    data = {"project": projects, "client": demo_clients(projects), "nomenklatura": demo_items(projects)}
    with ExitStack() as stack:
        # Clocks are locked in the order of their names, as everywhere; rows are written projects first.
        writes = {
            name: stack.enter_context(service.writing(resources[name], DEMO_ORIGIN)) for name in sorted(data)
        }
        if not _is_empty():
            raise _NotEmptyError
        progress = stack.enter_context(_progress())
        for name, rows in data.items():
            task = progress.add_task(name, total=len(rows))
            for chunk in (rows[start : start + CHUNK_ROWS] for start in range(0, len(rows), CHUNK_ROWS)):
                _create(writes[name], chunk)
                progress.advance(task, len(chunk))


def _create(write: Write, rows: list[dict[str, Any]]) -> None:
    schema = write.resource.patch_schema()
    outcomes = bulk.upsert(write, [load(schema, row) for row in rows], bulk.Mode.CREATE)
    refused = [outcome for outcome in outcomes if outcome.action is not bulk.Action.CREATED]
    assert not refused, refused  # the rows are our own


def _progress() -> Progress:
    columns = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=messages())


def _create_admin() -> str | None:
    """The new admin's password; None when there is a user of that name, who is left as they are."""
    if users.find_user(DEMO_USER) is not None:
        return None
    groups = (
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARACTERS)) for _ in range(_PASSWORD_GROUPS)
    )
    password = "-".join(groups)
    users.create_user(DEMO_USER, password, Role.ADMIN)
    return password


def _report(password: str | None, seed_users: bool) -> None:
    out = console()
    out.print("The catalogue is filled with demo data.")
    if password is not None:
        out.print(f"\n  user name  {DEMO_USER}\n  password   {password}\n", soft_wrap=True)
        out.print(f"The password is shown this once; {RESET_HINT}", soft_wrap=True)
    elif seed_users:
        out.print(f'The user "{DEMO_USER}" was there before; {RESET_HINT}', soft_wrap=True)
