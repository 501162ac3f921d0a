"""Tables to search in, and the triggers that keep them true from now on. Writers wait for a moment only."""

from __future__ import annotations

import sqlite3

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RESOURCES = ("project", "client", "nomenklatura")
OLDEST_SQLITE = (3, 34)  # the first with an index of trigrams

POSTGRESQL = (
    """
    CREATE FUNCTION OWNER_search_insert() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        INSERT INTO OWNER_search (id, created_at, search_text)
        SELECT id, created_at, search_text FROM new_rows WHERE NOT is_deleted;
        RETURN NULL;
    END $body$""",
    """
    CREATE FUNCTION OWNER_search_update() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        WITH changed AS (
            SELECT id, created_at, search_text, is_deleted FROM new_rows
            EXCEPT
            SELECT id, created_at, search_text, is_deleted FROM old_rows
        ), gone AS (
            DELETE FROM OWNER_search WHERE id = ANY (ARRAY(SELECT id FROM changed WHERE is_deleted))
        )
        INSERT INTO OWNER_search (id, created_at, search_text)
        SELECT id, created_at, search_text FROM changed WHERE NOT is_deleted
        ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at, search_text = excluded.search_text;
        RETURN NULL;
    END $body$""",
    """
    CREATE FUNCTION OWNER_search_delete() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        DELETE FROM OWNER_search WHERE id = ANY (ARRAY(SELECT id FROM old_rows));
        RETURN NULL;
    END $body$""",
    """
    CREATE TRIGGER OWNER_search_insert AFTER INSERT ON OWNER REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION OWNER_search_insert()""",
    """
    CREATE TRIGGER OWNER_search_update AFTER UPDATE ON OWNER
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION OWNER_search_update()""",
    """
    CREATE TRIGGER OWNER_search_delete AFTER DELETE ON OWNER REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION OWNER_search_delete()""",
)
SQLITE = (3, 34)  # the first with an index of trigrams

POSTGRESQL = (
    """
    CREATE FUNCTION OWNER_search_insert() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        INSERT INTO OWNER_search (id, created_at, search_text)
        SELECT id, created_at, search_text FROM new_rows WHERE NOT is_deleted;
        RETURN NULL;
    END $body$""",
    """
    CREATE FUNCTION OWNER_search_update() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        WITH changed AS (
            SELECT id, created_at, search_text, is_deleted FROM new_rows
            EXCEPT
            SELECT id, created_at, search_text, is_deleted FROM old_rows
        ), gone AS (
            DELETE FROM OWNER_search WHERE id = ANY (ARRAY(SELECT id FROM changed WHERE is_deleted))
        )
        INSERT INTO OWNER_search (id, created_at, search_text)
        SELECT id, created_at, search_text FROM changed WHERE NOT is_deleted
        ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at, search_text = excluded.search_text;
        RETURN NULL;
    END $body$""",
    """
    CREATE FUNCTION OWNER_search_delete() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        DELETE FROM OWNER_search WHERE id = ANY (ARRAY(SELECT id FROM old_rows));
        RETURN NULL;
    END $body$""",
    """
    CREATE TRIGGER OWNER_search_insert AFTER INSERT ON OWNER REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION OWNER_search_insert()""",
    """
    CREATE TRIGGER OWNER_search_update AFTER UPDATE ON OWNER
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION OWNER_search_update()""",
    """
    CREATE TRIGGER OWNER_search_delete AFTER DELETE ON OWNER REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION OWNER_search_delete()""",
)
POSTGRESQL_FILL = """
    DO $body$
    BEGIN
        PERFORM 1 FROM resource_clock WHERE resource = 'OWNER' FOR UPDATE;
        INSERT INTO OWNER_search (id, created_at, search_text)
        SELECT id, created_at, search_text FROM OWNER
        WHERE id >= FIRST AND id < PAST AND NOT is_deleted
        ON CONFLICT DO NOTHING;
    END $body$"""

SQLITE = (
    """
    CREATE VIRTUAL TABLE OWNER_trigrams USING fts5(
        search_text, content='OWNER_search', content_rowid='id', columnsize=0,
        tokenize='trigram case_sensitive 1'
    )""",
    """
    CREATE TRIGGER OWNER_trigrams_insert AFTER INSERT ON OWNER_search
    BEGIN
        INSERT INTO OWNER_trigrams (rowid, search_text) VALUES (new.id, new.search_text);
    END""",
    """
    CREATE TRIGGER OWNER_trigrams_delete AFTER DELETE ON OWNER_search
    BEGIN
        INSERT INTO OWNER_trigrams (OWNER_trigrams, rowid, search_text)
        VALUES ('delete', old.id, old.search_text);
    END""",
    """
    CREATE TRIGGER OWNER_search_insert AFTER INSERT ON OWNER WHEN NOT new.is_deleted
    BEGIN
        INSERT INTO OWNER_search (id, created_at, search_text)
        VALUES (new.id, new.created_at, new.search_text);
    END""",
    """
    CREATE TRIGGER OWNER_search_update AFTER UPDATE OF search_text, is_deleted, created_at ON OWNER
    WHEN old.search_text IS NOT new.search_text OR old.is_deleted IS NOT new.is_deleted
        OR old.created_at IS NOT new.created_at
    BEGIN
        DELETE FROM OWNER_search WHERE id = old.id;
        INSERT INTO OWNER_search (id, created_at, search_text)
        SELECT new.id, new.created_at, new.search_text WHERE NOT new.is_deleted;
    END""",
    """
    CREATE TRIGGER OWNER_search_delete AFTER DELETE ON OWNER
    BEGIN
        DELETE FROM OWNER_search WHERE id = old.id;
    END""",
)


def upgrade() -> None:
    postgresql = op.get_context().dialect.name == "postgresql"
    if not postgresql and sqlite3.sqlite_version_info < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        raise SystemExit(f"SQLite {needed} or newer is needed; this is {sqlite3.sqlite_version}.")
    if postgresql:
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")  # which the owner of a database may do
    for owner in RESOURCES:
        create_tables(owner)
        for statement in POSTGRESQL if postgresql else SQLITE:
            op.get_bind().exec_driver_sql(statement.replace("OWNER", owner))


def create_tables(owner: str) -> None:
    op.create_table(
        f"{owner}_search",
        sa.Column("id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{owner}_search")),
    )
    op.create_table(
        f"{owner}_word",
        sa.Column("word", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f(f"pk_{owner}_word")),
    )
