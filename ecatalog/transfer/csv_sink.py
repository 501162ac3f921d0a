"""Rows as CSV for Excel in a Russian or Uzbek locale, and for our own import."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson
from marshmallow.fields import Field

from ecatalog import fields
from ecatalog.catalog.resource import Resource
from ecatalog.transfer.columns import export_columns, export_value
from ecatalog.transfer.csv_source import guard

BLOCK_CHARACTERS = 64 * 1024


def csv_lines(resource: Resource, rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Blocks of a CSV file of rendered rows, header first.

    UTF-8 with BOM, ``;`` between cells and a decimal comma: that is what Excel expects where the decimal
    separator is a comma, as in Russian and Uzbek locales; ``12.05`` would become the twelfth of May there.
    Texts that Excel would run as a formula, and phones such as ``+998…``, carry an apostrophe, which the
    import takes off. Excel still shortens long numbers that it opens from CSV; xlsx is the form without loss.
    """
    columns = [(name, _writer(field)) for name, field in export_columns(resource)]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    buffer.write("\ufeff")
    writer.writerow([name for name, _ in columns])
    for row in rows:
        writer.writerow([write(export_value(resource, row, name)) for name, write in columns])
        if buffer.tell() >= BLOCK_CHARACTERS:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _writer(field: Field[Any] | None) -> Callable[[Any], str]:
    if isinstance(field, fields.Text):
        return lambda value: "" if value is None else guard(value)
    if isinstance(field, fields.Decimals):
        return lambda value: "" if value is None else value.replace(".", ",")
    if isinstance(field, fields.Boolean):
        return lambda value: "" if value is None else "true" if value else "false"
    if isinstance(field, (fields.JSONObject, fields.JSONList)):
        # An empty container is what an empty cell means.
        return lambda value: orjson.dumps(value).decode() if value else ""
    return lambda value: "" if value is None else str(value)
