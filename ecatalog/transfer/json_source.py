"""JSON: an array of rows, or an object that holds one under ``items``."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import ijson
import orjson

from ecatalog.transfer.rows import Rows, SourceError, TooManyRows, json_row

MAX_ROWS = 5000
EXPECTED = 'Expected a JSON array of rows, or {"items": […]}.'


def json_rows(body: bytes, limit: int = MAX_ROWS) -> Rows:
    """Rows of a request body that is held in memory.

    Raises SourceError for malformed JSON or any other value, TooManyRows beyond ``limit`` rows: both at
    once, before the first row.
    """
    try:
        value = orjson.loads(body.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as error:
        raise SourceError(f"JSON parse error - {error}") from error
    items = value.get("items") if isinstance(value, dict) else value
    if not isinstance(items, list):
        raise SourceError(EXPECTED)
    if len(items) > limit:
        raise TooManyRows(
            f"A JSON body may hold {limit} rows, this one holds {len(items)}. "
            "Send NDJSON (Content-Type: application/x-ndjson), one object a line, for any number."
        )
    return (json_row(index, None, item) for index, item in enumerate(items))


def json_file_rows(path: Path) -> Rows:
    """Rows of a JSON file of any size, one at a time in memory.

    Raises SourceError where the file stops being JSON; rows before that place have been yielded by then.
    """
    with path.open("rb") as stream:
        prefix = _prefix(stream)
        index = -1
        try:
            for index, item in enumerate(_items(stream, prefix)):
                yield json_row(index, None, item)
            if index < 0 and not _has_array(stream, prefix):
                raise SourceError(EXPECTED)
        except (ijson.JSONError, UnicodeDecodeError) as error:
            raise SourceError(f"JSON parse error - {error} (after row {index + 1})") from error


def _prefix(stream: BinaryIO) -> str:
    """Where the rows are, in ijson's terms; leaves the stream at the first character of the JSON text."""
    start = 3 if stream.read(3) == codecs.BOM_UTF8 else 0
    stream.seek(start)
    while (character := stream.read(1)) and character.isspace():
        start += 1
    stream.seek(start)
    if character == b"[":
        return ""
    if character == b"{":
        return "items"
    raise SourceError(EXPECTED if character else "The file is empty.")


def _items(stream: BinaryIO, prefix: str) -> Iterator[Any]:
    return iter(ijson.items(stream, f"{prefix}.item" if prefix else "item", use_float=True))


def _has_array(stream: BinaryIO, prefix: str) -> bool:
    stream.seek(0)
    _prefix(stream)
    events = ijson.parse(stream, use_float=True)
    return any(place == prefix and event == "start_array" for place, event, _value in events)
