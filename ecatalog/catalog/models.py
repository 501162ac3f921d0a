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
    table: str, *, code: str, parent: str | None = None, exact: tuple[str, ...] = ()
) -> tuple[sa.Index, ...]:
    """The indexes that lists, lookups and the change feed of ``table`` stand on.

    ``code`` is unique within its parent, deleted rows included; rows with no parent form one group. The
    unique index has the form that ``ON CONFLICT`` can name on both engines. ``exact`` are optional columns
    that rows are looked up by, besides their code.
    """

    def live(name: str, *columns: str) -> sa.Index:
        return sa.Index(name, *columns, postgresql_where=LIVE_ON_POSTGRESQL, sqlite_where=LIVE_ON_SQLITE)

    unique_on = (code,) if parent is None else (sa.text(f"coalesce({parent}, 0)"), code)
    indexes = [
        sa.Index(f"uq_{table}_code", *unique_on, unique=True),
        sa.Index(f"ix_{table}_tick", "tick", "id"),
        live(f"ix_{table}_newest", "created_at", "id"),
        live(f"ix_{table}_updated", "updated_at", "id"),
        live(f"ix_{table}_name", "name", "id"),
    ]
    if parent is not None:
        indexes.append(sa.Index(f"ix_{table}_code", code))
        indexes.append(live(f"ix_{table}_{parent}", parent, "created_at", "id"))
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
