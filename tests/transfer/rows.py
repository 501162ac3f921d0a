"""Rows of any content, as the API answers them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from marshmallow.fields import Field

from ecatalog import fields
from ecatalog.catalog.resource import Resource
from ecatalog.transfer.columns import api_fields

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)

# Whatever PostgreSQL stores as text, but for two code points that are no characters: XML cannot hold them.
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufffe\uffff")
printable = st.characters(exclude_categories=["Cs", "Cc", "Cf", "Cn", "Co", "Zl", "Zp"])  # as codes are

AWKWARD = [
    *("=1+1", "+998 90 123-45-67", "-5", "@SUM(A1)", "'=1", "''+7", "'", "'x", "＝1+1", "=", "+", "-"),
    *("007", "4780001234567", "4780001234567.0", "1,5", "1.5E+10", "'4,78E+12", "4.78001E+12", "1e5"),
    *("01-02", "2026-01-31", "31.01.2026", "true", "да", "#N/A", "null", "None", "TRUE"),
    *("<r>x</r>", "<r><t>x</t></r>", "&amp;", "]]>", "_x000D_", "_x0041_", "a\r\nb", "a\rb", "a\nb", "\x01"),
    *('ООО "Ромашка"', '"', '";"', "a;b", "a,b", "a\tb", "oʻzbek", "😀" * 20, "→ Long texts: 1", "sep=;"),
    *("https://example.com", "mailto:a@example.com", "internal:Sheet1!A1", "[1]", "{}", "x" * 255),
]


def texts(field: fields.Text) -> st.SearchStrategy[str]:
    alphabet = printable if isinstance(field, fields.Code) else characters
    usual = st.text(alphabet, min_size=1, max_size=min(field.max_length, 40))
    fitting = [
        text
        for text in AWKWARD
        if len(text) <= field.max_length and not (isinstance(field, fields.Code) and not text.isprintable())
    ]
    return st.one_of(st.sampled_from(fitting), usual).filter(lambda text: bool(text.strip()))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(-1e15, 1e15)
    | st.text(characters, max_size=10)
    | st.sampled_from(AWKWARD),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(characters, max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def values(field: Field[Any]) -> st.SearchStrategy[Any]:
    """What a client may send for a field."""
    made: st.SearchStrategy[Any]
    if isinstance(field, fields.Email):
        made = st.sampled_from(["info@example.com", "a.b+c@example.uz"])
    elif isinstance(field, fields.Url):
        made = st.sampled_from(["https://example.com/a?b=c&d", "http://example.uz"])
    elif isinstance(field, fields.RichText):
        made = st.sampled_from(["<p>Тавсиф &amp; b</p>", "=1", "a\nb", "+1", "'@x", "<b>Ы</b>" * 100])
    elif isinstance(field, fields.Text):
        made = texts(field)
    elif isinstance(field, fields.Boolean):
        return st.booleans()
    elif isinstance(field, fields.Integer):
        made = st.integers(field.minimum or 0, field.maximum)
    elif isinstance(field, fields.Decimals):
        made = decimals(field)
    elif isinstance(field, fields.Date):
        made = st.dates(date(1, 1, 1), date(9999, 12, 31)).map(date.isoformat)
    elif isinstance(field, fields.JSONList):
        return st.lists(json_values, max_size=3)
    else:
        assert isinstance(field, fields.JSONObject), field
        return st.dictionaries(st.text(characters, max_size=5), json_values, max_size=3)
    return made if field.required else st.none() | made


def decimals(field: fields.Decimals) -> st.SearchStrategy[str]:
    most = Decimal(10) ** (field.digits - field.places) - Decimal(1).scaleb(-field.places)
    least = -most if field.minimum is None else Decimal(field.minimum)
    most = most if field.maximum is None else Decimal(field.maximum)
    return st.decimals(least, most, places=field.places, allow_nan=False, allow_infinity=False).map(
        lambda number: f"{number:f}"
    )


def sent_rows(resource: Resource) -> st.SearchStrategy[dict[str, Any]]:
    """Rows as a client may send them, every field present."""
    declared = api_fields(resource)
    if resource.parent is not None:
        del declared[resource.link_column]
    return st.fixed_dictionaries({name: values(field) for name, field in declared.items()})


def loaded(resource: Resource, sent: dict[str, Any]) -> dict[str, Any]:
    """What the schema makes of it."""
    found: dict[str, Any] = resource.write_schema().load(sent)
    return found


def rendered(resource: Resource, loaded_values: dict[str, Any]) -> dict[str, Any]:
    """The API's answer for a row of these values."""
    columns = dict(loaded_values)
    if resource.parent is not None:
        code = columns.pop(resource.parent.name)
        if code is not None:
            parent: Any = resource.parent.model
            columns[resource.parent.name] = parent(id=7, name="P", **{resource.parent.code: code})
    return resource.render_bare(resource.model(id=1, created_at=NOW, updated_at=NOW, **columns))
