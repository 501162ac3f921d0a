"""What keeps the search tables of a resource true, in the words of each database.

Triggers do it, so that no way to write a row can forget to; they act only when a row's search text, its time
of creation or its being deleted changes, so that a new price costs the indexes nothing.
"""

from __future__ import annotations

# One trigger a statement: a row at a time costs bulk writes too much. EXCEPT and no join, since the plan that
# is made for the first row written must also do for thousands.
_POSTGRESQL = (
    "CREATE INDEX ix_OWNER_search_trigrams ON OWNER_search USING gin (search_text gin_trgm_ops)",
    "CREATE INDEX ix_OWNER_word_trigrams ON OWNER_word USING gin (word gin_trgm_ops)",
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

# An FTS5 index of trigrams over the search table, which is its content.
_SQLITE = (
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


def statements(dialect: str, owner: str) -> list[str]:
    """DDL that follows the creation of the search tables of ``owner``, itself the name of a table."""
    chosen = _POSTGRESQL if dialect == "postgresql" else _SQLITE
    return [statement.replace("OWNER", owner) for statement in chosen]
