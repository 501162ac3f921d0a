"""The resource clock: one row a resource, whose lock puts all writers of that resource in line.

A write takes its tick before its first row lock and stamps it on every row it changes. So ticks follow the
order of commits, an unchanged tick means that nothing has changed, and "everything after tick N" has no gaps.
A tick is never used twice: it is at least the present time in microseconds, whatever was rolled back or
restored.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from flask import g

from ecatalog.catalog.models import CLOCK_COLUMNS, CatalogRow, ResourceClock
from ecatalog.extensions import db
from ecatalog.first_look import current_first_look
from ecatalog.session_read import SessionRead
from ecatalog.single_read import Row

if TYPE_CHECKING:
    from ecatalog.catalog.resource import Resource


class ClockReading(NamedTuple):
    """What a clock showed: ``tick`` in microseconds, the count of rows not deleted, the epoch's name."""

    tick: int
    live_rows: int
    epoch: str


_ALL = SessionRead(sa.select(*CLOCK_COLUMNS))
NEVER_WRITTEN = ClockReading(tick=0, live_rows=0, epoch="")


def read(names: Iterable[str]) -> dict[str, ClockReading]:
    """The clocks of ``names`` in one query; a resource that was never written reads as tick 0."""
    rows = current_first_look().small.opening(db.session.connection())
    return of(names, _ALL.rows() if rows is None else rows)


def glance(names: Iterable[str]) -> dict[str, ClockReading]:
    """As :func:`read`, but outside any transaction and in a fraction of the time.

    What was read along with the request's user is taken, once: a second glance looks anew.
    """
    rows: list[Row] | None = g.pop("first_look_rows", None)
    if rows is None:
        rows = current_first_look().rows()
    return of(names, rows)


def of(names: Iterable[str], rows: list[Row]) -> dict[str, ClockReading]:
    """The clocks of ``names`` among rows of CLOCK_COLUMNS."""
    found = {name: ClockReading(*reading) for name, *reading in rows}
    return {name: found.get(name, NEVER_WRITTEN) for name in names}


def take_tick(resource: Resource, added: int = 0) -> int:
    """The next tick. Locks the clock until the transaction ends; call it before any row is locked.

    ``added`` corrects the count of live rows in the same statement, as :func:`add_live_rows` does.
    """
    tick = _advance(resource.name, added)
    if tick is None:
        _insert_clock(resource)
        tick = _advance(resource.name, added)
    assert tick is not None
    return tick


def hold(resource: Resource) -> None:
    """Let no writer of the resource on before this transaction ends: rows that link to it do so.

    Without it, one who writes many rows and one who writes many of their parents could each wait for a row
    that the other has locked. Hence the order of locks: the ticks of all resources that a transaction writes,
    by name; then the clocks of parents that it only links to; then rows.
    """
    if db.engine.dialect.name == "sqlite":
        return  # which has one writer at a time
    db.session.execute(
        sa.select(ResourceClock.tick)
        .where(ResourceClock.resource == resource.name)
        .with_for_update(read=True)
    )


def holding(statement: sa.Select[Any], resource: Resource) -> sa.Select[Any]:
    """A SELECT of one row of the resource that does as :func:`hold` first, and then locks the row.

    For PostgreSQL alone. If it has to wait, what it has locked is read again, as it has become.
    """
    return statement.join(ResourceClock, ResourceClock.resource == resource.name).with_for_update(
        read=True, of=[ResourceClock, resource.model]
    )


def add_live_rows(name: str, difference: int) -> None:
    """Correct the count of live rows by ``difference``, within the transaction that took the tick."""
    if difference:
        db.session.execute(
            sa.update(ResourceClock)
            .where(ResourceClock.resource == name)
            .values(live_rows=ResourceClock.live_rows + difference)
            .execution_options(synchronize_session=False)
        )


def touch(resource: Resource) -> ClockReading:
    """After writes made around the application: a new tick, and the live rows counted anew."""
    take_tick(resource)
    db.session.execute(
        sa.update(ResourceClock)
        .where(ResourceClock.resource == resource.name)
        .values(live_rows=_count_live_rows(resource.model))
        .execution_options(synchronize_session=False)
    )
    return read([resource.name])[resource.name]


def renew_epoch(resource: Resource) -> ClockReading:
    """After a restore: consumers of the change feed must begin again; their cursors may be ahead of it."""
    touch(resource)
    db.session.execute(
        sa.update(ResourceClock)
        .where(ResourceClock.resource == resource.name)
        .values(epoch=_new_epoch())
        .execution_options(synchronize_session=False)
    )
    return read([resource.name])[resource.name]


def _new_epoch() -> str:
    return secrets.token_hex(8)


def _advance(name: str, added: int) -> int | None:
    statement = _advancing(db.engine.dialect.name)
    found = statement.rows(clock_name=name, added=added, now=time.time_ns() // 1000)
    return found[0][0] if found else None


@cache
def _advancing(dialect: str) -> SessionRead:
    following = ResourceClock.tick + 1
    if dialect == "sqlite":
        tick: Any = sa.func.max(following, sa.bindparam("now", type_=sa.BigInteger))
    else:
        # The server's clock, read after the lock is had: the application's hosts need not agree on the time.
        now = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()) * 1_000_000, sa.BigInteger)
        tick = sa.func.greatest(following, now)
    live_rows = ResourceClock.live_rows + sa.bindparam("added", type_=sa.BigInteger)
    return SessionRead(
        sa.update(ResourceClock)
        .where(ResourceClock.resource == sa.bindparam("clock_name"))
        .values(tick=tick, live_rows=live_rows)
        .returning(ResourceClock.tick)
    )


def _insert_clock(resource: Resource) -> None:
    from sqlalchemy.dialects import postgresql, sqlite

    insert: Any = sqlite.insert if db.engine.dialect.name == "sqlite" else postgresql.insert
    db.session.execute(
        insert(ResourceClock)
        .values(
            resource=resource.name, tick=0, live_rows=_count_live_rows(resource.model), epoch=_new_epoch()
        )
        .on_conflict_do_nothing()
    )


def _count_live_rows(model: type[CatalogRow]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(model).where(~model.is_deleted).scalar_subquery()
