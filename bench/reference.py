"""What bulk writes are compared with: COPY into a temporary table and INSERT … ON CONFLICT, and nothing else.

The rows are those that the service leaves in the table: the same columns (search text, tick and times among
them), in the same table with the same indexes, 2,000 rows a transaction, each on the disk when it ends. What
goes into COPY is made before the clock runs, so that only the database is measured.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from bench.rows import Row
from ecatalog import search
from ecatalog.catalog.copying import copy_text
from ecatalog.nomenklatura.resource import NOMENKLATURA

CHUNK = 2000
WRITTEN = (
    *("is_active", "is_deleted", "tags", '"metadata"', "currency"),
    *("created_at", "updated_at", "tick", "search_text"),
)
CONSTANTS = "true, false, '[]'::jsonb, '{}'::jsonb, 'UZS', now(), now(), 1"
HISTORY = (
    "INSERT INTO row_history (resource, row_id, tick, at, source, action, fields) "
    "SELECT 'nomenklatura', id, 1, now(), 'bulk', 'create', '{}' FROM written"
)


@dataclass
class Bare:
    """A database like the service's, written to around it.

    ``indexed``: with the search index of the rows' texts, which triggers keep. ``history``: with an entry of
    the history for each row, by the same statement.
    """

    url: str
    indexed: bool = True
    history: bool = False

    def __post_init__(self) -> None:
        if not self.indexed:
            with self.connect() as connection:
                connection.execute("ALTER TABLE nomenklatura DISABLE TRIGGER USER")

    def connect(self) -> psycopg.Connection[Any]:
        url = make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(url, autocommit=True)

    def upsert(self, rows: list[Row]) -> float:
        """The seconds that it takes."""
        names = list(rows[0])
        texts = [_copy_text(rows[at : at + CHUNK], names) for at in range(0, len(rows), CHUNK)]
        fields = ", ".join(names)
        like = f"SELECT {fields}, search_text FROM nomenklatura WITH NO DATA"
        staged = f"CREATE TEMPORARY TABLE staged ON COMMIT DROP AS {like}"
        replaced = ", ".join(
            f"{name} = excluded.{name}" for name in (*names[1:], "search_text", "updated_at")
        )
        statement = (
            f"INSERT INTO nomenklatura ({fields}, {', '.join(WRITTEN)}) "
            f"SELECT {fields}, {CONSTANTS}, search_text FROM staged "
            f"ON CONFLICT (coalesce(project_id, 0), code_1c) DO UPDATE SET {replaced}"
        )
        if self.history:
            statement = f"WITH written AS ({statement} RETURNING id) {HISTORY}"
        with self.connect() as connection:
            began = time.perf_counter()
            for text in texts:
                with connection.transaction(), connection.cursor() as cursor:
                    cursor.execute(staged)
                    with cursor.copy(f"COPY staged ({fields}, search_text) FROM STDIN") as copy:
                        copy.write(text)
                    cursor.execute(statement)
            return time.perf_counter() - began


def _copy_text(rows: list[Row], names: list[str]) -> bytes:
    columns = [[row[name] for row in rows] for name in names]
    columns.append([search.document(row.get(name) for name in NOMENKLATURA.searched) for row in rows])
    text = NOMENKLATURA.model.__table__.c.search_text.type
    return copy_text(columns, [text] * len(columns))
