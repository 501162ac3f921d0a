"""Rows as an Excel workbook, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import xlsxwriter
from marshmallow.fields import Field
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from ecatalog import fields
from ecatalog.catalog.resource import Resource
from ecatalog.transfer import long_texts
from ecatalog.transfer.cells import SHORT_TEXT
from ecatalog.transfer.columns import export_columns, export_value

ROWS_PER_SHEET = 1_048_575  # besides the header
EXACT_DIGITS = 15
# Excel counts a 29th of February 1900, which calendars do not have, and knows no day before that year.
FIRST_DATE = date(1900, 3, 1)
# The only characters that XML has no way to hold; no language uses them.
NO_CHARACTERS = str.maketrans({"\ufffe": "\ufffd", "\uffff": "\ufffd"})

Write = Callable[[Any, int, int, Any], None]


class PlainSheet(Worksheet):  # type: ignore[misc]  # XlsxWriter publishes no types
    """Every text is text: XlsxWriter writes one that begins with ``<r>``, ends with ``</r>`` as raw XML."""

    def _xml_rich_inline_string(self, string: str, attributes: Any = ()) -> None:
        self._xml_inline_string(string, False, attributes)


def write_xlsx(
    path: Path, resource: Resource, rows: Iterable[dict[str, Any]], rows_per_sheet: int = ROWS_PER_SHEET
) -> int:
    """Write rendered rows to a new workbook at ``path``; how many they were.

    Numbers, dates and booleans are cells of their kind, all else is text, also what looks like a formula, a
    number or an address. Decimals of more than 15 digits and dates before March 1900 are text, since Excel
    cannot hold them; texts of more than 32,767 characters go to a sheet "Long texts". Rows that one sheet
    does not take continue on "Sheet 2" … with the same header. Temporary files stand beside ``path``.
    """
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "tmpdir": str(path.parent),
    }
    with xlsxwriter.Workbook(str(path), options) as workbook:
        workbook.use_zip64()
        return _Sheets(workbook, resource, rows_per_sheet).write(rows)


class _Sheets:
    """The sheets of an export."""

    def __init__(self, workbook: Workbook, resource: Resource, rows_per_sheet: int) -> None:
        self._workbook = workbook
        self._resource = resource
        self._rows_per_sheet = rows_per_sheet
        self._formats = Formats(workbook)
        self._columns = [
            (name, field, self._writer(field), self._formats.of(field))
            for name, field in export_columns(resource)
        ]
        self._long_sheet: Worksheet | None = None
        self._long_row = 0
        self._long_number = 0

    def write(self, rows: Iterable[dict[str, Any]]) -> int:
        resource = self._resource
        sheet = self._new_sheet(1)
        count = 0
        for count, row in enumerate(rows, start=1):
            number, line = divmod(count - 1, self._rows_per_sheet)
            if count > 1 and line == 0:
                sheet = self._new_sheet(number + 1)
            for column, (name, _field, write, _format) in enumerate(self._columns):
                value = export_value(resource, row, name)
                if value is not None:
                    write(sheet, line + 1, column, value)
        return count

    def _new_sheet(self, number: int) -> Worksheet:
        sheet: Worksheet = self._workbook.add_worksheet(f"Sheet {number}", PlainSheet)
        sheet.freeze_panes(1, 1)
        for column, (name, field, _write, form) in enumerate(self._columns):
            sheet.set_column(column, column, width(name, field), form)
            sheet.write_string(0, column, name, self._formats.header)
        return sheet

    def _writer(self, field: Field[Any] | None) -> Write:
        form = self._formats.of(field)
        if isinstance(field, fields.Boolean):
            return lambda sheet, row, column, value: sheet.write_boolean(row, column, value, form)
        if isinstance(field, fields.Integer):
            return lambda sheet, row, column, value: sheet.write_number(row, column, value, form)
        if isinstance(field, fields.Decimals):
            return self._write_decimal(form)
        if isinstance(field, fields.Date):
            return self._write_date(form)
        if isinstance(field, (fields.JSONObject, fields.JSONList)):
            return self._write_json
        return self._write_text(form)

    def _write_text(self, form: Format | None) -> Write:
        def write(sheet: Worksheet, row: int, column: int, value: Any) -> None:
            text = str(value)
            if long_texts.needs_own_sheet(text):
                text = self._put_aside(text)
            sheet.write_string(
                row, column, text.translate(NO_CHARACTERS) if not text.isascii() else text, form
            )

        return write

    def _write_decimal(self, form: Format | None) -> Write:
        def write(sheet: Worksheet, row: int, column: int, value: Any) -> None:
            if len(value) > EXACT_DIGITS and sum(map(str.isdigit, value)) > EXACT_DIGITS:
                sheet.write_string(row, column, value)
            else:
                sheet.write_number(row, column, float(value), form)

        return write

    def _write_date(self, form: Format | None) -> Write:
        def write(sheet: Worksheet, row: int, column: int, value: Any) -> None:
            day = value if isinstance(value, date) else date.fromisoformat(value)
            if day < FIRST_DATE:
                sheet.write_string(row, column, day.isoformat())
            else:
                sheet.write_datetime(row, column, day, form)

        return write

    def _write_json(self, sheet: Worksheet, row: int, column: int, value: Any) -> None:
        if value:  # an empty container is what an empty cell means
            text = orjson.dumps(value).decode()
            sheet.write_string(
                row, column, self._put_aside(text) if long_texts.needs_own_sheet(text) else text
            )

    def _put_aside(self, text: str) -> str:
        """Write a text to the sheet of long texts; what its cell says instead."""
        if self._long_sheet is None:
            self._long_sheet = self._workbook.add_worksheet(long_texts.SHEET, PlainSheet)
            for column, name in enumerate(long_texts.HEADER):
                self._long_sheet.write_string(0, column, name, self._formats.header)
        self._long_number += 1
        for part, piece in enumerate(long_texts.parts(text), start=1):
            self._long_row += 1
            self._long_sheet.write_number(self._long_row, 0, self._long_number)
            self._long_sheet.write_number(self._long_row, 1, part)
            self._long_sheet.write_string(self._long_row, 2, piece.translate(NO_CHARACTERS))
        return long_texts.reference(self._long_number)


class Formats:
    """Cell formats of a workbook, by field."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self._made: dict[str, Format] = {}
        self.header: Format = workbook.add_format({"bold": True, "bg_color": "#E8EEF7", "bottom": 1})

    def of(self, field: Field[Any] | None) -> Format | None:
        """The format of a column, None for none.

        Codes, barcodes, tax ids and all short texts are text, so that leading zeros live; long texts have no
        format, since old versions of Excel show #### for more than 255 characters of that one.
        """
        if isinstance(field, fields.Text) and field.max_length <= SHORT_TEXT:
            return self._format("@")
        if isinstance(field, fields.Integer):
            return self._format("0")
        if isinstance(field, fields.Decimals):
            least, most = min(field.shown_places, field.places), field.places
            return self._format("0." + "0" * least + "#" * (most - least))
        if isinstance(field, fields.Date):
            return self._format("yyyy-mm-dd")
        return None

    def _format(self, pattern: str) -> Format:
        if pattern not in self._made:
            self._made[pattern] = self._workbook.add_format({"num_format": pattern})
        return self._made[pattern]


def width(name: str, field: Field[Any] | None) -> int:
    """A column's width in characters."""
    if isinstance(field, fields.Text):
        return max(len(name) + 2, min(40, field.max_length // 6))
    return max(len(name) + 2, 27 if field is None else 12)
