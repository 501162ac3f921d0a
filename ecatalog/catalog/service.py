"""The one write path of rows. No request object in here, and no commit.

Every write, whatever its source, goes through :class:`Write`: it alone keeps search text, tick, history,
times and the count of live rows true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ecatalog import search
from ecatalog.catalog import clock, etag, vocabulary
from ecatalog.catalog.lookup import Among, Lookup, find
from ecatalog.catalog.models import HistoryEntry
from ecatalog.catalog.refusals import code_taken, no_such_parent
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.values import Values, action_of, differences, link_value, shown_changes
from ecatalog.database import utc_now
from ecatalog.extensions import db


@dataclass(frozen=True)
class Origin:
    """Who writes, by which way in, and in which request; kept with every change."""

    source: str
    user_id: int | None = None
    user_name: str | None = None
    request_id: str | None = None


@contextmanager
def writing(resource: Resource, origin: Origin) -> Iterator[Write]:
    """Inside a write transaction: takes the tick first; settles the count of live rows and the vocabulary."""
    write = Write(resource, origin, clock.take_tick(resource), utc_now())
    yield write
    db.session.flush()
    clock.add_live_rows(resource.name, write.live_difference)
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
        """A new row of loaded values. Raises InvalidInput for a taken code or a wrong parent."""
        resource = self.resource
        columns = {key: value for key, value in values.items() if key in resource.fields}
        row = resource.model(**columns, created_at=self.at)
        row.is_deleted = bool(columns.get("is_deleted"))
        if resource.parent is not None:
            self._set_parent(row, *link_value(resource, values))
        self._check_code_is_free(row)
        self._stamp(row)
        db.session.add(row)
        db.session.flush()
        self.live_difference += 0 if row.is_deleted else 1
        self._record(row, "create", {})
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
                self._set_parent(row, *link_value(self.resource, values))
                self._check_code_is_free(row)
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
        db.session.add(
            HistoryEntry(**self.history_values(row.id, action, shown_changes(self.resource, changes)))
        )

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

    def _set_parent(self, row: Any, column: str, value: Any) -> None:
        """Link the row to a live parent, which stays live until this transaction ends."""
        assert self.resource.parent is not None
        parent = self.resource.parent
        owner: Any = None
        if value is not None:
            clock.hold(parent)
            model: Any = parent.model
            key = model.id if column == self.resource.link_column else getattr(model, parent.code)
            owner = db.session.scalar(
                sa.select(model)
                .where(key == value, ~model.is_deleted)
                .with_for_update(read=True)
                .execution_options(populate_existing=True)
            )
            if owner is None:
                raise no_such_parent(self.resource, value)
        setattr(row, self.resource.link_column, owner.id if owner else None)
        setattr(row, parent.name, owner)

    def _check_code_is_free(self, row: Any) -> None:
        """Told apart from a race by the clock: nobody else can take the code until we are done."""
        resource = self.resource
        model: Any = resource.model
        statement = sa.select(model.id, model.is_deleted).where(
            getattr(model, resource.code) == getattr(row, resource.code)
        )
        owner_id = 0
        if resource.parent is not None:
            column = getattr(model, resource.link_column)
            owner_id = getattr(row, resource.link_column) or 0
            statement = statement.where(sa.func.coalesce(column, sa.text("0")) == owner_id)
        with db.session.no_autoflush:
            holder = db.session.execute(statement).first()
        if holder is not None and holder.id != row.id:
            raise code_taken(resource, getattr(row, resource.code), owner_id, deleted=holder.is_deleted)


def create(resource: Resource, values: Values, origin: Origin) -> Any:
    """Create one row in the present write transaction."""
    with writing(resource, origin) as write:
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
