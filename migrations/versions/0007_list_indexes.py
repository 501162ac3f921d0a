"""Indexes of items that hold what lists are filtered by. Safe on a live database.

The two that they take the place of go last, so that lists have an index all the time. Broken off, this
migration can be run again.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLE = "nomenklatura"
COLUMNS = ("project_id", "brand", "category", "base_price", "stock_quantity")
HELD = ("is_active", *COLUMNS)
REPLACED = ("ix_nomenklatura_newest", "ix_nomenklatura_project_id")


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        change_indexes(concurrently=False)
        return
    with op.get_context().autocommit_block():
        # Nobody waits for these statements, which may take minutes and wait for others themselves.
        op.execute("SET statement_timeout = 0")
        op.execute("SET lock_timeout = 0")
        change_indexes(concurrently=True)
        op.execute("RESET statement_timeout")
        op.execute("RESET lock_timeout")


def change_indexes(*, concurrently: bool) -> None:
    create_index("ix_nomenklatura_list", ["created_at", "id"], HELD, concurrently)
    for column in COLUMNS:
        others = tuple(other for other in HELD if other != column)
        create_index(f"ix_nomenklatura_list_{column}", [column, "created_at", "id"], others, concurrently)
    for name in REPLACED:
        op.drop_index(name, TABLE, if_exists=True, postgresql_concurrently=concurrently)


def create_index(name: str, columns: list[str], held: tuple[str, ...], concurrently: bool) -> None:
    options: dict[str, Any] = {
        "postgresql_include": held,
        "postgresql_where": sa.text("NOT is_deleted"),
        "sqlite_where": sa.text("is_deleted = 0"),
        "postgresql_concurrently": concurrently,
    }
    op.drop_index(name, TABLE, if_exists=True, postgresql_concurrently=concurrently)  # a half-built one
    op.create_index(name, TABLE, columns, **options)
