"""NDJSON: one JSON object a line, of any number of lines, in constant memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

import orjson

from ecatalog.transfer.rows import Rows, json_row, unreadable

# A row of full-length texts with every letter escaped as \uXXXX stays below this.
MAX_LINE_BYTES = 4 * 1024 * 1024
BLOCK_BYTES = 64 * 1024


def ndjson_rows(stream: BinaryIO, max_line_bytes: int = MAX_LINE_BYTES) -> Rows:
    """Rows of an NDJSON stream; blank lines are skipped.

    A line that is malformed, not UTF-8, no object, or longer than ``max_line_bytes`` is a row with errors,
    and reading goes on behind it. Memory: the line at hand. Errors of the stream itself pass through.
    """
    index = 0
    for number, line in enumerate(_lines(stream, max_line_bytes), start=1):
        if line is None:
            yield unreadable(index, number, f"The line is longer than {max_line_bytes} bytes.")
        elif not line or line.isspace():
            continue
        else:
            try:
                row = json_row(index, number, orjson.loads(line))
            except orjson.JSONDecodeError as error:
                row = unreadable(index, number, f"JSON parse error - {error}")
            yield row
        index += 1


def _lines(stream: BinaryIO, most: int) -> Iterator[bytes | None]:
    """Lines without their ends; None for one that is too long. The first may begin with a BOM."""
    held = b""
    too_long = False
    first = True
    while block := stream.read(BLOCK_BYTES):
        if first:
            while len(block) < len(codecs.BOM_UTF8) and (more := stream.read(BLOCK_BYTES)):
                block += more
            block = block.removeprefix(codecs.BOM_UTF8)
            first = False
        *complete, rest = block.split(b"\n")
        for piece in complete:
            line = held + piece
            yield None if too_long or len(line) > most else line
            held, too_long = b"", False
        held += rest
        if len(held) > most:
            held, too_long = b"", True
    if too_long or held:
        yield None if too_long or len(held) > most else held
