"""What changed since a cursor: a feed in commit order, with no gaps, deleted rows included."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ecatalog import fields
from ecatalog.catalog import clock, paging
from ecatalog.catalog.clock import ClockReading
from ecatalog.catalog.lookup import parent_loader
from ecatalog.catalog.nested import Shown, render_rows
from ecatalog.catalog.resource import Resource
from ecatalog.errors import Gone, InvalidInput
from ecatalog.extensions import db

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


def changes(resource: Resource, since: str | None, limit: int | None) -> dict[str, Any]:
    """``{"results": [{code, tick, deleted, row}], "next": cursor, "more": bool}``.

    Rows stand in order of (tick, id), each once with its newest state. Ticks follow the order of commits, so
    a consumer that goes on from ``next`` misses nothing. Raises Gone for a cursor from before a restore.
    """
    now = clock.read([resource.name])[resource.name]
    epoch = now.epoch
    tick, row_id = _position(since, now)
    size = min(limit or DEFAULT_LIMIT, MAX_LIMIT)
    model: Any = resource.model
    statement = (
        sa.select(model)
        .where(sa.tuple_(model.tick, model.id) > sa.tuple_(sa.literal(tick), sa.literal(row_id)))
        .order_by(model.tick, model.id)
        .limit(size + 1)
        .options(*parent_loader(resource))
    )
    rows = list(db.session.scalars(statement))
    more, rows = len(rows) > size, rows[:size]
    if rows:
        tick, row_id = rows[-1].tick, rows[-1].id
    live = [row for row in rows if not row.is_deleted]
    shown = {row["id"]: row for row in render_rows(resource, live)}
    return {
        "results": [_entry(resource, row, shown.get(row.id)) for row in rows],
        "next": paging.pack([epoch, tick, row_id]),
        "more": more,
    }


def _entry(resource: Resource, row: Any, shown: Shown | None) -> dict[str, Any]:
    return {
        "id": row.id,  # one code may be in several projects; a tombstone shows no project
        "code": getattr(row, resource.code),
        "tick": row.tick,
        "deleted": row.is_deleted,
        "row": shown,
    }


def _position(since: str | None, now: ClockReading) -> tuple[int, int]:
    if not since:
        return 0, 0
    try:
        told, tick, row_id = paging.unpack(since)
        if not isinstance(told, str) or type(tick) is not int or type(row_id) is not int:
            raise ValueError("not a cursor of the feed")
        if not (0 <= tick <= fields.INT64_MAX and 0 <= row_id <= fields.INT64_MAX):
            raise ValueError("out of range")
    except (ValueError, TypeError) as error:
        raise InvalidInput({"since": ["Invalid cursor."]}) from error
    # A consumer that has seen nothing yet has nothing to unlearn.
    if tick > now.tick or (told != now.epoch and tick > 0):
        raise Gone()  # it comes from a future that a restore has undone
    return tick, row_id
