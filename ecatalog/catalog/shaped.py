"""Statements of lists, made once for each combination of filters, not for each of their values.

Making such a statement and looking for its compiled form takes SQLAlchemy longer than the database needs to
answer it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from ecatalog.catalog.models import CLOCK_COLUMNS
from ecatalog.catalog.paging import Window
from ecatalog.catalog.ready_rows import Reference, chosen, referred, referring
from ecatalog.catalog.resource import Resource
from ecatalog.memory import Memory
from ecatalog.session_read import SessionRead
from ecatalog.single_read import Row

_MOST = 1_000  # statements, some ten kB each
# Names of parameters, and beginnings of such.
_LIMIT, _OFFSET, _PLACE, _FILTER = "rows_limit", "rows_offset", "place_", "filter_"

_statements = Memory[SessionRead](_MOST)


@dataclass(frozen=True)
class Shape:
    """Filters that are given: the parameter's name, and the value where that makes the condition."""

    resource: Resource
    given: tuple[tuple[str, Any], ...]

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The WHERE terms on the resource's table, with parameters in place of values."""
        return [~self.resource.columns.is_deleted, *self.filters()]

    def filters(self) -> list[sa.ColumnElement[bool]]:
        """Those of the filters alone."""
        own, filters = self.resource.columns, self.resource.all_filters
        return [
            filters[name].clause(own, sa.bindparam(_FILTER + name) if value is None else value)
            for name, value in self.given
        ]


def shape_of(resource: Resource, values: Mapping[str, Any]) -> tuple[Shape, dict[str, Any]]:
    """The shape of loaded filter values, and the parameters of its conditions."""
    given: list[tuple[str, Any]] = []
    parameters: dict[str, Any] = {}
    for name, item in resource.all_filters.items():
        value = values.get(name)
        if value is None:
            continue
        bound = item.bound(value)
        given.append((name, value if bound is None else None))
        if bound is not None:
            parameters[_FILTER + name] = bound
    return Shape(resource, tuple(given)), parameters


def statement(key: Hashable, make: Callable[[], SessionRead]) -> SessionRead:
    """What was made under that key, which tells all that the statement follows from but parameters."""
    found = _statements.get(key)
    if found is None:
        found = make()
        _statements.put(key, found)
    return found


def count(resource: Resource, values: Mapping[str, Any]) -> int:
    """How many live rows loaded filter values select."""
    shape, parameters = shape_of(resource, values)
    read = statement(shape, lambda: SessionRead(_total(shape)))
    return int(read.rows(**parameters)[0][0])


def references(resource: Resource, values: Mapping[str, Any], window: Window) -> list[Reference]:
    """The rows in a window of those that loaded filter values select, in order."""
    return referred(window, _read(resource, values, window, counts=False))


def counted_references(
    resource: Resource, values: Mapping[str, Any], window: Window
) -> tuple[list[Reference], int]:
    """The first of them, and how many there are: in one statement, since each is a round trip."""
    rows = _read(resource, values, window, counts=True)
    return referred(window, [row[:-1] for row in rows]), rows[0][-1] if rows else 0


@dataclass(frozen=True)
class AtOnce:
    """The clocks, the references of a page, and how many rows there are in all, as of one moment.

    count   None where it was not asked for
    """

    clocks: list[Row]
    references: list[Reference]
    count: int | None


def at_once(resource: Resource, values: Mapping[str, Any], window: Window, *, counts: bool) -> AtOnce | None:
    """A page outside any transaction, in one statement; None where that is not to be had."""
    read, parameters = _made(resource, values, window, counts=counts, at_once=True)
    rows = read.rows_at_once(**parameters)
    if rows is None:
        return None
    *_, count, packed = rows[0]
    clocks = [tuple(clock) for clock in orjson.loads(packed or "[]")]
    return AtOnce(clocks, referred(window, [row[:-2] for row in rows if row[0] is not None]), count)


def _read(resource: Resource, values: Mapping[str, Any], window: Window, *, counts: bool) -> list[Row]:
    read, parameters = _made(resource, values, window, counts=counts)
    return read.rows(**parameters)


def _made(
    resource: Resource, values: Mapping[str, Any], window: Window, *, counts: bool, at_once: bool = False
) -> tuple[SessionRead, dict[str, Any]]:
    """The statement of references, and its parameters.

    counts    each row ends with how many rows there are in all
    at_once   each ends with that, or null, and with the clocks as JSON; there is always a row
    """
    shape, parameters = shape_of(resource, values)
    position = window.position
    nulls = None if position is None else tuple(value is None for value in position)

    def make() -> SessionRead:
        rows = referring(resource, _of_ids(shape, window), at_least_one=at_once)
        if counts:
            rows = rows.add_columns(_total(shape).scalar_subquery())
        elif at_once:
            rows = rows.add_columns(sa.null())
        return SessionRead(rows.add_columns(_clocks()) if at_once else rows)

    read = statement((shape, window.order, window.backwards, window.placed, nulls, counts, at_once), make)
    known = [value for value in position or () if value is not None]
    parameters |= {f"{_PLACE}{number}": value for number, value in enumerate(known)}
    parameters |= {_LIMIT: window.limit, _OFFSET: window.offset}
    return read, parameters


def _clocks() -> sa.ScalarSelect[Any]:
    """All rows of CLOCK_COLUMNS as JSON, for PostgreSQL: one value is planned and read faster than each."""
    entries = sa.func.json_agg(sa.func.json_build_array(*CLOCK_COLUMNS))
    return sa.select(sa.cast(entries, sa.Text)).scalar_subquery()


def _total(shape: Shape) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(shape.resource.table).where(*shape.conditions())


def _of_ids(shape: Shape, window: Window) -> sa.Select[Any]:
    own = shape.resource.columns
    numbers = itertools.count()
    return window.shaped(
        own,
        sa.select(*chosen(own, window)).where(*shape.conditions()),
        lambda _value, kind: sa.bindparam(f"{_PLACE}{next(numbers)}", type_=kind),
        sa.bindparam(_LIMIT, type_=sa.BigInteger),
        sa.bindparam(_OFFSET, type_=sa.BigInteger),
    )
