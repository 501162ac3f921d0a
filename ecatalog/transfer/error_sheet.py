"""The uploaded sheet, given back with a column that says what is wrong beside each bad row."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

import orjson
import xlsxwriter
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from ecatalog.catalog.bulk import Action, Outcome
from ecatalog.catalog.resource import Resource
from ecatalog.transfer.bodies import Upload
from ecatalog.transfer.columns import has_code
from ecatalog.transfer.csv_source import csv_rows
from ecatalog.transfer.pipeline import Watcher
from ecatalog.transfer.report import sentence
from ecatalog.transfer.rows import SourceRow
from ecatalog.transfer.xlsx_process import Sheet, WorkbookProcess
from ecatalog.transfer.xlsx_sink import FIRST_DATE, PlainSheet

ERRORS = "errors"
EXACT_NUMBER = 10**15
SUMMARY = "Import report"
COUNTS = ("created", "updated", "unchanged", "superseded", "failed", "repeated", "rejected", "dry_run")


def error_writer(file: IO[bytes]) -> Watcher:
    """Notes the bad rows in a file, in the order of the sheet, for :func:`write_error_sheet`."""

    def watch(row: SourceRow, outcome: Outcome) -> None:
        if outcome.action is Action.FAILED:
            told = [row.sheet, row.line, sentence(outcome.errors)]
            file.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))

    return watch


def write_error_sheet(
    path: Path, resource: Resource, upload: Upload, errors: IO[bytes], report: dict[str, Any]
) -> None:
    """Write a workbook with the upload's cells, the errors in front of its columns, and the counts.

    Corrected, it can be uploaded again: the import ignores the column of errors. Formulas come back as their
    values, and a CSV file with the names and forms that the import read.
    """
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "tmpdir": str(path.parent),
    }
    errors.seek(0)
    noted = _Errors(errors)
    with xlsxwriter.Workbook(str(path), options) as workbook:
        workbook.use_zip64()
        copy = _Copy(workbook, noted)
        if upload.is_workbook:
            copy.workbook(upload.path, resource)
        else:
            copy.csv(upload.path, resource)
        copy.summary(report)


class _Errors:
    """The noted errors, taken row by row in the order in which they were written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._lines = (orjson.loads(line) for line in file)
        self._next = next(self._lines, None)

    def take(self, sheet: str | None, line: int) -> str | None:
        if self._next is None or self._next[0] != sheet or self._next[1] != line:
            return None
        message: str = self._next[2]
        self._next = next(self._lines, None)
        return message


class _Copy:
    def __init__(self, workbook: Workbook, errors: _Errors) -> None:
        self._workbook = workbook
        self._errors = errors
        self._bad = workbook.add_format({"bg_color": "#FCE4D6", "font_color": "#9C0006"})
        self._date = workbook.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})

    def workbook(self, path: Path, resource: Resource) -> None:
        with WorkbookProcess(path) as source:
            for sheet in source.sheets():
                header = _header_row(resource, sheet)
                target = self._add(sheet.name, with_errors=header is not None)
                for number, cells in source.rows_behind(0):
                    message = ERRORS if number == header else self._errors.take(sheet.name, number)
                    self._row(target, number - 1, cells, message, shifted=header is not None)

    def csv(self, path: Path, resource: Resource) -> None:
        target = self._add(resource.label, with_errors=True)
        names: list[str] = []
        for row in csv_rows(path, resource):
            if not names and row.values:
                names = list(row.values)
                self._row(target, 0, names, ERRORS, shifted=True)
            line = row.line or 0
            values = row.values or {}
            cells = [_flat(values.get(name)) for name in names]
            self._row(target, line - 1, cells, self._errors.take(None, line), shifted=True)

    def summary(self, report: dict[str, Any]) -> None:
        taken = {sheet.name.lower() for sheet in self._workbook.worksheets()}
        name = next(name for name in (SUMMARY, *map(str, range(1, 1000))) if name.lower() not in taken)
        sheet: Worksheet = self._workbook.add_worksheet(name, PlainSheet)
        for number, name in enumerate(COUNTS):
            sheet.write_string(number, 0, name)
            self._cell(sheet, number, 1, report[name])

    def _add(self, name: str, *, with_errors: bool) -> Worksheet:
        sheet: Worksheet = self._workbook.add_worksheet(name, PlainSheet)
        if with_errors:
            sheet.set_column(0, 0, 60)
            sheet.freeze_panes(1, 1)
        return sheet

    def _row(
        self, sheet: Worksheet, number: int, cells: list[Any], message: str | None, *, shifted: bool
    ) -> None:
        if message:
            sheet.write_string(number, 0, message, self._bad)
        for column, cell in enumerate(cells, start=int(shifted)):
            self._cell(sheet, number, column, cell)

    def _cell(self, sheet: Worksheet, row: int, column: int, cell: Any) -> None:
        if isinstance(cell, dict):
            self._special(sheet, row, column, cell)
        elif isinstance(cell, bool):
            sheet.write_boolean(row, column, cell)
        elif isinstance(cell, (int, float)) and abs(cell) < EXACT_NUMBER:
            sheet.write_number(row, column, cell)
        elif cell is not None and cell != "":
            sheet.write_string(row, column, str(cell))

    def _special(self, sheet: Worksheet, row: int, column: int, cell: dict[str, Any]) -> None:
        if "date" in cell:
            moment = datetime.fromisoformat(cell["date"])
            if moment.date() < FIRST_DATE:
                sheet.write_string(row, column, moment.date().isoformat())
            elif moment == datetime.combine(moment.date(), datetime.min.time()):
                sheet.write_datetime(row, column, moment.date(), self._date)
            else:
                sheet.write_datetime(row, column, moment, self._moment)
        else:
            told = cell.get("time") or ("#N/A" if "error" in cell else "…")
            sheet.write_string(row, column, str(told))


def _header_row(resource: Resource, sheet: Sheet) -> int | None:
    """The number of the row that names the columns, from 1."""
    return next((number for number, cells in sheet.first if has_code(resource, cells)), None)


def _flat(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return orjson.dumps(value).decode()
    return value.isoformat() if isinstance(value, date) else value
