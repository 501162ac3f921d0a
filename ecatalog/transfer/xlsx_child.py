"""Reads a workbook and prints its rows: run as a script, in a process that may die of a hostile file.

It imports nothing of the application, so it starts fast and knows no secret. Its standard input carries one
JSON object (see ``main``) and then one line for each sheet that it offers; its standard output JSON lines:

    {"sheet": name, "rows": count, "first": [[number, [cell, …]], …]}   a sheet and its first rows that hold
                                                                        anything; answered by a line of input:
                                                                        null to skip it, or [number, columns],
                                                                        for the rows behind row ``number``,
                                                                        ``columns`` null for all
    [[number, [cell, …]], …]                                            rows of that sheet
    {"end": true}                                                       all was said
    {"failed": reason}                                                  instead of the rest

Numbers are those the sheet shows. Cells are as :mod:`ecatalog.transfer.cells` describes them, "" when empty.
"""

from __future__ import annotations

import datetime
import itertools
import os
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from typing import Any, NoReturn
from xml.etree import ElementTree

import orjson
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

FIRST_ROWS = 20
BATCH_ROWS = 100
BLOCK_BYTES = 256 * 1024
MAX_ERROR_CELLS = 100_000
MAX_MEMBERS = 10_000

# calamine gives errors as empty cells, so the XML has to tell where they are.
ERROR_CELL = re.compile(
    rb"""<(?:\w+:)?c\s(?=[^<>]*\bt\s*=\s*["']e["'])[^<>]*\br\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']"""
)
ERROR_MARKS = (b't="e"', b"t='e'")
OVERLAP = 512  # more than a cell's opening tag

Row = tuple[int, list[Any]]
ErrorCells = dict[int, list[int]]  # columns by row, both from 0


class Unreadable(Exception):
    """The reason that the parent is told."""


def main() -> None:
    request = orjson.loads(sys.stdin.buffer.readline())
    set_limits(request["memory_bytes"], request["cpu_seconds"])
    try:
        read(request)
        say({"end": True})
    except Unreadable as error:
        fail(str(error))
    except MemoryError:
        fail("memory")
    except PasswordError:
        fail("encrypted")
    except (
        CalamineError,
        zipfile.BadZipFile,
        ElementTree.ParseError,
        EOFError,
        ValueError,
        KeyError,
        OSError,
    ):
        fail("damaged")


def set_limits(memory_bytes: int, cpu_seconds: int) -> None:
    """Limits from here on; the address space is counted on top of what the interpreter takes already."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if os.path.exists("/proc/self/statm"):  # noqa: PTH110  # pathlib costs start-up time
        with open("/proc/self/statm") as file:  # noqa: PTH123
            taken = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + memory_bytes, taken + memory_bytes))


def say(value: Any) -> bytes:
    line = orjson.dumps(
        value, default=special, option=orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_APPEND_NEWLINE
    )
    write(line)
    return line


def write(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def fail(reason: str) -> NoReturn:
    write(orjson.dumps({"failed": reason}) + b"\n")
    sys.exit(1)


def special(value: Any) -> dict[str, str]:
    """A cell that JSON has no word for."""
    if isinstance(value, datetime.date):  # a datetime, too
        return {"date": value.isoformat()}
    return {"time": str(value)}


def read(request: dict[str, Any]) -> None:
    errors = check_archive(request["path"], request["unpacked_bytes"])
    with CalamineWorkbook.from_path(request["path"]) as workbook:
        names = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.typ is SheetTypeEnum.WorkSheet and sheet.visible is SheetVisibleEnum.Visible
        ]
        # The sheets that the rest refers to go first.
        for name in sorted(names, key=lambda name: name not in request["first"]):
            sheet = workbook.get_sheet_by_name(name)
            offer(name, sheet, errors.get(name, {}), request["cell_characters"], request["row_bytes"])


def offer(name: str, sheet: Any, errors: ErrorCells, cell_characters: int, row_bytes: int) -> None:
    """Show a sheet's first rows; then, if they are wanted, the rows behind one of them."""
    rows = filled(sheet, errors)
    first = list(itertools.islice(rows, FIRST_ROWS))
    say(
        {
            "sheet": name,
            "rows": sheet.height,
            "first": [fitted(row, cell_characters, row_bytes) for row in first],
        }
    )
    answer = orjson.loads(sys.stdin.buffer.readline())
    if answer is None:
        return
    number, columns = answer
    rows = itertools.chain((row for row in first if row[0] > number), rows)
    if columns is not None:
        rows = ((line, [cells[column] for column in columns]) for line, cells in rows)
    while batch := list(itertools.islice(rows, BATCH_ROWS)):
        line = orjson.dumps(batch, default=special, option=orjson.OPT_PASSTHROUGH_DATETIME)
        if len(line) <= min(cell_characters, row_bytes):
            write(line + b"\n")
        else:
            for row in batch:
                say([fitted(row, cell_characters, row_bytes)])


def filled(sheet: Any, errors: ErrorCells) -> Iterator[Row]:
    """Rows that hold anything, with their numbers; cells begin at column A."""
    if sheet.start is None:
        return
    top, left = sheet.start
    for place, cells in enumerate(sheet.iter_rows(), start=top):
        for column in errors.get(place, ()):
            if left <= column < left + len(cells):
                cells[column - left] = {"error": ""}
        if any(cells) or any(cell != "" for cell in cells):
            yield place + 1, [""] * left + cells


def fitted(row: Row, cell_characters: int, row_bytes: int) -> Row:
    """The row, with a note instead of every text that no field could take."""
    number, cells = row
    cells = [
        {"long": len(cell)} if isinstance(cell, str) and len(cell) > cell_characters else cell
        for cell in cells
    ]
    size = sum(len(cell) for cell in cells if isinstance(cell, str))
    if 4 * size > row_bytes:
        cells = [{"long": len(cell)} if isinstance(cell, str) and len(cell) > 255 else cell for cell in cells]
    return number, cells


def check_archive(path: str, most: int) -> dict[str, ErrorCells]:
    """Unpack the archive once, counting, before anything interprets it; error cells by sheet.

    Raises Unreadable for what is no workbook, or unpacks to more than ``most`` bytes, whatever it declares.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > most:
            raise Unreadable("bomb")
        if any(member.flag_bits & 1 for member in members):
            raise Unreadable("encrypted")
        if "[Content_Types].xml" not in archive.namelist() or b"spreadsheetml" not in archive.read(
            "[Content_Types].xml"
        ):
            raise Unreadable("not_xlsx")
        found: dict[str, ErrorCells] = {}
        unpacked = 0
        for member in members:
            if member.filename.lower().endswith((".xml", ".rels")):
                unpacked += scan(archive, member, most - unpacked, found)
        return by_sheet(archive, found) if found else {}


def scan(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int, found: dict[str, ErrorCells]) -> int:
    """Bytes that the member unpacks to; cells with errors are noted in ``found``."""
    declared, member.file_size = member.file_size, 1 << 62  # read what there is, not what is declared
    size, tail = 0, b""
    with archive.open(member) as stream:
        while block := stream.read(BLOCK_BYTES):
            size += len(block)
            if size > most:
                raise Unreadable("bomb")
            block = tail + block
            if any(mark in block for mark in ERROR_MARKS):
                note_errors(block, found.setdefault(member.filename, {}))
            tail = block[-OVERLAP:]
    member.file_size = declared
    return size


def note_errors(block: bytes, cells: ErrorCells) -> None:
    for letters, number in ERROR_CELL.findall(block):
        column = 0
        for letter in letters:
            column = column * 26 + letter - 64
        columns = cells.setdefault(int(number) - 1, [])
        if column - 1 not in columns[-2:]:  # blocks overlap
            columns.append(column - 1)
        if len(cells) > MAX_ERROR_CELLS:
            raise Unreadable("errors")


def _parsed(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    # Entities that grow without end end this process alone, which has bounds on memory and time.
    return ElementTree.fromstring(archive.read(name))  # noqa: S314  # nosec B314 - see above


def by_sheet(archive: zipfile.ZipFile, found: dict[str, ErrorCells]) -> dict[str, ErrorCells]:
    """Error cells by the name of their sheet instead of its file."""
    relations = _parsed(archive, "xl/_rels/workbook.xml.rels")
    targets = {item.get("Id"): item.get("Target", "") for item in relations}
    sheets: dict[str, ErrorCells] = {}
    for item in _parsed(archive, "xl/workbook.xml").iter():
        key = next((value for name, value in item.attrib.items() if name.endswith("}id")), None)
        if item.tag.endswith("}sheet") and key in targets:
            file = targets[key].lstrip("/")
            sheets[item.get("name", "")] = found.get(file if file.startswith("xl/") else f"xl/{file}", {})
    return sheets


if __name__ == "__main__":
    main()
