"""The one write path of rows. No request object in here, and no commit.

Every write, whatever its source, goes through :class:`Write`: it alone keeps search text, tick, history,
times and the count of live rows true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from ecatalog import search
from ecatalog.catalog import clock, etag, inserting, vocabulary
from ecatalog.catalog.lookup import Among, Lookup, find
from ecatalog.catalog.models import HistoryEntry
from ecatalog.catalog.refusals import code_taken, no_such_parent
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.values import Values, action_of, differences, link_value, shown_changes
from ecatalog.database import utc_now
from ecatalog.extensions import db
from ecatalog.session_read import SessionRead

_HISTORY = sa.insert(HistoryEntry).inline()


@dataclass(frozen=True)
class Origin:
    """Who writes, by which way in, and in which request; kept with every change."""

    source: str
    user_id: int | None = None
    user_name: str | None = None
    request_id: str | None = None


@contextmanager
def writing(resource: Resource, origin: Origin, *, adding: int = 0) -> Iterator[Write]:
    """Inside a write transaction: takes the tick first; settles the count of live rows and the vocabulary.

    ``adding`` is how many live rows there will most likely be more: what turns out so costs no statement.
    """
    write = Write(resource, origin, clock.take_tick(resource, adding), utc_now())
    yield write
    db.session.flush()
    clock.add_live_rows(resource.name, write.live_difference - adding)
    if write.words:
        vocabulary.learn(resource.search_tables, write.words)


@dataclass
class Write:
    """Writes to one resource under one tick. Make it with :func:`writing`."""

    resource: Resource
    origin: Origin
    tick: int
    at: datetime
    live_difference: int = 0
    words: set[str] = field(default_factory=set)  # of the search texts that were written

    def create(self, values: Values) -> Any:
        """A new row of loaded values. Raises InvalidInput for a taken code or a wrong parent.

        It is no part of the session: whoever goes on with it must load it.
        """
        resource = self.resource
        columns = {key: value for key, value in values.items() if key in resource.fields}
        row = resource.model(**columns, created_at=self.at)
        row.is_deleted = bool(columns.get("is_deleted"))
        self._put(row, values)
        self._stamp(row)
        written = inserting.fill(resource, row)
        row.id = inserting.insert(resource, written, self.history_values(0, "create", {}), self.words)
        self.words = set()
        self.live_difference += 0 if row.is_deleted else 1
        return row

    def update(self, row: Any, values: Values) -> bool:
        """Write what differs; False when nothing does. Raises InvalidInput as :meth:`create` does."""
        changes = differences(self.resource, row, values)
        if not changes:
            return False
        was_deleted = row.is_deleted
        for key, (old, new) in changes.items():
            if key in self.resource.fields:
                setattr(row, key, new)
            else:
                self._put(row, values)
                changes[key] = (old, getattr(row, key))
        self._stamp(row)
        db.session.flush()
        self.live_difference += int(was_deleted) - int(row.is_deleted)
        self._record(row, action_of(was_deleted, row.is_deleted), changes)
        return True

    def touch(self, row: Any, changes: dict[str, tuple[Any, Any]]) -> None:
        """Stamp a row whose children change: tags, caches and the change feed follow it.

        ``changes`` are ``{name of the children: (old, new)}``, as the history shows them.
        """
        row.tick = self.tick
        row.updated_at = self.at
        db.session.flush()
        self._record(row, "update", changes)

    def abandon(self) -> None:
        """Undo everything since the transaction began, the tick included; nothing can be written after."""
        db.session.rollback()
        self.live_difference = 0
        self.words.clear()

    def search_text(self, value_of: Callable[[str], Any]) -> str:
        """The search text of a row whose column ``name`` holds ``value_of(name)``."""
        text = search.document(map(value_of, self.resource.searched))
        self.words |= vocabulary.of_texts([text])
        return text

    def _stamp(self, row: Any) -> None:
        row.tick = self.tick
        row.updated_at = self.at
        row.search_text = self.search_text(lambda name: getattr(row, name))

    def _record(self, row: Any, action: str, changes: dict[str, tuple[Any, Any]]) -> None:
        values = self.history_values(row.id, action, shown_changes(self.resource, changes))
        db.session.connection().execute(_HISTORY, values)

    def history_values(self, row_id: int, action: str, fields: dict[str, Any]) -> dict[str, Any]:
        """The columns of a history entry; ``fields`` as :func:`shown_changes` makes them."""
        origin = self.origin
        return {
            "resource": self.resource.name,
            "row_id": row_id,
            "tick": self.tick,
            "at": self.at,
            "user_id": origin.user_id,
            "user_name": origin.user_name,
            "source": origin.source,
            "request_id": origin.request_id,
            "action": action,
            "fields": fields,
        }

    def _put(self, row: Any, values: Values) -> None:
        """Link the row to the live parent of ``values``, which stays live until this transaction ends.

        Raises InvalidInput if there is none, or if its code is taken there. The latter is told apart from a
        race by the clock: nobody else can take it until we are done.
        """
        parent, code = self.resource.parent, getattr(row, self.resource.code)
        owner, holder = None, None
        if parent is not None:
            column, value = link_value(self.resource, values)
            if value is not None:
                read = _parent_and_holder(self.resource, column, db.engine.dialect.name)
                found = read.rows(parent=value, code=code)
                if not found:
                    raise no_such_parent(self.resource, (column, value))
                owner = dict(zip(self.resource.parent_attributes, found[0], strict=False))
                holder = found[0][-2:]
            self._link(row, owner)
        if owner is None:
            holder = next(iter(_holder(self.resource).rows(code=code)), None)
        if holder is not None and holder[0] not in (None, row.id):
            raise code_taken(self.resource, code, owner["id"] if owner else 0, deleted=holder[1])

    def _link(self, row: Any, owner: dict[str, Any] | None) -> None:
        """Let the row belong to a parent and show it. That of a new row is no part of the session either."""
        assert self.resource.parent is not None
        model, shown = self.resource.parent.model, None
        if owner is not None and row in db.session:
            with db.session.no_autoflush:
                shown = db.session.get_one(model, owner["id"], populate_existing=True)
        elif owner is not None:
            shown = model(**owner)
        setattr(row, self.resource.link_column, owner["id"] if owner else None)
        setattr(row, self.resource.parent.name, shown)


# Statements of each write, made once: making them takes longer than running them.


@cache
def _holder(resource: Resource) -> SessionRead:
    """The row without a parent that has a ``code``."""
    model: Any = resource.model
    return SessionRead(sa.select(model.id, model.is_deleted).where(_holds(resource, model, 0)))


@cache
def _parent_and_holder(resource: Resource, column: str, dialect: str) -> SessionRead:
    """The live ``parent``, locked, and beside it the row of its that has the ``code``, if any."""
    assert resource.parent is not None
    parent: Any = resource.parent.model
    key = parent.id if column == resource.link_column else getattr(parent, resource.parent.code)
    holder = aliased(resource.model)
    statement = (
        sa.select(*(getattr(parent, name) for name in resource.parent_attributes))
        .add_columns(holder.id, holder.is_deleted)
        .outerjoin(holder, _holds(resource, holder, parent.id))
        .where(key == sa.bindparam("parent"), ~parent.is_deleted)
    )
    return SessionRead(statement if dialect == "sqlite" else clock.holding(statement, resource.parent))


def _holds(resource: Resource, model: Any, owner_id: Any) -> sa.ColumnElement[bool]:
    """The condition that a row of ``model`` has the ``code`` in the parent of that id; 0 is none."""
    code: sa.ColumnElement[bool] = getattr(model, resource.code) == sa.bindparam("code")
    if resource.parent is None:
        return code
    return sa.and_(code, sa.func.coalesce(getattr(model, resource.link_column), sa.text("0")) == owner_id)


def create(resource: Resource, values: Values, origin: Origin) -> Any:
    """Create one row in the present write transaction."""
    with writing(resource, origin, adding=1) as write:
        return write.create(values)


def change(
    resource: Resource,
    lookup: Lookup,
    values: Values,
    origin: Origin,
    *,
    if_match: frozenset[str] | None = None,
    among: Among = Among.LIVE,
) -> Any:
    """Change the fields in ``values`` of the row that ``lookup`` finds; it keeps its tick if none differs.

    Raises RowNotFound, Conflict, PreconditionFailed, InvalidInput. A code in ``values`` is ignored.
    """
    row = find(resource, lookup, among)
    etag.check_if_match(if_match, etag.row_etag(resource, row))
    if not differences(resource, row, values):
        return row
    with writing(resource, origin) as write:
        # Another writer may have been here before we had the clock, and moved or deleted the row, or made a
        # second one of its code: look again, now that nobody can.
        row = find(resource, lookup, among)
        etag.check_if_match(if_match, etag.row_etag(resource, row))
        write.update(row, values)
        return row


def delete(
    resource: Resource, lookup: Lookup, origin: Origin, *, if_match: frozenset[str] | None = None
) -> Any:
    """Soft-delete the row; its code stays taken."""
    return change(resource, lookup, {"is_deleted": True}, origin, if_match=if_match)


def restore(
    resource: Resource, lookup: Lookup, origin: Origin, *, if_match: frozenset[str] | None = None
) -> Any:
    """Bring a soft-deleted row back; a live row stays as it is."""
    return change(
        resource, lookup, {"is_deleted": False}, origin, if_match=if_match, among=Among.DELETED_THEN_LIVE
    )
