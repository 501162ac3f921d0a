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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import g

from ecatalog.catalog.models import CatalogRow, ResourceClock
from ecatalog.extensions import db
from ecatalog.first_look import current_first_look
from ecatalog.single_read import Row

if TYPE_CHECKING:
    from ecatalog.catalog.resource import Resource


@dataclass(frozen=True)
class ClockReading:
    """What a clock showed: ``tick`` in microseconds, the count of rows not deleted, the epoch's name."""

    tick: int
    live_rows: int
    epoch: str


NEVER_WRITTEN = ClockReading(tick=0, live_rows=0, epoch="")


def read(names: Iterable[str]) -> dict[str, ClockReading]:
    """The clocks of ``names`` in one query; a resource that was never written reads as tick 0."""
    wanted = list(names)
    rows = db.session.execute(
        sa.select(
            ResourceClock.resource, ResourceClock.tick, ResourceClock.live_rows, ResourceClock.epoch
        ).where(ResourceClock.resource.in_(wanted))
    )
    found = {name: ClockReading(tick, live_rows, epoch) for name, tick, live_rows, epoch in rows}
    return {name: found.get(name, NEVER_WRITTEN) for name in wanted}


def glance(names: Iterable[str]) -> dict[str, ClockReading]:
    """As :func:`read`, but outside any transaction and in a fraction of the time.

    What was read along with the request's user is taken, once: a second glance looks anew.
    """
    rows: list[Row] | None = g.pop("first_look_rows", None)
    if rows is None:
        rows = current_first_look().rows()
    found = {name: ClockReading(*reading) for name, *reading in rows}
    return {name: found.get(name, NEVER_WRITTEN) for name in names}


def take_tick(resource: Resource) -> int:
    """The next tick. Locks the clock until the transaction ends; call it before any row is locked."""
    tick = _advance(resource.name)
    if tick is None:
        _insert_clock(resource)
        tick = _advance(resource.name)
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


def _advance(name: str) -> int | None:
    following = ResourceClock.tick + 1
    if db.engine.dialect.name == "sqlite":
        floor: Any = time.time_ns() // 1000
        tick: Any = sa.func.max(following, floor)
    else:
        # The server's clock, read after the lock is had: the application's hosts need not agree on the time.
        floor = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()) * 1_000_000, sa.BigInteger)
        tick = sa.func.greatest(following, floor)
    return db.session.scalar(
        sa.update(ResourceClock)
        .where(ResourceClock.resource == name)
        .values(tick=tick)
        .returning(ResourceClock.tick)
        .execution_options(synchronize_session=False)
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
