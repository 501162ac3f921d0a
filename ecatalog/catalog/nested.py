"""Children that every row of a resource shows as a list: what declares them, and how rows get theirs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ecatalog.extensions import db
from ecatalog.smorest import Schema

if TYPE_CHECKING:
    from ecatalog.catalog.query import Filter
    from ecatalog.catalog.resource import Resource

Shown = dict[str, Any]
# From a session and rows to what each row (by its id) shows; rows without children may be left out.
Reader = Callable[[Session, Sequence[Any]], Mapping[int, list[Shown]]]


class Nested(ABC):
    """A kind of children. A write to one of them must be a write to its row (``Write.touch``)."""

    name: ClassVar[str]  # the key in answers

    @abstractmethod
    def schema(self, resource: Resource) -> type[Schema]:
        """What a row of ``resource`` shows of one child; the same class each time."""

    @abstractmethod
    def reader(self, resource: Resource) -> Reader:
        """A function that reads the children of any number of rows in one query.

        It is made while the request is at hand, and may be called after its end, by an answer that streams.
        """

    @abstractmethod
    def present(self, resource: Resource) -> sa.ColumnElement[bool]:
        """The condition that a row of ``resource`` has any of these children."""

    def filters(self) -> tuple[Filter, ...]:
        """Query parameters of lists that look at the children."""
        return ()

    def version(self) -> str:
        """Changes when children are shown otherwise without having been written, as after a new setting."""
        return ""


def rows_renderer(resource: Resource) -> Callable[[Session, Sequence[Any]], list[Shown]]:
    """A function from rows to what the API answers: one query for each kind of children, none for the rest.

    Make it while the request is at hand; the rows must have their parents loaded.
    """
    readers = {nested.name: nested.reader(resource) for nested in resource.nested}

    def render(session: Session, rows: Sequence[Any]) -> list[Shown]:
        having = [row for row in rows if getattr(row, "has_children", True)]
        shown = _render_childless(resource, rows)
        for name, read in readers.items() if having else ():
            children = read(session, having)
            for row, answer in zip(rows, shown, strict=True):
                answer[name] = children.get(row.id, [])
        return shown

    return render


def _render_childless(resource: Resource, rows: Sequence[Any]) -> list[Shown]:
    shown = [resource.render_bare(row) for row in rows]
    for nested in resource.nested:
        for answer in shown:
            answer[nested.name] = []
    return shown


def render_rows(resource: Resource, rows: Sequence[Any]) -> list[Shown]:
    """The rows as the API shows them, children included."""
    if not any(getattr(row, "has_children", True) for row in rows):
        return _render_childless(resource, rows)
    return rows_renderer(resource)(db.session(), rows)


def render_row(resource: Resource, row: Any) -> Shown:
    """One row as the API shows it, children included."""
    return render_rows(resource, [row])[0]
