"""CSV as 1C, Excel and we ourselves write it."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, TextIO

from ecatalog import fields
from ecatalog.catalog.resource import Resource
from ecatalog.transfer.cells import SHORT_TEXT
from ecatalog.transfer.columns import Header, header_key, known_headers, missing_code, read_header
from ecatalog.transfer.rows import Rows, SourceError, SourceInfo, SourceRow, unreadable
from ecatalog.transfer.table import Table

DELIMITERS = ";,\t"
BLOCK_BYTES = 256 * 1024
HEADER_CHARACTERS = 64 * 1024
# The longest value that a field takes is 100,000 characters; as JSON text it can be half as long again. What
# is longer is a quote that nobody closed.
MAX_CELL_CHARACTERS = 200_000
SHORTENED = (
    'Excel has shortened this number to "{text}". Format the column as text and write the value again.'
)

_SHORTENED_NUMBER = re.compile(r"\d(?:[.,]\d{1,5})?E\+\d\d", re.ASCII)
_GUARDED = re.compile(r"'+(?:[=+\-@\t\r\n＝＋－＠]|\d(?:[.,]\d{1,5})?E\+\d\d$)", re.ASCII)
_UNGUARDED = re.compile(_GUARDED.pattern.replace("'+", "'*", 1), re.ASCII)


class _Lines(Protocol):
    """What csv.reader returns."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


def guard(text: str) -> str:
    """A text as our CSV carries it: with an apostrophe before what Excel would run as a formula or shorten.

    :func:`unguard` takes exactly that apostrophe off again, so every text comes back as it was.
    """
    return f"'{text}" if _UNGUARDED.match(text) else text


def unguard(text: str) -> str:
    return text[1:] if _GUARDED.match(text) else text


def csv_rows(path: Path, resource: Resource, info: SourceInfo | None = None) -> Rows:
    """Rows of a CSV file, in constant memory: the file is read twice, first to learn its encoding.

    UTF-8 with or without BOM, UTF-16 with BOM, else windows-1251. The separator (``;`` ``,`` or tab) is the
    one that makes most of the header known. A row that cannot be read is a row with errors.
    Raises SourceError when the file is no text, or its header has no code column or a column twice.
    """
    info = info or SourceInfo()
    encoding = _encoding(path)
    if csv.field_size_limit() < MAX_CELL_CHARACTERS:
        csv.field_size_limit(
            MAX_CELL_CHARACTERS
        )  # the process's; the standard one is below what a field holds
    with path.open(encoding=encoding, newline="") as text:
        try:
            yield from _read(text, resource, info)
        except UnicodeDecodeError as error:  # a byte that windows-1251 does not have, wherever it stands
            raise SourceError(f"The file is neither UTF-8 nor windows-1251 text: {error}.") from error


def _read(text: TextIO, resource: Resource, info: SourceInfo) -> Rows:
    skipped, delimiter = _form(resource, text.read(HEADER_CHARACTERS))
    text.seek(0)
    for _ in range(skipped):
        text.readline()
    lines = csv.reader(text, delimiter=delimiter, strict=True)
    header = _header(resource, lines)
    info.extra_columns = list(header.extra)
    yield from _rows(lines, header, skipped)


def _header(resource: Resource, lines: _Lines) -> Header:
    try:
        for cells in lines:
            if any(cells):
                return read_header(resource, cells)
    except csv.Error as error:
        raise SourceError(f"The header cannot be read: {error}.") from error
    raise SourceError(missing_code(resource, []))


def _rows(lines: _Lines, header: Header, skipped: int) -> Rows:
    table = Table(header)
    texts = [column for column in header.columns if isinstance(column.field, fields.Text)]
    while True:
        line = lines.line_num + skipped + 1
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            last = lines.line_num + skipped
            place = f"Line {line}" if last <= line else f"Lines {line} to {last}"
            yield unreadable(table.take_index(), line, f"{place} cannot be read: {error}.")
            continue
        if not any(cells):
            continue
        if len(cells) > header.width and any(cells[header.width :]):
            message = f"The row has {len(cells)} cells, the header {header.width}. Is a separator not quoted?"
            yield unreadable(table.take_index(), line, message)
            continue
        if (row := _row(table, cells, line, texts)) is not None:
            yield row


def _row(table: Table, cells: list[Any], line: int, texts: list[Any]) -> SourceRow | None:
    for column in texts:
        position = column.position
        if position < len(cells) and (text := cells[position]):
            if text[0] == "'":
                cells[position] = unguard(text)
            elif column.field.max_length <= SHORT_TEXT and _SHORTENED_NUMBER.fullmatch(text.strip()):
                cells[position] = {"unusable": SHORTENED.format(text=text.strip())}
    return table.row(cells, line)


def _form(resource: Resource, start: str) -> tuple[int, str]:
    """Lines to skip and the separator, from the first characters of a file."""
    if not start.strip():
        raise SourceError("The file is empty.")
    first = start.partition("\n")[0].strip()
    if re.fullmatch(r"sep=.", first):  # what Excel understands as naming the separator
        return 1, first[-1]
    known = known_headers(resource)

    def recognised(delimiter: str) -> int:
        try:
            cells = next(
                (row for row in csv.reader(io.StringIO(start, ""), delimiter=delimiter) if any(row)), []
            )
        except csv.Error:
            return 0
        return sum(header_key(cell) in known for cell in cells)

    return 0, max(DELIMITERS, key=recognised)


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as stream:
        try:
            while block := stream.read(BLOCK_BYTES):
                decoder.decode(block)
            decoder.decode(b"", True)
        except UnicodeDecodeError:
            return False
    return True


def _encoding(path: Path) -> str:
    """The encoding of a whole text file. Raises SourceError for what is no text, or is broken UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    foreign = broken = 0
    with path.open("rb") as stream:
        start = stream.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if start.startswith(b"PK\x03\x04"):
            raise SourceError("This is an Excel workbook, not CSV: name it .xlsx.")
        stream.seek(0)
        while block := stream.read(BLOCK_BYTES):
            if b"\x00" in block:
                raise SourceError("This is not a text file.")
            if block.isascii() and not decoder.getstate()[0]:
                continue
            text = decoder.decode(block)
            broken += text.count("\ufffd")
            foreign += sum(map(len, re.findall(r"[^\x00-\x7f\ufffd]+", text)))
        broken += len(decoder.decode(b"", True))
    if not broken or _is_utf8(path):  # U+FFFD may stand in the text itself
        return "utf-8-sig"
    # In windows-1251 hardly any two letters happen to be UTF-8; in damaged UTF-8 almost all are.
    if start.startswith(codecs.BOM_UTF8) or foreign > 10 * broken:
        raise SourceError("The file is UTF-8 with broken characters in it.")
    return "cp1251"
