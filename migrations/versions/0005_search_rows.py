"""What is there already comes into the search tables, and their indexes. Safe on a live database.

The search texts of those rows were made by an earlier release: `flask catalog reindex` makes them anew, once
this release runs. Broken off, this migration can be run again.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

RESOURCES = ("project", "client", "nomenklatura")
EXACT = {"client": ("tax_id",), "nomenklatura": ("sku", "article_code", "barcode")}
CHUNK = 20_000  # rows, for which the writers of a resource wait at a time

# In the order of locks that writers keep. Two statements: the second sees what the first has waited for.
POSTGRESQL_FILL = """
    DO $body$
    BEGIN
        PERFORM 1 FROM resource_clock WHERE resource = 'OWNER' FOR UPDATE;
        INSERT INTO OWNER_search (id, created_at, search_text)
        SELECT id, created_at, search_text FROM OWNER
        WHERE id >= FIRST AND id < PAST AND NOT is_deleted
        ON CONFLICT DO NOTHING;
    END $body$"""
SQLITE_FILL = """
    INSERT INTO OWNER_search (id, created_at, search_text)
    SELECT id, created_at, search_text FROM OWNER WHERE NOT is_deleted"""


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        for owner in RESOURCES:
            op.get_bind().exec_driver_sql(SQLITE_FILL.replace("OWNER", owner))
            create_indexes(owner)
        return
    with op.get_context().autocommit_block():
        # Nobody waits for these statements, which may take minutes and wait for others themselves.
        op.execute("SET statement_timeout = 0")
        op.execute("SET lock_timeout = 0")
        for owner in RESOURCES:
            fill(owner)
            create_indexes(owner, postgresql_concurrently=True)
            for table, column in ((f"{owner}_search", "search_text"), (f"{owner}_word", "word")):
                create_index(
                    f"ix_{table}_trigrams",
                    table,
                    column,
                    postgresql_using="gin",
                    postgresql_ops={column: "gin_trgm_ops"},
                    postgresql_concurrently=True,
                )
        op.execute("RESET statement_timeout")
        op.execute("RESET lock_timeout")


def fill(owner: str) -> None:
    table = sa.table(owner, sa.column("id"))
    last = op.get_bind().scalar(sa.select(sa.func.max(table.c.id))) or 0
    for first in range(0, last + 1, CHUNK):
        statement = POSTGRESQL_FILL.replace("FIRST", str(first)).replace("PAST", str(first + CHUNK))
        op.get_bind().exec_driver_sql(statement.replace("OWNER", owner))


def create_indexes(owner: str, **options: Any) -> None:
    create_index(f"ix_{owner}_search_newest", f"{owner}_search", "created_at", "id", **options)
    for column in EXACT.get(owner, ()):
        create_index(
            f"ix_{owner}_{column}",
            owner,
            column,
            postgresql_where=sa.text(f"{column} IS NOT NULL AND NOT is_deleted"),
            sqlite_where=sa.text(f"{column} IS NOT NULL AND is_deleted = 0"),
            **options,
        )


def create_index(name: str, table: str, *columns: str, **options: Any) -> None:
    concurrently = options.get("postgresql_concurrently", False)
    op.drop_index(name, table, if_exists=True, postgresql_concurrently=concurrently)  # a half-built one
    op.create_index(name, table, list(columns), **options)
