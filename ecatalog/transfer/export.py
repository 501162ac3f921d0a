"""Rows out: everything that a list would show, in one snapshot and constant memory.

What writes workbooks is imported by the first of them: it holds 2 MB, and many workers write none.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import IO, Any

import orjson
import sqlalchemy as sa
from flask import Response
from sqlalchemy.orm import Session

from ecatalog.catalog import query
from ecatalog.catalog.lookup import parent_loader
from ecatalog.catalog.nested import Shown, rows_renderer
from ecatalog.catalog.resource import Resource
from ecatalog.config import current_settings
from ecatalog.errors import TooLarge
from ecatalog.extensions import db
from ecatalog.transfer.answers import CSV, NDJSON, XLSX, Answer, attach
from ecatalog.transfer.csv_sink import csv_lines
from ecatalog.transfer.ndjson_sink import ndjson_lines

BATCH_ROWS = 500
LINES_A_BLOCK = 100
MAX_XLSX_ROWS = 200_000

Rows = Generator[dict[str, Any], None, None]


class Format(StrEnum):
    """The forms in which rows go out, by the ending of a file."""

    JSON = "json"
    NDJSON = "ndjson"
    XLSX = "xlsx"
    CSV = "csv"


def selection(resource: Resource, values: Mapping[str, Any]) -> sa.Select[Any]:
    """The SELECT of the rows that loaded filters, search and ordering ask for. Raises InvalidInput."""
    model: Any = resource.model
    order = query.parse_ordering(resource, values.get("ordering"))
    conditions = query.conditions(resource, values)
    return sa.select(model).where(*conditions).order_by(*query.order_by(model, order))


def count(resource: Resource, values: Mapping[str, Any], at_most: int | None = None) -> int:
    """How many rows there are, counted no further than ``at_most``."""
    model: Any = resource.model
    some = sa.select(model.id).where(*query.conditions(resource, values)).limit(at_most).subquery()
    return db.session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def rows(resource: Resource, statement: sa.Select[Any], form: Format) -> Rows:
    """The rows as the API shows them, a batch at a time through a cursor of the server.

    Their children, for which tables have no cells, come with the forms that are JSON.

    One statement, so one snapshot, however long it takes. It has a session of its own: the present one ends
    with the request, before the answer has been streamed. Close it where it is not read to its end.
    """
    render = rows_renderer(resource) if form in (Format.JSON, Format.NDJSON) else _bare_renderer(resource)
    return _rows(statement.options(*parent_loader(resource)), Session(db.engine), render)


_Render = Callable[[Session, Sequence[Any]], list[Shown]]


def _bare_renderer(resource: Resource) -> _Render:
    return lambda _session, batch: [resource.render_bare(row) for row in batch]


def _rows(statement: sa.Select[Any], session: Session, render: _Render) -> Rows:
    statement = statement.execution_options(yield_per=BATCH_ROWS)
    with session, closing(session.scalars(statement)) as found:
        for batch in found.partitions():
            yield from render(session, batch)


def stream_csv(resource: Resource, values: Mapping[str, Any]) -> Response:
    """An ``export-csv`` answer."""
    source = rows(resource, selection(resource, values), Format.CSV)
    return _streamed(source, csv_lines(resource, source), CSV, _file_name(resource, "csv"))


def stream_ndjson(resource: Resource, values: Mapping[str, Any]) -> Response:
    """An ``export-ndjson`` answer."""
    source = rows(resource, selection(resource, values), Format.NDJSON)
    return _streamed(source, _blocks(ndjson_lines(source)), NDJSON, _file_name(resource, "ndjson"))


def _blocks(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Several lines a block: each block costs the server a system call."""
    held: list[bytes] = []
    for line in lines:
        held.append(line)
        if len(held) >= LINES_A_BLOCK:
            yield b"".join(held)
            held = []
    yield b"".join(held)


def _streamed(source: Rows, blocks: Iterator[bytes], content_type: str, file_name: str) -> Response:
    try:
        first = next(blocks, b"")  # the database answers before the status line goes out
    except BaseException:
        source.close()
        raise
    response = Response(chain([first], blocks), content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    response.call_on_close(source.close)
    attach(response, file_name)
    return response


def send_xlsx(resource: Resource, values: Mapping[str, Any]) -> Response:
    """An ``export-xlsx`` answer. Raises TooLarge for more rows than may come over HTTP."""
    from ecatalog.transfer.xlsx_sink import write_xlsx

    statement = selection(resource, values)
    if count(resource, values, MAX_XLSX_ROWS + 1) > MAX_XLSX_ROWS:
        raise TooLarge(
            f"More than {MAX_XLSX_ROWS} rows do not come as xlsx: narrow the filters, "
            "or take export-csv or export-ndjson, which give any number."
        )
    db.session.close()  # the file takes a while
    with tempfile.TemporaryDirectory(prefix="ecatalog-export-") as folder:
        path = Path(folder, "export.xlsx")
        source = rows(resource, statement.limit(MAX_XLSX_ROWS), Format.XLSX)
        try:
            write_xlsx(path, resource, source)
        finally:
            source.close()
        return Answer.of_file(path, XLSX, _file_name(resource, "xlsx")).response()


def send_template(resource: Resource) -> Response:
    """A ``template-xlsx`` answer."""
    from ecatalog.transfer.template import write_template

    with tempfile.TemporaryDirectory(prefix="ecatalog-template-") as folder:
        path = Path(folder, "template.xlsx")
        write_template(path, resource)
        return Answer.of_file(path, XLSX, f"{resource.name}-template.xlsx").response()


def write_file(resource: Resource, found: Iterable[dict[str, Any]], form: Format, target: IO[bytes]) -> None:
    """Write rows in any form; a workbook is made beside it first, since it cannot be streamed."""
    if form is Format.XLSX:
        from ecatalog.transfer.xlsx_sink import write_xlsx

        with tempfile.TemporaryDirectory(prefix="ecatalog-export-") as folder:
            path = Path(folder, "export.xlsx")
            write_xlsx(path, resource, found)
            with path.open("rb") as file:
                shutil.copyfileobj(file, target)
        return
    if form is Format.CSV:
        target.writelines(csv_lines(resource, found))
    else:
        target.writelines(_json_array(found) if form is Format.JSON else ndjson_lines(found))


def _json_array(found: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    before = b"[\n"
    for row in found:
        yield before + orjson.dumps(row)
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


def _file_name(resource: Resource, ending: str) -> str:
    """``nomenklatura-2026-01-31.csv``: the day is that of TIMEZONE."""
    return f"{resource.name}-{datetime.now(current_settings().timezone):%Y-%m-%d}.{ending}"
