"""What the fields of a schema make of ordinary values, without asking them.

marshmallow's fields stay the one definition of a row. For the kinds of fields below there is a short function
that knows the ordinary, well-formed values and what the field makes of them. For everything else it gives
ASK, and the field itself is asked. A property test holds both equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow.fields import Field

from ecatalog import fields
from ecatalog.catalog.schemas import ParentCode

#: The value is none of the ordinary ones.
ASK: Any = object()

Quick = Callable[[Any], Any]


def quick(field: Field[Any]) -> Quick:
    """A function from an ordinary value to what ``field`` makes of it; from all others to ASK.

    Only the very classes listed here are known: what is derived from them may differ.
    """
    make = _MAKERS.get(type(field))
    if make is None or field.validators or field.pre_load or field.post_load:
        return _ask
    return make(field)


def _ask(_value: Any) -> Any:
    return ASK


def _text(field: Any) -> Quick:
    longest: int = field.max_length
    empty = None if field.allow_none else ASK

    def text(value: Any) -> Any:
        # Printable: no NUL, no surrogates, no control characters, no space other than " ".
        if type(value) is str and value.isprintable():
            trimmed = value.strip()
            if 0 < len(trimmed) <= longest:
                return trimmed
        return empty if value is None else ASK

    return text


def _decimal(field: fields.Decimals) -> Quick:
    written = re.compile(rf"\d{{1,{field.digits - field.places}}}(?:\.\d{{0,{field.places}}})?", re.ASCII)
    matches = written.fullmatch
    step = Decimal(1).scaleb(-field.places)
    lowest = Decimal(field.minimum or 0)
    highest = Decimal(10**field.digits if field.maximum is None else field.maximum)
    empty = None if field.allow_none else ASK

    def decimal(value: Any) -> Any:
        if type(value) is not str:
            if value is None:
                return empty
            if type(value) is not int and type(value) is not float:
                return ASK
            value = str(value)
        if matches(value):
            number = Decimal(value).quantize(step)
            if lowest <= number <= highest:
                return number
        return ASK

    return decimal


def _integer(field: fields.Integer) -> Quick:
    lowest, highest = field.minimum or 0, field.maximum or 0
    empty = None if field.allow_none else ASK

    def integer(value: Any) -> Any:
        if type(value) is int and lowest <= value <= highest:
            return value
        return empty if value is None else ASK

    return integer


def _boolean(_field: Any) -> Quick:
    return lambda value: value if value is True or value is False else ASK


def _date(field: fields.Date) -> Quick:
    matches = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch
    empty = None if field.allow_none else ASK

    def day(value: Any) -> Any:
        if type(value) is str and matches(value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                return ASK
        return empty if value is None else ASK

    return day


def _container(field: Any) -> Quick:
    kind: type = field.kind
    return lambda value: value if type(value) is kind and not value else ASK


_MAKERS: dict[type, Callable[[Any], Quick]] = {
    fields.Text: _text,
    fields.Code: _text,
    ParentCode: _text,
    fields.Decimals: _decimal,
    fields.Integer: _integer,
    fields.Boolean: _boolean,
    fields.Date: _date,
    fields.JSONObject: _container,
    fields.JSONList: _container,
}
