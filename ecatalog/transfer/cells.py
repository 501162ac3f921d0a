"""Cells of tables as values for fields.

A cell is None, text, a number, a boolean, or a mapping for what JSON cannot say: ``{"date": ISO text}``,
``{"time": text}``, ``{"error": ""}`` (``#N/A`` and its kin), ``{"long": length}`` (left out for its size) and
``{"unusable": why}``.
What a converter cannot make sense of it hands on unchanged, for the schema to refuse in its own words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
from marshmallow.fields import Field

from ecatalog import fields

Cell = None | str | int | float | bool | dict[str, Any]
Converter = Callable[[Any], Any]

TRUE_WORDS = {"ha", "ҳа", "да", "true", "истина", "1", "yes", "y", "+", "✓"}
FALSE_WORDS = {"yo'q", "yoq", "йўқ", "йук", "нет", "false", "ложь", "0", "no", "n", "-"}

EXACT_NUMBER = 10**15  # a spreadsheet keeps 15 digits of a number
SHORT_TEXT = 255

ERROR_CELL = "The cell holds an error of a formula, such as #N/A."
DATE_CELL = "The cell holds a date. Format the column as text and write the value again."
LONG_NUMBER = (
    "The cell holds a number of more than 15 digits, of which Excel has lost some. Format it as text."
)
AMBIGUOUS = '"{text}" can mean {point} or {whole}. Write one of these.'

_PLAIN = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_SPACED = re.compile(r"[+-]?[0-9]{1,3}(?:[\s'’][0-9]{3})+(?:[.,][0-9]+)?")  # \s: no-break spaces, too
_SPACES = re.compile(r"[\s'’]+")
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,})", re.ASCII)
_POINT_GROUPS = re.compile(r"[+-]?\d{1,3}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})", re.ASCII)
_DOTTED_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?", re.ASCII)
_ISO_DATE = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})(?:[T ]\d{2}:\d{2}.*)?", re.ASCII)
_BOOLEAN_KEY = str.maketrans(dict.fromkeys("ʻʼ’‘`´", "'"))


class CellError(ValueError):
    """The cell holds no value that could be meant; the message is for the report."""


def is_empty(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and (not cell or cell.isspace()))


def converter(field: Field[Any]) -> Converter:
    """A function from a cell that is not empty to a value for ``field``; it raises CellError."""
    chosen = next((make for kind, make in _CONVERTERS if isinstance(field, kind)), _text)
    convert = chosen(field)

    def checked(cell: Any) -> Any:
        return convert(_check(cell, field) if type(cell) is dict else cell)

    return checked


def _check(cell: dict[str, Any], field: Field[Any]) -> dict[str, Any]:
    if "error" in cell:
        raise CellError(ERROR_CELL)
    if "unusable" in cell:
        raise CellError(str(cell["unusable"]))
    if "long" in cell:
        most = getattr(field, "max_length", fields.MAX_TEXT_CHARACTERS)
        raise CellError(f"Ensure this field has no more than {most} characters.")
    return cell


def number_text(number: int | float) -> str:
    """A number as its digits, never in scientific notation: 4780001234567.0 is "4780001234567"."""
    if abs(number) >= EXACT_NUMBER:
        raise CellError(LONG_NUMBER)
    if isinstance(number, int) or number.is_integer():
        return str(int(number))
    return format(Decimal(f"{number:.15g}"), "f")


def _text(field: Field[Any]) -> Converter:
    # In a code or a short name a date is what Excel made of something else, such as "12-05".
    refuses_dates = getattr(field, "max_length", SHORT_TEXT) <= SHORT_TEXT

    def convert(cell: Any) -> Any:
        kind = type(cell)
        if kind is str:
            return cell
        if kind is float or kind is int:
            return number_text(cell)
        if kind is dict:
            if refuses_dates:
                raise CellError(DATE_CELL)
            return str(cell.get("date") or cell.get("time")).removesuffix("T00:00:00")
        return cell

    return convert


def _number(field: Field[Any]) -> Converter:
    places = getattr(field, "places", 0)

    def convert(cell: Any) -> Any:
        kind = type(cell)
        if kind is str:
            return number_from_text(cell, places)
        if kind is float:
            # 15 digits, as the sheet shows it: 0.1 + 0.2 is 0.3.
            return int(cell) if cell.is_integer() else f"{cell:.15g}"
        return cell

    return convert


def number_from_text(text: str, places: int) -> str:
    """``"12 000,50"``, ``"12,000.50"`` and ``"12.000,50"`` as ``"12000.50"``.

    A single comma is a decimal comma. Where a field has fewer than three places ``"12,000"`` may as well be
    twelve thousand: CellError.
    """
    text = text.strip().replace("−", "-")
    if _PLAIN.fullmatch(text):
        return text
    if _SPACED.fullmatch(text):
        return _SPACES.sub("", text).replace(",", ".")
    if places < 3 and _AMBIGUOUS.fullmatch(text):
        point, whole = text.replace(",", ".").rstrip("0").rstrip("."), text.replace(",", "")
        raise CellError(AMBIGUOUS.format(text=text, point=point, whole=whole))
    if _DECIMAL_COMMA.fullmatch(text):
        return text.replace(",", ".")
    if _COMMA_GROUPS.fullmatch(text):
        return text.replace(",", "")
    if _POINT_GROUPS.fullmatch(text):
        return text.replace(".", "").replace(",", ".")
    return text


def _boolean(_field: Field[Any]) -> Converter:
    def convert(cell: Any) -> Any:
        if type(cell) is not str:
            return cell
        word = cell.strip().lower().translate(_BOOLEAN_KEY)
        return True if word in TRUE_WORDS else False if word in FALSE_WORDS else cell

    return convert


def _date(_field: Field[Any]) -> Converter:
    def convert(cell: Any) -> Any:
        if type(cell) is dict:
            return str(cell["date"])[:10] if "date" in cell else str(cell["time"])
        if type(cell) is str:
            text = cell.strip()
            if dotted := _DOTTED_DATE.fullmatch(text):
                day, month, year = dotted.groups()
                return f"{year}-{month}-{day}"
            if iso := _ISO_DATE.fullmatch(text):
                return iso[1]
        return cell

    return convert


def _json_object(_field: Field[Any]) -> Converter:
    return lambda cell: _parse_json(cell) if type(cell) is str else cell


def _json_list(_field: Field[Any]) -> Converter:
    def convert(cell: Any) -> Any:
        if type(cell) is not str:
            return [number_text(cell)] if type(cell) in (int, float) else cell
        if cell.lstrip().startswith("["):
            return _parse_json(cell)
        return [part.strip() for part in re.split(r"[,\n]", cell) if part.strip()]

    return convert


def _parse_json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CellError(f"Value must be valid JSON: {error}.") from error


_CONVERTERS: tuple[tuple[type[Field[Any]], Callable[[Field[Any]], Converter]], ...] = (
    (fields.Boolean, _boolean),
    (fields.Integer, _number),
    (fields.Decimals, _number),
    (fields.Date, _date),
    (fields.JSONObject, _json_object),
    (fields.JSONList, _json_list),
)
