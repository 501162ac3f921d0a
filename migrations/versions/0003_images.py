"""Images of projects, clients and items. New tables alone: safe on a live database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def where(postgresql: str, sqlite: str) -> dict[str, sa.TextClause]:
    return {"postgresql_where": sa.text(postgresql), "sqlite_where": sa.text(sqlite)}


LIVE = where("deleted_at IS NULL", "deleted_at IS NULL")
DELETED = where("deleted_at IS NOT NULL", "deleted_at IS NOT NULL")
LIVE_MAIN = where("is_main AND deleted_at IS NULL", "is_main = 1 AND deleted_at IS NULL")


def upgrade() -> None:
    for owner in ("project", "client", "nomenklatura"):
        table = f"{owner}_image"
        op.create_table(
            table,
            sa.Column("id", BIG_ID, nullable=False),
            sa.Column("owner_id", BIG_ID, nullable=False),
            sa.Column("folder", sa.String(length=120), nullable=False),
            sa.Column("format", sa.String(length=8), nullable=False),
            sa.Column("width", sa.Integer(), nullable=False),
            sa.Column("height", sa.Integer(), nullable=False),
            sa.Column("size_bytes", sa.Integer(), nullable=False),
            sa.Column("thumbnail_bytes", sa.Integer(), nullable=False),
            sa.Column("is_main", sa.Boolean(), nullable=False),
            sa.Column("category", sa.String(length=120), nullable=True),
            sa.Column("note", sa.String(length=255), nullable=True),
            sa.Column("is_active", sa.Boolean(), nullable=False),
            sa.Column("search_text", sa.Text(), nullable=False),
            sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
            sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
            sa.ForeignKeyConstraint(["owner_id"], [f"{owner}.id"], name=op.f(f"fk_{table}_owner_id")),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        )
        op.create_index(f"uq_{table}_folder", table, ["folder"], unique=True)
        op.create_index(f"uq_{table}_main", table, ["owner_id"], unique=True, **LIVE_MAIN)
        op.create_index(f"ix_{table}_owner", table, ["owner_id", "id"], unique=False, **LIVE)
        op.create_index(f"ix_{table}_newest", table, ["created_at", "id"], unique=False, **LIVE)
        op.create_index(f"ix_{table}_deleted", table, ["deleted_at"], unique=False, **DELETED)
