"""How ``ecatalog.fields`` stand in the OpenAPI document.

A field has three descriptions: in a body all that is accepted (a price as a string or a number), in an answer
the one form that is given out (a price as a string), and in a query what its text may be. A field whose
metadata has ``anyOf`` or ``type`` describes itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow.fields import Field

from ecatalog import fields

Shape = dict[str, Any]

LARGEST_EXACT = 2**53  # beyond it, scripts in a browser read another number than was written
TRUE_AND_FALSE = ["true", "false", "1", "0", "yes", "no", "on", "off", "t", "f", "y", "n"]
NO_CONTROL_CHARACTERS = r"^(?=[^\u0000-\u001f\u007f-\u009f]*\S)[^\u0000-\u001f\u007f-\u009f]*$"

# What describe_field decides; anything else (description, readOnly …) is left as apispec has it.
_DECIDED = (
    *("type", "format", "anyOf", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength"),
    *("contentMediaType", "items", "example", "examples"),
)


def describe_field(self: OpenAPIConverter, field: Field[Any], ret: Shape) -> Shape:
    """An attribute function of apispec's converter: a field of a body or an answer."""
    given = _given(field)
    answered = bool(getattr(field.root, "answered", False))
    alternatives = [given] if given else _find(_ANSWERED if answered else _WRITTEN, field)
    if not alternatives:
        return {}
    _clear(ret)
    always = answered and isinstance(field, (fields.JSONObject, fields.JSONList))
    nullable = field.allow_none and not always  # an absent container reads as an empty one
    return _either(alternatives, nullable) | _texts(field)


def describe_parameter(self: OpenAPIConverter, field: Field[Any], ret: Shape) -> Shape:
    """A parameter function of apispec's converter: a field that is read from a query."""
    shape = _given(field)
    if not shape:
        found = _find(_QUERIED, field)
        shape = found[0] if found else {}
    if not shape:
        return {}
    texts = _texts(field)
    examples = texts.pop("examples", [])
    described = [text for text in (texts.get("description"),) if text]
    parameter: Shape = {"schema": shape}
    if examples and field.required:
        parameter["example"] = examples[0]
    elif examples:
        # Not as an example: pages fill those in, which would narrow a list that nobody meant to narrow.
        described.append(f"For example `{examples[0]}`.")
    if isinstance(field, fields.Boolean):
        described.append("Also `1` and `0`, `yes` and `no`, `on` and `off`.")
    if described:
        parameter["description"] = " ".join(described)
    if field.metadata.get("allowEmptyValue"):
        parameter["allowEmptyValue"] = True
    return parameter


def _clear(ret: Shape) -> None:
    for name in _DECIDED:
        ret.pop(name, None)


def _given(field: Field[Any]) -> Shape:
    """What the field's own metadata says of its type."""
    if "anyOf" in field.metadata:
        return {"anyOf": field.metadata["anyOf"]}
    if "type" not in field.metadata:
        return {}
    names = set(_DECIDED) - {"example", "examples"}
    return {name: value for name, value in field.metadata.items() if name in names}


def _find(table: dict[type, Callable[[Any], list[Shape]]], field: Field[Any]) -> list[Shape]:
    describe = next((table[kind] for kind in type(field).__mro__ if kind in table), None)
    return describe(field) if describe else []


def _either(alternatives: list[Shape], nullable: bool) -> Shape:
    if len(alternatives) > 1:
        return {"anyOf": [*alternatives, {"type": "null"}] if nullable else alternatives}
    shape = dict(alternatives[0])
    if nullable and "anyOf" in shape:
        shape["anyOf"] = [*shape["anyOf"], {"type": "null"}]
    elif nullable:
        shape["type"] = [shape["type"], "null"]
        if "enum" in shape:
            shape["enum"] = [*shape["enum"], None]
    return shape


def _texts(field: Field[Any]) -> Shape:
    """The description and the examples; a decimal tells its size."""
    texts: Shape = {}
    described = [str(field.metadata["description"])] if field.metadata.get("description") else []
    if isinstance(field, fields.Decimals):
        described.append(_size_of(field))
    if isinstance(field, fields.RichText):
        described.append("HTML; what could run script in a page is taken out.")
    if described:
        texts["description"] = " ".join(described)
    if "example" in field.metadata:
        texts["examples"] = [field.metadata["example"]]
    return texts


def _size_of(field: fields.Decimals) -> str:
    places = f"At most {field.places} decimal places."
    if field.minimum is None or field.maximum is None:
        return places
    return f"From {field.minimum} to {field.maximum}. {places}"


# Text


def _text(field: fields.Text) -> list[Shape]:
    shape: Shape = {"type": "string", "maxLength": field.max_length}
    if not field.allow_none:
        shape["minLength"] = 1
    for name in ("format", "pattern", "contentMediaType"):
        if name in field.metadata:
            shape[name] = field.metadata[name]
    return [shape]


def _written_text(field: fields.Text) -> list[Shape]:
    """Text is trimmed, so that white space alone is blank; a number is taken for its digits."""
    shape = _text(field)[0]
    if not field.allow_none and "format" not in shape:
        shape.setdefault("pattern", r"\S")
    return [shape, {"type": "number"}]


def _queried_text(field: fields.Text) -> list[Shape]:
    shape: Shape = {"type": "string", "maxLength": field.max_length}
    if field.required:
        shape |= {"minLength": 1, "pattern": r"\S"}
    if "pattern" in field.metadata:
        shape["pattern"] = field.metadata["pattern"]
    return [shape]


def _code(field: fields.Code) -> list[Shape]:
    return [_text(field)[0] | {"pattern": NO_CONTROL_CHARACTERS}]


def _written_code(field: fields.Code) -> list[Shape]:
    return [*_code(field), {"type": "number"}]


def _written_rich_text(field: fields.RichText) -> list[Shape]:
    return [*_rich_text(field), {"type": "number"}]


def _rich_text(field: fields.RichText) -> list[Shape]:
    return [_text(field)[0] | {"contentMediaType": "text/html"}]


def _email(field: fields.Email) -> list[Shape]:
    return [_text(field)[0] | {"format": "email"}]


def _url(field: fields.Url) -> list[Shape]:
    return [_text(field)[0] | {"format": "uri"}]


def _choice(field: fields.Choice) -> list[Shape]:
    return [{"type": "string", "enum": list(field.choices)}]


# Numbers


def _bounds(field: fields.Integer) -> Shape:
    """The bounds, as far as every reader of the document can take them exactly."""
    bounds = {"minimum": field.minimum, "maximum": field.maximum}
    exact = {
        name: bound for name, bound in bounds.items() if bound is not None and abs(bound) < LARGEST_EXACT
    }
    return exact if "maximum" in exact or field.maximum is None else {**exact, "format": "int64"}


def _integer(field: fields.Integer) -> list[Shape]:
    return [{"type": "integer"} | _bounds(field)]


def _written_integer(field: fields.Integer) -> list[Shape]:
    return [*_integer(field), {"type": "string", "pattern": r"^[+-]?[0-9]+$"}]


def _digits(field: fields.Decimals, places: str) -> Shape:
    whole = field.digits - field.places
    sign = "" if field.minimum is not None and field.minimum >= 0 else "-?"
    return {"type": "string", "pattern": rf"^{sign}[0-9]{{1,{whole}}}{places}$"}


def _decimals(field: fields.Decimals) -> list[Shape]:
    least, most = field.shown_places, field.places
    places = rf"\.[0-9]{{{least}}}" if least == most else rf"\.[0-9]{{{least},{most}}}"
    return [_digits(field, places) | {"format": "decimal"}]


def _queried_decimals(field: fields.Decimals) -> list[Shape]:
    return [_digits(field, rf"(\.[0-9]{{1,{field.places}}})?") | {"format": "decimal"}]


def _written_decimals(field: fields.Decimals) -> list[Shape]:
    beyond = 10 ** (field.digits - field.places)
    number: Shape = {"type": "number"}
    number |= (
        {"exclusiveMinimum": -beyond, "exclusiveMaximum": beyond}
        if field.minimum is None or field.maximum is None
        else {"minimum": field.minimum, "maximum": field.maximum}
    )
    return [*_queried_decimals(field), number]


# The rest


def _boolean(field: fields.Boolean) -> list[Shape]:
    return [{"type": "boolean"}]


def _written_boolean(field: fields.Boolean) -> list[Shape]:
    return [{"type": "boolean"}, {"type": ["integer", "string"], "enum": [1, 0, *TRUE_AND_FALSE]}]


def _queried_boolean(field: fields.Boolean) -> list[Shape]:
    return [{"anyOf": [{"type": "boolean"}, {"type": "string", "enum": TRUE_AND_FALSE}]}]


def _date(field: fields.Date) -> list[Shape]:
    return [{"type": "string", "format": "date"}]


def _timestamp(field: fields.Timestamp) -> list[Shape]:
    return [{"type": "string", "format": "date-time"}]


def _object(field: fields.JSONObject) -> list[Shape]:
    return [{"type": "object"}]


def _list(field: fields.JSONList) -> list[Shape]:
    return [{"type": "array", "items": {}}]


Table = dict[type, Callable[[Any], list[Shape]]]

_ANSWERED: Table = {
    fields.Text: _text,
    fields.RichText: _rich_text,
    fields.Email: _email,
    fields.Url: _url,
    fields.Choice: _choice,
    fields.Boolean: _boolean,
    fields.Integer: _integer,
    fields.Decimals: _decimals,
    fields.Date: _date,
    fields.Timestamp: _timestamp,
    fields.JSONObject: _object,
    fields.JSONList: _list,
}
_WRITTEN: Table = _ANSWERED | {
    fields.Text: _written_text,
    fields.Code: _written_code,
    fields.RichText: _written_rich_text,
    fields.Boolean: _written_boolean,
    fields.Integer: _written_integer,
    fields.Decimals: _written_decimals,
}
_QUERIED: Table = _ANSWERED | {
    fields.Text: _queried_text,
    fields.RichText: _queried_text,
    fields.Email: _queried_text,
    fields.Url: _queried_text,
    fields.Boolean: _queried_boolean,
    fields.Decimals: _queried_decimals,
}
