"""Excel workbooks as rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ecatalog.catalog.resource import Resource
from ecatalog.transfer.columns import Header, has_code, missing_code, read_header
from ecatalog.transfer.long_texts import HEADER, SHEET, LongTexts
from ecatalog.transfer.rows import Rows, SourceError, SourceInfo
from ecatalog.transfer.table import Table
from ecatalog.transfer.xlsx_process import Limits, Sheet, WorkbookProcess


def xlsx_rows(
    path: Path,
    resource: Resource,
    info: SourceInfo | None = None,
    limits: Limits = Limits(),  # noqa: B008  # frozen
) -> Rows:
    """Rows of a workbook's visible sheets, read in a process of its own.

    The header is the first row, among the first 20 that hold anything, in which a column names the code.
    Sheets behind the first one with a header are read if theirs names the same columns, else skipped.
    Formula cells count as the value that Excel has kept for them; rows that hold nothing are skipped.
    Raises SourceError, with a message for the sender, for any file that cannot be read: before the first row,
    unless only a later sheet is broken.
    """
    info = info or SourceInfo()
    table: Table | None = None
    names: frozenset[str] = frozenset()
    texts = LongTexts()
    seen: Sheet | None = None
    with WorkbookProcess(path, limits, first=[SHEET]) as workbook:
        for sheet in workbook.sheets():
            if sheet.name == SHEET and sheet.first and sheet.first[0][1][:3] == HEADER:
                texts = LongTexts(workbook.rows_behind(sheet.first[0][0]))
                continue
            seen = seen or (sheet if sheet.first else None)
            found = _find_header(resource, sheet)
            if found is None or (table is not None and frozenset(found[1].names) != names):
                if sheet.first:
                    info.skipped_sheets.append(sheet.name)
                continue
            number, header = found
            compact, positions = _compact(header)
            if table is None:
                table = Table(compact)
                names = frozenset(header.names)
                info.extra_columns = list(header.extra)
                info.total_rows = 0
            else:
                table.use(compact)
            info.total_rows = (info.total_rows or 0) + sheet.rows - 1
            for line, cells in workbook.rows_behind(number, positions):
                if texts:
                    texts.restore(cells)
                if (row := table.row(cells, line, sheet.name)) is not None:
                    yield row
    if table is None:
        raise SourceError(_no_header(resource, seen))


def _find_header(resource: Resource, sheet: Sheet) -> tuple[int, Header] | None:
    for number, cells in sheet.first:
        if has_code(resource, cells):
            return number, read_header(resource, cells)
    return None


def _compact(header: Header) -> tuple[Header, list[int]]:
    """The header as it is when only its columns are fetched, and their places."""
    columns = tuple(replace(column, position=place) for place, column in enumerate(header.columns))
    return replace(header, columns=columns), [column.position for column in header.columns]


def _no_header(resource: Resource, sheet: Sheet | None) -> str:
    if sheet is None:
        return "The workbook is empty."
    return missing_code(resource, sheet.first[0][1])
