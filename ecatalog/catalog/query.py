"""Declared filters, ordering and search: from query parameters to one SELECT's conditions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from marshmallow.fields import Field

from ecatalog import fields, search
from ecatalog.catalog import search_parameters
from ecatalog.config import current_settings
from ecatalog.errors import InvalidInput
from ecatalog.extensions import db
from ecatalog.smorest import Schema

if TYPE_CHECKING:
    from ecatalog.catalog.resource import Resource

NO_PARENT = "null"

Clause = Callable[[Any, Any], sa.ColumnElement[bool]]


@dataclass(frozen=True)
class Filter:
    """A query parameter: how its text becomes a value, and the value a condition on the model."""

    name: str
    field: Field[Any]
    clause: Clause


@dataclass(frozen=True)
class Order:
    """One term of an ordering."""

    column: str
    descending: bool


NEWEST_FIRST = (Order("created_at", True), Order("id", True))


class Moment(Field[Any]):
    """A date (that whole day in TIMEZONE) or an RFC 3339 timestamp; loads as (first instant, one after)."""

    default_error_messages = {
        **fields.COMMON_MESSAGES,
        "invalid": "Date has wrong format. Use one of these formats instead: "
        "YYYY-MM-DD, YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
    }
    _day = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
    _instant = re.compile(
        r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+\- ]\d{2}:?\d{2})?", re.ASCII
    )

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> tuple[datetime, datetime]:
        text = str(value).strip()
        zone = current_settings().timezone
        try:
            if self._day.fullmatch(text):
                day = date.fromisoformat(text)
                start = datetime.combine(day, time(), zone)
                return start.astimezone(UTC), datetime.combine(
                    day + timedelta(days=1), time(), zone
                ).astimezone(UTC)
            if self._instant.fullmatch(text):
                # A "+" that was not percent-encoded arrives as a space.
                instant = datetime.fromisoformat(re.sub(r" (\d{2}:?\d{2})$", r"+\1", text).upper())
                instant = (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)
                return instant, instant + timedelta(microseconds=1)
        except (ValueError, OverflowError) as error:
            raise self.make_error("invalid") from error
        raise self.make_error("invalid")


class ParentId(fields.Integer):
    """A parent's id, or the word ``null`` for rows that have none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(minimum=0, maximum=fields.INT64_MAX, **kwargs)
        self.metadata = {"description": kwargs["metadata"]["description"], "anyOf": _PARENT_ID_TYPES}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return NO_PARENT if value == NO_PARENT else super()._deserialize(value, attr, data, **kwargs)


_PARENT_ID_TYPES = [
    {"type": "integer", "minimum": 0, "format": "int64"},
    {"type": "string", "const": NO_PARENT},
]


def _text(description: str) -> fields.Text:
    return fields.Text(1000, metadata={"description": description})


def exact(name: str, field: Field[Any]) -> Filter:
    """``?name=value``; the value is read as the resource's own field reads it."""
    metadata = {**field.metadata, "description": f"`{name}` is exactly this."}
    optional = fields.variant(field, required=False, allow_none=True)
    optional.metadata = metadata
    return Filter(name, optional, lambda model, value: getattr(model, name) == value)


def _contains(column: Any, part: str) -> sa.ColumnElement[bool]:
    """Both sides are lowered by the database: it and Python disagree on some letters."""
    escaped = re.sub(r"([/%_])", r"/\1", part)
    return sa.func.lower(column).like(sa.func.lower(f"%{escaped}%"), escape="/")


def contains(name: str, column: str) -> Filter:
    """``?name=part``: in any letter case."""
    return Filter(
        name,
        _text(f"`{column}` contains this, in any letter case."),
        lambda model, value: _contains(getattr(model, column), value),
    )


def at_least(name: str, column: str, field: Field[Any]) -> Filter:
    return Filter(name, field, lambda model, value: getattr(model, column) >= value)


def at_most(name: str, column: str, field: Field[Any]) -> Filter:
    return Filter(name, field, lambda model, value: getattr(model, column) <= value)


def positive(name: str, column: str) -> Filter:
    """``?name=true``: the column is above zero; ``false``: it is zero, less, or not known."""

    def clause(model: Any, value: bool) -> sa.ColumnElement[bool]:
        amount = getattr(model, column)
        return amount > 0 if value else sa.or_(amount.is_(None), amount <= 0)

    return Filter(name, fields.Boolean(metadata={"description": f"`{column}` is above zero."}), clause)


def filled(column: str) -> Callable[[Any], sa.ColumnElement[bool]]:
    """The condition that a text column holds something; empty text is stored as null."""

    def clause(model: Any) -> sa.ColumnElement[bool]:
        condition: sa.ColumnElement[bool] = getattr(model, column).is_not(None)
        return condition

    return clause


def presence(name: str, clause: Callable[[Any], sa.ColumnElement[bool]], what: str) -> Filter:
    """``?name=with`` and ``?name=without``; ``clause`` is the condition of "with"."""
    field = fields.Choice(("with", "without"), metadata={"description": f"Rows with or without {what}."})
    return Filter(name, field, lambda model, value: clause(model) if value == "with" else ~clause(model))


_MOMENT = {
    "anyOf": [
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date-time"},
        {"type": "string", "maxLength": 0},  # as if it were not there
    ]
}


def _from(name: str, column: str) -> Filter:
    field = Moment(metadata={"description": f"`{column}` is at or after this date or timestamp."} | _MOMENT)
    return Filter(name, field, lambda model, value: getattr(model, column) >= value[0])


def _to(name: str, column: str) -> Filter:
    field = Moment(metadata={"description": f"`{column}` is not after this date or timestamp."} | _MOMENT)
    return Filter(name, field, lambda model, value: getattr(model, column) < value[1])


def common_filters(resource: Resource) -> list[Filter]:
    """What every resource can be filtered by."""
    filters = [
        exact("is_active", fields.Boolean()),
        exact(resource.code, fields.Text(resource.code_length)),
        contains("code_contains", resource.code),
        contains("name_contains", "name"),
    ]
    for part in ("created", "updated"):
        filters += [_from(f"{part}_from", f"{part}_at"), _to(f"{part}_to", f"{part}_at")]
    return filters + parent_filters(resource)


def parent_filters(resource: Resource) -> list[Filter]:
    """``project_id`` and ``project``, which also choose among rows of one code; none without a parent."""
    if resource.parent is None:
        return []
    parent = resource.parent
    link = resource.link_column

    def by_id(model: Any, value: Any) -> sa.ColumnElement[bool]:
        column = getattr(model, link)
        condition: sa.ColumnElement[bool] = column.is_(None) if value == NO_PARENT else column == value
        return condition

    def by_code(model: Any, value: str) -> sa.ColumnElement[bool]:
        owner: Any = parent.model
        of_code = sa.select(owner.id).where(getattr(owner, parent.code) == value).scalar_subquery()
        condition: sa.ColumnElement[bool] = getattr(model, link) == of_code
        return condition

    return [
        Filter(
            link, ParentId(metadata={"description": f"Id of the {parent.name}, or `null` for none."}), by_id
        ),
        Filter(parent.name, _text(f"`{parent.code}` of the {parent.name}."), by_code),
    ]


def filter_schema(resource: Resource) -> type[Schema]:
    """The query parameters of a list, paging excepted."""
    declared: dict[str, Field[Any]] = {item.name: item.field for item in resource.all_filters.values()}
    declared |= search_parameters.of_lists(resource.search, (resource.code, *resource.exact))
    allowed = ", ".join(resource.all_ordering)
    term = rf"\s*(-?({'|'.join(resource.all_ordering)}))?\s*"
    declared["ordering"] = fields.Text(
        1000,
        metadata={
            "description": f"Comma-separated, `-` for descending, newest first if absent. One of: {allowed}.",
            "example": "name,-created_at",
            "pattern": f"^{term}(,{term})*$",
        },
    )
    return type(f"{resource.label}Filters", (Schema,), declared)


def conditions(resource: Resource, values: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    """The WHERE terms of loaded filter values and of the search as it stands, deleted rows excluded."""
    terms = [~resource.columns.is_deleted, *filter_terms(resource, values)]
    words = search.words(values.get("search") or "")
    return [*terms, search_term(resource, words)] if words else terms


def filter_terms(resource: Resource, values: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    """The WHERE terms of loaded filter values alone."""
    given = {name: values[name] for name in resource.all_filters if values.get(name) is not None}
    return [resource.all_filters[name].clause(resource.columns, value) for name, value in given.items()]


def search_term(resource: Resource, words: Sequence[tuple[str, ...]]) -> sa.ColumnElement[bool]:
    """The condition on the resource's table that every word occurs, in one of its spellings.

    Materialized: else PostgreSQL may follow the order that is asked for and look at each row for the words,
    which is quick where they are spread evenly, and takes it through the whole table where they are not.
    """
    tables = resource.search_tables
    found = sa.select(tables.rows.c.id).where(search.contains(tables, words, db.engine.dialect.name))
    hits = found.cte().prefix_with("MATERIALIZED", dialect="postgresql")
    condition: sa.ColumnElement[bool] = resource.columns.id.in_(sa.select(hits.c.id))
    return condition


def parse_ordering(resource: Resource, text: str | None) -> tuple[Order, ...]:
    """The terms of ``?ordering=``, made total by the id. Raises InvalidInput for an unknown field."""
    names = [part.strip() for part in (text or "").split(",") if part.strip()]
    if not names:
        return NEWEST_FIRST
    terms: list[Order] = []
    for name in names:
        column = name.removeprefix("-")
        if column not in resource.all_ordering:
            raise InvalidInput({"ordering": [f'"{name[:100]}" is not a valid choice.']})
        if column not in (term.column for term in terms):
            terms.append(Order(column, name.startswith("-")))
    if "id" not in (term.column for term in terms):
        terms.append(Order("id", terms[-1].descending))
    return tuple(terms)


def order_by(model: Any, terms: tuple[Order, ...], *, backwards: bool = False) -> list[sa.ColumnElement[Any]]:
    """ORDER BY elements; nulls stand last in both directions (first, when the order is read backwards)."""
    elements: list[sa.ColumnElement[Any]] = []
    for term in terms:
        column = getattr(model, term.column)
        element = column.desc() if term.descending != backwards else column.asc()
        if nullable(column):
            element = element.nulls_first() if backwards else element.nulls_last()
        elements.append(element)
    return elements


def nullable(column: Any) -> bool:
    """Whether a column of a model may be null; what a statement computes is taken to be never null."""
    return bool(getattr(column.expression, "nullable", False))
