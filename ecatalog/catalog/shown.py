"""Rows to be shown and nothing else: plain values by attribute, read in one statement.

A row that nobody is going to change needs no object that watches over its changes, and no transaction: its
own columns, those that it shows of its parent, and whether it has children come in one SELECT. Children
themselves take a second one, which must see the same moment: such rows are read in a transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

import orjson
import sqlalchemy as sa
from flask import current_app
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import aliased

from ecatalog.catalog import etag
from ecatalog.catalog.resource import Resource
from ecatalog.config import current_settings
from ecatalog.connections import lent_of
from ecatalog.extensions import db
from ecatalog.memory import Memory
from ecatalog.session_read import SessionRead
from ecatalog.single_read import Row, SingleRead

_EXTENSION = "ecatalog_shown_rows"
_MOST = 100  # resources


@dataclass(frozen=True)
class RowReader:
    """Answers to GET with the one live row of a code. It needs no application at hand, once it is made."""

    resource: Resource
    select: SingleRead
    tag_end: str  # how the application's settings have rows shown

    def answer(self, code: str, known_tags: frozenset[str] | None) -> tuple[str, bytes | None] | None:
        """The row's tag and JSON, which is left out where the client's copy is still true.

        None where no row or several have that code, and for a row with children, which are read apart.
        """
        found = self.select.rows(code)
        if len(found) != 1:
            return None
        *values, has_children = found[0]
        if has_children:
            return None
        row = _shown(self.resource, values)
        tag = etag.row_etag(self.resource, row, self.tag_end)
        if known_tags is not None and etag.holds(known_tags, tag):
            return tag, None
        return tag, orjson.dumps(self.resource.render_bare(row))


@dataclass(frozen=True)
class RowsAtHand:
    """What reads the rows of a route, and whether anybody may have them."""

    reader: RowReader
    route: str
    for_anyone: bool


def reader_of(resource: Resource) -> RowReader:
    """That of the present application; its SELECT is prepared once in each connection."""
    memory: Memory[RowReader] = current_app.extensions.setdefault(_EXTENSION, Memory(_MOST))
    found = memory.get(resource.name)
    if found is None:
        prepares = current_settings().database_pooler != "transaction"
        lent = lent_of(current_app)
        select = SingleRead(f"ecatalog_{resource.name}", _by_code(resource), lent, prepares=prepares)
        found = RowReader(resource, select, etag.end_of_tags(resource))
        memory.put(resource.name, found)
    return found


def rows_of(resource: Resource, ids: Sequence[int]) -> list[Any]:
    """The rows of those ids, in that order, in the session's snapshot; they tell if they have children."""
    if not ids:
        return []
    found = _by_id(resource, _by_ids(resource, db.engine.dialect.name).rows(ids=list(ids)))
    return [found[row_id] for row_id in ids]


def rows_as_they_are(resource: Resource, ids: Sequence[int]) -> dict[int, Any] | None:
    """As :func:`rows_of`, by their ids, but outside any transaction; None where that is not to be had."""
    if not ids:
        return {}
    found = _by_ids(resource, db.engine.dialect.name).rows_at_once(ids=list(ids))
    return None if found is None else _by_id(resource, found)


def _by_id(resource: Resource, found: Iterable[Row]) -> dict[int, Any]:
    rows = {}
    for *values, has_children in found:
        row = _shown(resource, values)
        row.has_children = has_children
        rows[row.id] = row
    return rows


@cache
def _by_ids(resource: Resource, dialect: str) -> SessionRead:
    model: Any = resource.model
    if dialect == "sqlite":
        return SessionRead(_columns(resource).where(model.id.in_(sa.bindparam("ids", expanding=True))))
    ids = sa.bindparam("ids", type_=postgresql.ARRAY(sa.BigInteger))
    return SessionRead(_columns(resource).where(model.id == sa.any_(ids)))


@cache
def _names(resource: Resource) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The attributes that are read of a row, and of its parent."""
    own = ("id", "tick", *resource.fields, "created_at", "updated_at")
    return own, resource.parent_attributes


def _by_code(resource: Resource) -> sa.Select[Any]:
    model: Any = resource.model
    code = getattr(model, resource.code)
    return _columns(resource).where(code == sa.bindparam("code"), ~model.is_deleted)


def _columns(resource: Resource) -> sa.Select[Any]:
    model: Any = resource.model
    own, of_parent = _names(resource)
    columns = [getattr(model, name) for name in own]
    source: Any = model.__table__
    if resource.parent is not None:
        owner: Any = aliased(resource.parent.model)
        columns += [getattr(owner, name) for name in of_parent]
        source = sa.join(model, owner, getattr(model, resource.link_column) == owner.id, isouter=True)
    has_children = sa.or_(sa.false(), *(nested.present(resource) for nested in resource.nested))
    return sa.select(*columns, has_children.label("has_children")).select_from(source)


def _shown(resource: Resource, values: list[Any]) -> Any:
    own, of_parent = _names(resource)
    row = SimpleNamespace(**dict(zip(own, values, strict=False)))
    if resource.parent is not None:
        parent = values[len(own) :]
        shown = SimpleNamespace(**dict(zip(of_parent, parent, strict=True)))
        setattr(row, resource.parent.name, None if parent[0] is None else shown)
    return row
