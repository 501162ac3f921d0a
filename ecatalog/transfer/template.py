"""A workbook to fill in: headers that explain themselves, an example, cells that keep leading zeros."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import xlsxwriter
from marshmallow.fields import Field
from xlsxwriter.worksheet import Worksheet

from ecatalog import fields
from ecatalog.catalog.resource import Resource
from ecatalog.transfer.columns import TIMES, export_columns
from ecatalog.transfer.xlsx_sink import Formats, width

BOOLEAN_WORDS = ["ha", "yo'q", "да", "нет", "true", "false"]
LAST_ROW = 1_048_575
MAX_DROP_DOWN_CHARACTERS = 255  # Excel's


def write_template(path: Path, resource: Resource) -> None:
    """Write the template of a resource to ``path``: header, notes, one example row, drop-downs, formats."""
    columns = [
        (name, field) for name, field in export_columns(resource) if field is not None and name not in TIMES
    ]
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options) as workbook:
        formats = Formats(workbook)
        required = workbook.add_format({"bold": True, "bg_color": "#FCE4D6", "bottom": 1})
        sheet: Worksheet = workbook.add_worksheet(resource.label)
        sheet.freeze_panes(1, 1)
        for column, (name, field) in enumerate(columns):
            form = formats.of(field)
            sheet.set_column(column, column, width(name, field), form)
            sheet.write_string(0, column, name, required if field.required else formats.header)
            sheet.write_comment(0, column, describe(field), {"x_scale": 2})
            _add_drop_down(sheet, column, field)
            _write_example(sheet, column, field, resource.example.get(name), form)


def describe(field: Field[Any]) -> str:
    """What may stand in a column, for people."""
    lines = ["Required." if field.required else "Optional; an empty cell clears the value."]
    if isinstance(field, fields.Boolean):
        lines = ["Optional; an empty cell changes nothing.", "Yes or no: " + ", ".join(BOOLEAN_WORDS)]
    elif isinstance(field, fields.Integer):
        lines.append("A whole number" + _bounds(field) + ".")
    elif isinstance(field, fields.Decimals):
        lines.append(
            f"A number of at most {field.digits} digits, {field.places} of them decimals{_bounds(field)}."
        )
    elif isinstance(field, fields.Date):
        lines.append("A date: 2026-01-31 or 31.01.2026.")
    elif isinstance(field, fields.JSONList):
        lines.append("A list: values with commas between them, or JSON.")
    elif isinstance(field, fields.JSONObject):
        lines.append('A JSON object, such as {"key": "value"}.')
    elif isinstance(field, fields.Choice):
        lines.append("One of: " + ", ".join(field.choices))
    elif isinstance(field, fields.Text):
        lines.append(f"Text of at most {field.max_length} characters.")
    if field.metadata.get("description"):
        lines.append(str(field.metadata["description"]))
    return "\n".join(lines)


def _bounds(field: fields.Integer | fields.Decimals) -> str:
    least = None if field.minimum is None or field.minimum <= -fields.INT32_MAX else field.minimum
    most = None if field.maximum is None or field.maximum >= fields.INT32_MAX else field.maximum
    if least is not None and most is not None:
        return f", from {least} to {most}"
    return f", {least} or more" if least is not None else f", at most {most}" if most is not None else ""


def _add_drop_down(sheet: Worksheet, column: int, field: Field[Any]) -> None:
    choices = list(field.choices) if isinstance(field, fields.Choice) else []
    if isinstance(field, fields.Boolean):
        choices = BOOLEAN_WORDS
    if choices and len(",".join(choices)) <= MAX_DROP_DOWN_CHARACTERS:
        sheet.data_validation(
            1, column, LAST_ROW, column, {"validate": "list", "source": choices, "error_type": "warning"}
        )


def _write_example(sheet: Worksheet, column: int, field: Field[Any], value: Any, form: Any) -> None:
    if value is None:
        return
    if isinstance(field, (fields.Integer, fields.Decimals)):
        sheet.write_number(1, column, float(value), form)
    elif isinstance(field, fields.Boolean):
        sheet.write_boolean(1, column, value, form)
    elif isinstance(value, (list, dict)):
        is_plain = isinstance(value, list) and all(
            isinstance(item, str) and "," not in item for item in value
        )
        sheet.write_string(1, column, ", ".join(value) if is_plain else orjson.dumps(value).decode(), form)
    else:
        sheet.write_string(1, column, str(value), form)
