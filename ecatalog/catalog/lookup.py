"""Finding the one row that a code names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from ecatalog.catalog.resource import Resource
from ecatalog.catalog.schemas import render_link
from ecatalog.errors import Conflict, RowNotFound
from ecatalog.extensions import db


@dataclass(frozen=True)
class Lookup:
    """A code, and what chooses among the rows that carry it (filter values of ``query.parent_filters``)."""

    code: str
    parent: Mapping[str, Any] = field(default_factory=dict)


def parent_loader(resource: Resource) -> tuple[Any, ...]:
    """Loader options that bring the parent's few shown columns along in the same query."""
    if resource.parent is None:
        return ()
    owner: Any = resource.parent.model
    shown = (owner.id, getattr(owner, resource.parent.code), owner.name, owner.tick)
    return (joinedload(getattr(resource.model, resource.parent.name)).load_only(*shown),)


class Among(Enum):
    """Which rows are looked at: those of the first kind that there are."""

    LIVE = (False,)
    LIVE_THEN_DELETED = (False, True)
    DELETED_THEN_LIVE = (True, False)


def find(resource: Resource, lookup: Lookup, among: Among = Among.LIVE) -> Any:
    """The one row that carries the code.

    Raises RowNotFound, or Conflict when rows of several parents carry it.
    """
    model: Any = resource.model
    statement = sa.select(model).where(getattr(model, resource.code) == lookup.code)
    if among is Among.LIVE:
        statement = statement.where(~model.is_deleted)
    for name, value in lookup.parent.items():
        if value is not None:
            statement = statement.where(resource.all_filters[name].clause(model, value))
    statement = statement.options(*parent_loader(resource)).order_by(model.id)
    found = db.session.scalars(statement.execution_options(populate_existing=True)).all()
    kinds = ([row for row in found if row.is_deleted is deleted] for deleted in among.value)
    rows: list[Any] = next(filter(None, kinds), [])
    if not rows:
        raise not_found(resource)
    if len(rows) > 1:
        raise ambiguous(resource, rows)
    return rows[0]


def not_found(resource: Resource) -> RowNotFound:
    return RowNotFound(f"No {resource.label} matches the given query.")


def ambiguous(resource: Resource, rows: Any) -> Conflict:
    """409: rows of several parents carry the code."""
    assert resource.parent is not None
    parent = resource.parent
    links = [render_link(parent, getattr(row, parent.name)) for row in rows]
    detail = f"This code exists in several {parent.name}s: choose one with {parent.name}_id or {parent.name}."
    return Conflict(body={"detail": detail, f"{parent.name}s": links})
