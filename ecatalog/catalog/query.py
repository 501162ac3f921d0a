"""Declared filters, ordering and search: from query parameters to one SELECT's conditions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from marshmallow.fields import Field

from ecatalog import fields, search
from ecatalog.catalog import search_parameters
from ecatalog.catalog.filter_fields import NO_PARENT, Moment, ParentId
from ecatalog.errors import InvalidInput
from ecatalog.extensions import db
from ecatalog.smorest import Schema

if TYPE_CHECKING:
    from ecatalog.catalog.resource import Resource

Clause = Callable[[Any, Any], sa.ColumnElement[bool]]


def _nothing(_value: Any) -> Any:
    return None


@dataclass(frozen=True)
class Filter:
    """A query parameter: how its text becomes a value, and the value a condition on the model.

    bound   what of a value is a parameter of the condition: ``clause`` is given that. For values of which it
            is None, the value itself makes the condition, and ``clause`` is given that; these must be few.
    """

    name: str
    field: Field[Any]
    clause: Clause
    bound: Callable[[Any], Any] = _nothing

    def condition(self, model: Any, value: Any) -> sa.ColumnElement[bool]:
        """The WHERE term of a loaded value."""
        bound = self.bound(value)
        return self.clause(model, value if bound is None else bound)


@dataclass(frozen=True)
class Order:
    """One term of an ordering."""

    column: str
    descending: bool


NEWEST_FIRST = (Order("created_at", True), Order("id", True))


def _text(description: str) -> fields.Text:
    return fields.Text(1000, metadata={"description": description})


def exact(name: str, field: Field[Any]) -> Filter:
    """``?name=value``; the value is read as the resource's own field reads it."""
    metadata = {**field.metadata, "description": f"`{name}` is exactly this."}
    optional = fields.variant(field, required=False, allow_none=True)
    optional.metadata = metadata
    return Filter(name, optional, lambda model, value: getattr(model, name) == value, _but_booleans)


def _but_booleans(value: Any) -> Any:
    """Of which one may be much rarer than the other: plans are made for each."""
    return None if isinstance(value, bool) else value


def _itself(value: Any) -> Any:
    return value


def _pattern(part: str) -> str:
    escaped = re.sub(r"([/%_])", r"/\1", part)
    return f"%{escaped}%"


def _contains(column: Any, pattern: Any) -> sa.ColumnElement[bool]:
    """Both sides are lowered by the database: it and Python disagree on some letters."""
    return sa.func.lower(column).like(sa.func.lower(sa.type_coerce(pattern, sa.String)), escape="/")


def contains(name: str, column: str) -> Filter:
    """``?name=part``: in any letter case."""
    return Filter(
        name,
        _text(f"`{column}` contains this, in any letter case."),
        lambda model, pattern: _contains(getattr(model, column), pattern),
        _pattern,
    )


def at_least(name: str, column: str, field: Field[Any]) -> Filter:
    return Filter(name, field, lambda model, value: getattr(model, column) >= value, _itself)


def at_most(name: str, column: str, field: Field[Any]) -> Filter:
    return Filter(name, field, lambda model, value: getattr(model, column) <= value, _itself)


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
    return Filter(name, field, lambda model, start: getattr(model, column) >= start, itemgetter(0))


def _to(name: str, column: str) -> Filter:
    field = Moment(metadata={"description": f"`{column}` is not after this date or timestamp."} | _MOMENT)
    return Filter(name, field, lambda model, end: getattr(model, column) < end, itemgetter(1))


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
        none = isinstance(value, str)  # NO_PARENT
        condition: sa.ColumnElement[bool] = column.is_(None) if none else column == value
        return condition

    def by_code(model: Any, value: Any) -> sa.ColumnElement[bool]:
        owner: Any = parent.model
        of_code = sa.select(owner.id).where(getattr(owner, parent.code) == value).scalar_subquery()
        condition: sa.ColumnElement[bool] = getattr(model, link) == of_code
        return condition

    an_id = ParentId(metadata={"description": f"Id of the {parent.name}, or `null` for none."})
    return [
        Filter(link, an_id, by_id, lambda value: None if value == NO_PARENT else value),
        Filter(parent.name, _text(f"`{parent.code}` of the {parent.name}."), by_code, _itself),
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
    return [resource.all_filters[name].condition(resource.columns, value) for name, value in given.items()]


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
