"""Three ways to page through a list: page numbers, limit and offset, and cursors of constant cost."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

import orjson
import sqlalchemy as sa
from marshmallow import ValidationError

from ecatalog import fields
from ecatalog.catalog.query import Order, nullable, order_by
from ecatalog.database import ExactDecimal
from ecatalog.errors import InvalidInput, RowNotFound
from ecatalog.extensions import db
from ecatalog.smorest import Schema

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100


class PageNumber(fields.Integer):
    """A page's number, or the word ``last``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return value if value == "last" else super()._deserialize(value, attr, data, **kwargs)


class PagingSchema(Schema):
    """Paging parameters; ``cursor`` wins over ``page``, and ``page`` over ``limit`` and ``offset``."""

    page = PageNumber(
        minimum=-fields.INT64_MAX,
        maximum=10**30,
        metadata={
            "description": "Number of the page, from 1, or `last`.",
            "anyOf": [
                {"type": "integer", "minimum": 1, "format": "int64"},
                {"type": "string", "const": "last"},
            ],
        },
    )
    page_size = fields.Count(
        metadata={
            "description": f"Rows a page: {DEFAULT_PAGE_SIZE}; more than {MAX_PAGE_SIZE} counts as that."
        }
    )
    limit = fields.Count(
        metadata={
            "description": "Rows, for paging by `offset`; a larger value than allowed counts as the largest "
            "allowed."
        }
    )
    offset = fields.Count(minimum=0, metadata={"description": "Rows to skip."})
    cursor = fields.Text(
        4000,
        metadata={
            "description": "Opaque, from `next` or `previous`; empty to begin. Costs the same at any depth.",
            "allowEmptyValue": True,
        },
    )


@dataclass(frozen=True)
class Page:
    """Rows, and the query parameters of the neighbouring pages (None where there is none)."""

    rows: list[Any]
    next: dict[str, Any] | None
    previous: dict[str, Any] | None


def link(base_url: str, query: list[tuple[str, str]], changes: dict[str, Any] | None) -> str | None:
    """The address of a neighbouring page: ``query`` with ``changes``, where None drops a parameter."""
    if changes is None:
        return None
    kept = [(name, value) for name, value in query if name not in changes]
    kept += [(name, str(value)) for name, value in changes.items() if value is not None]
    return f"{base_url}?{urlencode(kept)}" if kept else base_url


@dataclass(frozen=True)
class Window:
    """Which rows of a list are wanted, by their number in its order, or from a position in it.

    position   the values of the order's columns in a row; the rows after it are wanted (before it, when the
               list is read ``backwards``)
    placed     the rows must tell where they stand, for cursors to be made of
    """

    order: tuple[Order, ...]
    limit: int
    offset: int = 0
    position: tuple[Any, ...] | None = None
    backwards: bool = False
    placed: bool = False

    def of(self, model: Any, statement: sa.Select[Any]) -> sa.Select[Any]:
        """These rows of a statement, which has neither order nor limit; ``model`` as for :func:`fetch`."""
        return self.shaped(model, statement, sa.literal, self.limit, self.offset)

    def shaped(
        self,
        model: Any,
        statement: sa.Select[Any],
        bind: Callable[[Any, Any], sa.ColumnElement[Any]],
        limit: Any,
        offset: Any,
    ) -> sa.Select[Any]:
        """As :meth:`of`; ``bind`` makes what stands for a value of the position, from it and its type."""
        if self.position is not None:
            columns = [getattr(model, term.column) for term in self.order]
            place = [
                None if value is None else bind(value, column.type)
                for value, column in zip(self.position, columns, strict=True)
            ]
            statement = statement.where(_beyond(columns, self.order, place, self.backwards))
        in_order = statement.order_by(*order_by(model, self.order, backwards=self.backwards))
        return in_order.limit(limit).offset(offset)


Run = Callable[[Window], list[Any]]
Count = Callable[[], int]


def entities(model: Any, statement: sa.Select[Any]) -> Run:
    """The rows of a statement that selects one entity."""
    return lambda window: list(db.session.scalars(window.of(model, statement)))


def fetch(
    model: Any,
    order: tuple[Order, ...],
    values: dict[str, Any],
    count: int | Count,
    run: Run,
    *,
    max_limit: int = MAX_PAGE_SIZE,
) -> Page:
    """The page of ``model`` that the loaded paging values ask for.

    ``model`` has an attribute for each term of the order, as have the rows that ``run`` gets. ``max_limit``
    caps ``?limit=``. How many rows there are is asked after a first page has been read, which may tell it;
    before any other, since there may be no such page.
    """
    counted = count if callable(count) else lambda: count
    if "cursor" in values:
        size = _size(values, max_limit, "limit") if "limit" in values else _size(values)
        return _by_cursor(model, order, values["cursor"], size, run)
    if "page" not in values and ("limit" in values or "offset" in values):
        return _by_offset(order, values, counted, max_limit, run)
    return _by_number(order, values, counted, run)


def _size(values: dict[str, Any], cap: int = MAX_PAGE_SIZE, name: str = "page_size") -> int:
    return min(values.get(name) or DEFAULT_PAGE_SIZE, cap)


def _by_number(order: tuple[Order, ...], values: dict[str, Any], count: Count, run: Run) -> Page:
    size = _size(values)
    number = 1 if values.get("page") is None else values["page"]
    if number == "last":
        number = _pages(count(), size)
    rows = run(Window(order, size)) if number == 1 else None
    pages = _pages(count(), size)
    if not 1 <= number <= pages:
        raise RowNotFound("Invalid page.")
    if rows is None:
        rows = run(Window(order, size, (number - 1) * size))
    following = {"page": number + 1} if number < pages else None
    previous = {"page": number - 1 if number > 2 else None} if number > 1 else None
    return Page(rows, following, previous)


def _pages(count: int, size: int) -> int:
    return max((count + size - 1) // size, 1)


def _by_offset(
    order: tuple[Order, ...], values: dict[str, Any], count: Count, max_limit: int, run: Run
) -> Page:
    limit = _size(values, max_limit, "limit")
    offset = values.get("offset") or 0
    rows = run(Window(order, limit, offset)) if not offset or offset < count() else []
    following = {"limit": limit, "offset": offset + limit} if offset + limit < count() else None
    previous = {"limit": limit, "offset": offset - limit if offset > limit else None} if offset > 0 else None
    return Page(rows, following, previous)


def _by_cursor(model: Any, order: tuple[Order, ...], cursor: str | None, size: int, run: Run) -> Page:
    backwards, position = decode_cursor(model, order, cursor) if cursor else (False, None)
    rows = run(Window(order, size + 1, position=position, backwards=backwards, placed=True))
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    has_next, has_previous = (True, more) if backwards else (more, position is not None)
    if not rows:
        return Page([], None, None)
    following = {"cursor": encode_cursor(order, rows[-1], backwards=False)} if has_next else None
    previous = {"cursor": encode_cursor(order, rows[0], backwards=True)} if has_previous else None
    return Page(rows, following, previous)


def encode_cursor(order: tuple[Order, ...], row: Any, *, backwards: bool) -> str:
    """A place in an ordering: just after ``row``, or just before it when read backwards."""
    names = [f"{'-' if term.descending else ''}{term.column}" for term in order]
    values = [getattr(row, term.column) for term in order]
    return pack([backwards, ",".join(names), *values])


def pack(value: Any) -> str:
    """JSON as text that is safe in a URL."""
    return base64.urlsafe_b64encode(orjson.dumps(value, default=str)).decode().rstrip("=")


def unpack(text: str) -> Any:
    """The inverse of :func:`pack`; raises ValueError for anything it did not make."""
    try:
        return orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeEncodeError, orjson.JSONDecodeError) as error:
        raise ValueError("not a packed value") from error


def decode_cursor(model: Any, order: tuple[Order, ...], text: str) -> tuple[bool, tuple[Any, ...]]:
    """(backwards, the values of the ordering's columns). Raises InvalidInput for a broken cursor."""
    names = ",".join(f"{'-' if term.descending else ''}{term.column}" for term in order)
    try:
        backwards, told, *values = unpack(text)
        if told != names or not isinstance(backwards, bool) or len(values) != len(order):
            raise ValueError("another ordering")
        columns = [getattr(model, term.column).expression for term in order]
        return backwards, tuple(map(_typed, columns, values))
    except (ValueError, TypeError, OverflowError, ValidationError) as error:
        raise InvalidInput({"cursor": ["Invalid cursor."]}) from error


def _typed(column: sa.Column[Any], value: Any) -> Any:
    """A value of the column's Python type, since a cursor may come from anybody."""
    if value is None and nullable(column):
        return None
    kind = column.type.python_type
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment.astimezone(UTC)
    if kind is date:
        return date.fromisoformat(value)
    if isinstance(column.type, ExactDecimal):
        return fields.Decimals(column.type.precision, column.type.scale).parse(value)
    if type(value) is not kind:
        raise ValueError("wrong type")
    if kind is int:
        most = fields.INT64_MAX if isinstance(column.type, sa.BigInteger) else fields.INT32_MAX
        if abs(value) > most:
            raise ValueError("too large")
    return fields.check_characters(value) if kind is str else value


def _beyond(
    columns: list[Any], order: tuple[Order, ...], position: list[Any], backwards: bool
) -> sa.ColumnElement[bool]:
    """The rows after ``position`` in the ordering (before it, when read backwards); None stands for null."""
    descending = {term.descending for term in order}
    if len(descending) == 1 and not any(map(nullable, columns)):
        # One comparison of rows is what an index can answer.
        here, there = sa.tuple_(*position), sa.tuple_(*columns)
        return there < here if descending.pop() != backwards else there > here
    alternatives: list[sa.ColumnElement[bool]] = []
    for index, term in enumerate(order):
        same = [
            column.is_(None) if value is None else column == value
            for column, value in zip(columns[:index], position[:index], strict=True)
        ]
        alternatives.append(
            sa.and_(*same, _after(columns[index], position[index], term.descending, backwards))
        )
    return sa.or_(*alternatives)


def _after(column: Any, value: Any, descending: bool, backwards: bool) -> sa.ColumnElement[bool]:
    """``column`` stands after ``value``, with nulls last (before it, when read backwards)."""
    if value is None:
        condition: sa.ColumnElement[bool] = column.is_not(None) if backwards else sa.false()
        return condition
    condition = column < value if descending != backwards else column > value
    if nullable(column) and not backwards:
        return sa.or_(condition, column.is_(None))
    return condition
