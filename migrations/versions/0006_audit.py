"""What happened to users and their tokens, and indexes to search the history by. Safe on a live database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
HISTORY_INDEXES = {"ix_row_history_at": ("at", "id"), "ix_row_history_user": ("user_id", "at", "id")}


def upgrade() -> None:
    create_table()
    if op.get_context().dialect.name != "postgresql":
        create_history_indexes()
        return
    with op.get_context().autocommit_block():
        # Nobody waits for these statements, which may take minutes and wait for others themselves.
        op.execute("SET statement_timeout = 0")
        op.execute("SET lock_timeout = 0")
        create_history_indexes(postgresql_concurrently=True)
        op.execute("RESET statement_timeout")
        op.execute("RESET lock_timeout")


def create_table() -> None:
    if sa.inspect(op.get_bind()).has_table("audit_event"):
        return  # this migration was broken off while it built the indexes
    op.create_table(
        "audit_event",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(length=30), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("user_name", sa.String(length=150), nullable=True),
        sa.Column("actor", sa.String(length=150), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("aggregate_key", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_at", "audit_event", ["at", "id"])
    op.create_index("ix_audit_event_action", "audit_event", ["action", "at"])
    op.create_index("uq_audit_event_aggregate_key", "audit_event", ["aggregate_key"], unique=True)


def create_history_indexes(**options: Any) -> None:
    concurrently = options.get("postgresql_concurrently", False)
    for name, columns in HISTORY_INDEXES.items():
        # a half-built one
        op.drop_index(name, "row_history", if_exists=True, postgresql_concurrently=concurrently)
        op.create_index(name, "row_history", list(columns), **options)
