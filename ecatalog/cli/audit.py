"""``flask audit …``: who did what when; search it, export it, delete what is old."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

import click
import orjson
from marshmallow import ValidationError

from ecatalog.audit import expiry, trail
from ecatalog.audit.trail import FIELD_NAME, USERS, Entry, Wanted
from ecatalog.catalog.filter_fields import Moment
from ecatalog.cli.output import PIPE, Commands, messages, plain_errors, print_json, print_table, target_file
from ecatalog.cli.resources import choose_resource, declared_resources
from ecatalog.transfer.csv_source import guard
from ecatalog.transfer.ndjson_sink import ndjson_lines

audit_cli = Commands("audit", help="Who did what when, over rows and users: search, export, clean.")

COLUMNS = ("at", "user", "source", "resource", "code", "action", "what", "address")
WIDEST = 60  # characters of one value in the table


class Form(StrEnum):
    """What an export is written as."""

    NDJSON = "ndjson"
    CSV = "csv"


_OPTIONS = (
    click.option("--user", metavar="NAME", help="Who did it, or whom it was done to."),
    click.option("--resource", metavar="RESOURCE", help=f'A resource, or "{USERS}" for what befell users.'),
    click.option("--code", metavar="CODE", help="The code of the row, or the name of the user."),
    click.option("--field", metavar="FIELD", help="A field that changed."),
    click.option("--source", metavar="SOURCE", help="The way in: api, cli, demo, …"),
    click.option("--action", metavar="ACTION", help="create, update, delete, restore, sign_in, …"),
    click.option("--since", metavar="DATE", help="A date or timestamp; from then on."),
    click.option("--until", metavar="DATE", help="A date or timestamp; up to its end."),
)


def _search_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _wanted(*, since: str | None, until: str | None, **words: str | None) -> Wanted:
    resource, field = words["resource"], words["field"]
    if resource not in (None, USERS):
        choose_resource(str(resource))
    if field is not None and not FIELD_NAME.fullmatch(field):
        raise click.UsageError(f'"{field}" is no name of a field.')
    return Wanted(**words, since=_instants("--since", since)[0], before=_instants("--until", until)[1])


def _instants(option: str, text: str | None) -> tuple[datetime | None, datetime | None]:
    """The first instant of a date or timestamp, and the one after it."""
    if text is None:
        return None, None
    try:
        first, after = Moment().deserialize(text)
    except ValidationError as error:
        raise click.BadParameter(" ".join(map(str, error.messages)), param_hint=option) from error
    return first, after


@audit_cli.command("search")
@_search_options
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone, for scripts.")
def search(limit: int, as_json: bool, **options: Any) -> None:
    """Show the newest entries that fit all options.

    Rows' entries tell each changed field's old and new value. Failed sign-ins count in one entry an
    hour, account and address; those to names that nobody has stand together, without the name: it
    may be a password.
    """
    wanted = _wanted(**options)
    with plain_errors():
        found = list(islice(trail.entries(wanted, declared_resources(), newest_first=True), limit))
    if as_json:
        print_json(found)
    else:
        print_table(COLUMNS, (_cells(entry) for entry in found))


@audit_cli.command("export")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--format", "form", type=click.Choice(list(map(str, Form))), help="By default the file's ending."
)
@_search_options
def export(file: str, form: str | None, **options: Any) -> None:
    """Write all entries that fit the options, oldest first, to FILE: .ndjson or .csv, or - for a pipe."""
    chosen = _form(file, form)
    wanted = _wanted(**options)
    count = 0

    def counted(entries: Iterable[Entry]) -> Iterator[Entry]:
        nonlocal count
        for entry in entries:
            count += 1
            yield entry

    with plain_errors(), target_file(file) as target:
        found = counted(trail.entries(wanted, declared_resources()))
        target.writelines(ndjson_lines(found) if chosen is Form.NDJSON else _csv_lines(found))
    messages().print(f"{count} entries exported.")


@audit_cli.command("clean")
def clean() -> None:
    """Delete what is older than HISTORY_KEEP_DAYS (rows) and AUDIT_KEEP_DAYS (users); run it daily."""
    with plain_errors():
        rows, events = expiry.clean()
    click.echo(f"Deleted {rows} entries of rows and {events} of users.")


def _form(file: str, form: str | None) -> Form:
    ending = Path(file).suffix.lower().removeprefix(".")
    if form is None and file != PIPE and ending in set(Form):
        return Form(ending)
    if form is None:
        raise click.UsageError(f"Say what the file is: --format {'|'.join(Form)}.")
    return Form(form)


def _cells(entry: Entry) -> list[Any]:
    shown = {**entry, "at": entry["at"][:19].replace("T", " "), "what": _what(entry)}
    return [shown[column] for column in COLUMNS]


def _what(entry: Entry) -> str:
    parts = [f"{entry['count']} times"] if entry["count"] > 1 else []
    for name, value in entry["fields"].items():
        if isinstance(value, dict) and value.keys() == {"old", "new"}:
            parts.append(f"{name}: {_short(value['old'])} → {_short(value['new'])}")
        else:
            parts.append(f"{name}: {_short(value)}")
    return "\n".join(parts)


def _short(value: Any) -> str:
    """On one line: the next one tells of another field."""
    text = value.replace("\n", "\\n") if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _csv_lines(entries: Iterable[Entry]) -> Iterator[bytes]:
    """As the exports of rows: UTF-8 with BOM, ``;`` between cells, and no cell that Excel runs."""
    first = True
    for entry in entries:
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
        if first:
            buffer.write("\ufeff")
            writer.writerow(entry)
            first = False
        writer.writerow(_csv_cell(value) for value in entry.values())
        yield buffer.getvalue().encode()


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    return guard(orjson.dumps(value).decode() if isinstance(value, dict) else str(value))
