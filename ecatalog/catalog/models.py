"""Columns that every catalogue row has, and the tables of the engine itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ecatalog import search
from ecatalog.database import BigId, JSONType, UTCDateTime
from ecatalog.extensions import Model

LIVE_ON_POSTGRESQL = sa.text("NOT is_deleted")
LIVE_ON_SQLITE = sa.text("is_deleted = 0")


class CatalogRow(Model):
    """A row of a resource; :mod:`ecatalog.catalog.service` alone writes it and keeps tick and search true."""

    __abstract__ = True

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        table = cls.__dict__.get("__table__")
        if table is not None:
            search.attach(table)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, sort_order=-10)
    is_active: Mapped[bool] = mapped_column(default=True, server_default=sa.true(), sort_order=80)
    is_deleted: Mapped[bool] = mapped_column(default=False, server_default=sa.false(), sort_order=81)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, sort_order=91)
    tick: Mapped[int] = mapped_column(sa.BigInteger, sort_order=92)
    search_text: Mapped[str] = mapped_column(
        sa.Text, default="", server_default="", sort_order=93, deferred=True
    )


def catalog_indexes(
    table: str,
    *,
    code: str,
    parent: str | None = None,
    exact: tuple[str, ...] = (),
    filtered: tuple[str, ...] = (),
) -> tuple[sa.Index, ...]:
    """The indexes that lists, lookups and the change feed of ``table`` stand on.

    ``code`` is unique within its parent, deleted rows included; rows with no parent form one group. The
    unique index has the form that ``ON CONFLICT`` can name on both engines. ``exact`` are optional columns
    that rows are looked up by, besides their code. ``filtered`` are those that lists are mostly filtered by:
    each has an index that holds all of them, so that rows need not be read to count what several select.
    """
    unique_on = (code,) if parent is None else (sa.text(f"coalesce({parent}, 0)"), code)
    indexes = [
        sa.Index(f"uq_{table}_code", *unique_on, unique=True),
        sa.Index(f"ix_{table}_tick", "tick", "id"),
        _live(f"ix_{table}_updated", "updated_at", "id"),
        _live(f"ix_{table}_name", "name", "id"),
    ]
    if parent is not None:
        indexes.append(sa.Index(f"ix_{table}_code", code))
    indexes += _list_indexes(table, parent, filtered)
    for column in exact:
        filled = f"{column} IS NOT NULL"
        indexes.append(
            sa.Index(
                f"ix_{table}_{column}",
                column,
                postgresql_where=sa.text(f"{filled} AND NOT is_deleted"),
                sqlite_where=sa.text(f"{filled} AND is_deleted = 0"),
            )
        )
    return tuple(indexes)


def _list_indexes(table: str, parent: str | None, filtered: tuple[str, ...]) -> list[sa.Index]:
    """The newest of all rows, of a parent, and of each value of the ``filtered`` columns."""
    of_parent = () if parent is None else (parent,)
    if not filtered:
        newest = _live(f"ix_{table}_newest", "created_at", "id")
        return [newest, *(_live(f"ix_{table}_{column}", column, "created_at", "id") for column in of_parent)]
    together = ("is_active", *of_parent, *filtered)
    indexes = [_live(f"ix_{table}_list", "created_at", "id", holding=together)]
    for column in (*of_parent, *filtered):
        others = tuple(other for other in together if other != column)
        indexes.append(_live(f"ix_{table}_list_{column}", column, "created_at", "id", holding=others))
    return indexes


def _live(name: str, *columns: str, holding: tuple[str, ...] = ()) -> sa.Index:
    """An index of live rows; ``holding`` are further columns in it, where the engine can keep them."""
    where: dict[str, Any] = {"postgresql_where": LIVE_ON_POSTGRESQL, "sqlite_where": LIVE_ON_SQLITE}
    return sa.Index(name, *columns, postgresql_include=holding, **where)


class ResourceClock(Model):
    """One row a resource: see :mod:`ecatalog.catalog.clock`."""

    __tablename__ = "resource_clock"

    resource: Mapped[str] = mapped_column(sa.String(63), primary_key=True)
    tick: Mapped[int] = mapped_column(sa.BigInteger)
    live_rows: Mapped[int] = mapped_column(sa.BigInteger)
    epoch: Mapped[str] = mapped_column(sa.String(32))


# What the first look reads, in the order of a name and its ClockReading.
CLOCK_COLUMNS: tuple[Any, ...] = tuple(
    ResourceClock.__table__.c[name] for name in ("resource", "tick", "live_rows", "epoch")
)


class HistoryEntry(Model):
    """Who changed which row when, and each field's old and new value."""

    __tablename__ = "row_history"
    __table_args__ = (
        sa.Index("ix_row_history_row", "resource", "row_id", "id"),
        sa.Index("ix_row_history_at", "at", "id"),
        sa.Index("ix_row_history_user", "user_id", "at", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    resource: Mapped[str] = mapped_column(sa.String(63))
    row_id: Mapped[int] = mapped_column(sa.BigInteger)
    tick: Mapped[int] = mapped_column(sa.BigInteger)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    user_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    user_name: Mapped[str | None] = mapped_column(sa.String(150))
    source: Mapped[str] = mapped_column(sa.String(20))
    request_id: Mapped[str | None] = mapped_column(sa.String(64))
    action: Mapped[str] = mapped_column(sa.String(10))
    fields: Mapped[dict[str, Any]] = mapped_column(JSONType)
