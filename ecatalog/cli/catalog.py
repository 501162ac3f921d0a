"""``flask catalog …``: what the catalogue holds, one row of it, and the clock after foreign writes."""

from __future__ import annotations

from typing import Any

import click
import sqlalchemy as sa
from marshmallow import ValidationError

from ecatalog.catalog import clock, query
from ecatalog.catalog.clock import ClockReading
from ecatalog.catalog.lookup import Among, Lookup, find
from ecatalog.catalog.nested import render_row
from ecatalog.catalog.resource import Resource
from ecatalog.cli.output import Commands, messages, plain_errors, print_json, print_table, printable
from ecatalog.cli.resources import choose_resource, declared_resources
from ecatalog.database import write_transaction
from ecatalog.errors import Conflict, RowNotFound
from ecatalog.extensions import db
from ecatalog.fields import format_timestamp

catalog_cli = Commands("catalog", help="The catalogue: counts, single rows, the clock.")

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON alone, for scripts.")

STATS_COLUMNS = ("resource", "live", "active", "deleted", "last_change", "tick")
LAST_CHANGE = "last change, UTC"
TOUCH_COLUMNS = ("resource", "live", "tick", "epoch")
COUNTS = ("live", "active", "deleted")


@catalog_cli.command("stats")
@_as_json
def stats(as_json: bool) -> None:
    """Count the rows of each resource and show its last change.

    "live" rows are those that are not deleted, "active" rows the live ones that are in use.
    """
    with plain_errors():
        resources = declared_resources()
        clocks = clock.read(resources)
        found = [_count(resource, clocks[name]) for name, resource in sorted(resources.items())]
    if as_json:
        print_json(found)
    else:
        titles = [LAST_CHANGE if column == "last_change" else column for column in STATS_COLUMNS]
        print_table(titles, _cells(found, STATS_COLUMNS), numbers=COUNTS)
    for row in found:
        if row["live"] != row["counted"]:
            messages().print(
                f"The clock of {row['resource']} counts {row['counted']} rows: it was written around the "
                f'application. Run "flask catalog touch {row["resource"]}".',
                soft_wrap=True,
            )


def _count(resource: Resource, reading: ClockReading) -> dict[str, Any]:
    model = resource.model
    total = sa.func.count()
    live, active, deleted, last_change = db.session.execute(
        sa.select(
            total.filter(~model.is_deleted),
            total.filter(~model.is_deleted, model.is_active),
            total.filter(model.is_deleted),
            sa.func.max(model.updated_at),
        )
    ).one()
    return {
        "resource": resource.name,
        "live": live,
        "active": active,
        "deleted": deleted,
        "last_change": None if last_change is None else format_timestamp(last_change),
        "tick": reading.tick,
        "counted": reading.live_rows,
    }


@catalog_cli.command("get")
@click.argument("resource_name", metavar="RESOURCE")
@click.argument("code")
@click.option("--project", metavar="CODE", help="The code of the project that the row belongs to.")
@click.option("--project-id", metavar="ID", help='The id of that project, or "null" for rows of no project.')
@click.option("--deleted", is_flag=True, help="Find a deleted row as well, if no live one has the code.")
@_as_json
def get(
    resource_name: str, code: str, project: str | None, project_id: str | None, deleted: bool, as_json: bool
) -> None:
    """Show the row of RESOURCE that carries the 1C code CODE, as the API answers it.

    Put -- before a code that begins with a dash.
    """
    resource = choose_resource(resource_name)
    lookup = Lookup(code.strip(), _choice_of_parent(resource, {"project": project, "project_id": project_id}))
    with plain_errors():
        row = render_row(resource, _find(resource, lookup, deleted))
    if as_json:
        print_json(row)
    else:
        print_table(("field", "value"), [(name, _value(value)) for name, value in row.items()])


def _choice_of_parent(resource: Resource, given: dict[str, str | None]) -> dict[str, Any]:
    """The options that choose among rows of one code, read as the API reads its parameters."""
    filters = {item.name: item for item in query.parent_filters(resource)}
    choice: dict[str, Any] = {}
    for name, text in given.items():
        if text is None:
            continue
        option = f"--{name.replace('_', '-')}"
        if name not in filters:
            raise click.UsageError(f"Rows of {resource.name} belong to no project: leave {option} out.")
        try:
            choice[name] = filters[name].field.deserialize(text)
        except ValidationError as error:
            raise click.BadParameter(" ".join(map(str, error.messages)), param_hint=option) from error
    return choice


def _find(resource: Resource, lookup: Lookup, deleted: bool) -> Any:
    try:
        return find(resource, lookup, Among.LIVE_THEN_DELETED if deleted else Among.LIVE)
    except RowNotFound as error:
        raise click.ClickException(f'No {resource.label} has the code "{lookup.code}".') from error
    except Conflict as error:
        projects = [_describe_project(link) for link in error.body.get("projects", ())]
        text = "\n  ".join(["The code exists in several projects; add one of:", *projects])
        raise click.ClickException(text) from error


def _describe_project(link: dict[str, Any] | None) -> str:
    if link is None:
        return "--project-id null (no project)"
    return f"--project-id {link['id']} ({link['code_1c']}, {link['name']})"


def _value(value: Any) -> Any:
    """A project in one line, anything else as it is."""
    if isinstance(value, dict) and value.keys() == {"id", "code_1c", "name"}:
        return f"{value['code_1c']}, {value['name']} (id {value['id']})"
    return value


@catalog_cli.command("touch")
@click.argument("resource_names", metavar="RESOURCE...", nargs=-1, required=True)
@click.option(
    "--new-epoch",
    is_flag=True,
    help="Also void the cursors of the change feed: after a restore of the database.",
)
@_as_json
def touch(resource_names: tuple[str, ...], new_epoch: bool, as_json: bool) -> None:
    """Take a new tick for RESOURCE and count its live rows anew.

    Needed after writes that did not go through the application, since caches and counts trust the clock.
    """
    resources = [choose_resource(name) for name in sorted(set(resource_names))]
    advance = clock.renew_epoch if new_epoch else clock.touch
    with plain_errors(), write_transaction():
        readings = [(resource.name, advance(resource)) for resource in resources]
    found = [
        {"resource": name, "tick": reading.tick, "live": reading.live_rows, "epoch": reading.epoch}
        for name, reading in readings
    ]
    if as_json:
        print_json(found)
    else:
        print_table(TOUCH_COLUMNS, _cells(found, TOUCH_COLUMNS), numbers=COUNTS)


def _cells(found: list[dict[str, Any]], columns: tuple[str, ...]) -> list[list[str]]:
    """Counts with their thousands set apart; ticks as they are, for copying."""
    return [[_cell(column, row[column]) for column in columns] for row in found]


def _cell(column: str, value: Any) -> str:
    if column in COUNTS:
        return f"{value:,}"
    if column == "last_change" and value is not None:
        return str(value[:16].replace("T", " "))
    return printable(value)
