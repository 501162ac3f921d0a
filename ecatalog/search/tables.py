"""The tables that a resource is searched in, beside its own: narrow, so that many rows are read quickly.

``<table>_search`` holds the search text of the live rows, ``<table>_word`` the different words of all that
were ever written, for what to take a mistyped word for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ecatalog.search import ddl

LONGEST_WORD = 40  # letters; longer ones are no words
_KEY = "search_tables"


@dataclass(frozen=True)
class SearchTables:
    """``rows`` has the columns id, created_at and search_text; ``words`` the one column word."""

    rows: sa.FromClause
    words: sa.Table
    trigrams: str | None  # the name of SQLite's index over ``rows``; None where they are looked through


def attach(owner: sa.Table) -> None:
    """Declare the search tables of a resource's table, in the same MetaData."""
    rows = sa.Table(
        f"{owner.name}_search",
        owner.metadata,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False),
        sa.Column("created_at", owner.c.created_at.type, nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.Index(f"ix_{owner.name}_search_newest", "created_at", "id"),
    )
    words = sa.Table(
        f"{owner.name}_word",
        owner.metadata,
        sa.Column("word", sa.String(LONGEST_WORD), nullable=False),
        sa.PrimaryKeyConstraint("word"),
    )
    for table in (rows, words):
        table.add_is_dependent_on(owner)
    rows.add_is_dependent_on(words)  # so that what follows finds them all
    sa.event.listen(rows, "after_create", _complete)
    owner.info[_KEY] = SearchTables(rows, words, f"{owner.name}_trigrams")


def tables_of(owner: sa.Table) -> SearchTables:
    """The search tables of a resource's table."""
    found = owner.info[_KEY]
    assert isinstance(found, SearchTables)
    return found


def _complete(rows: sa.Table, connection: sa.Connection, **_options: Any) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    for statement in ddl.statements(connection.dialect.name, rows.name.removesuffix("_search")):
        connection.exec_driver_sql(statement)
