"""Vacuum tables of rows soon after rows have come in: lists are counted from indexes, which tell of pages
that all can see without a look at the rows. PostgreSQL would wait for a fifth of the table.

Takes no lock that readers or writers would wait for.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = ("project", "client", "nomenklatura")


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    for table in TABLES:
        op.execute(
            f"ALTER TABLE {table} SET (autovacuum_vacuum_insert_threshold = 500,"
            " autovacuum_vacuum_insert_scale_factor = 0.002)"
        )
