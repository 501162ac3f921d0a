"""From the words of a query to conditions on search texts, which say the same on both databases."""

from __future__ import annotations

import re
from collections.abc import Sequence

import sqlalchemy as sa

from ecatalog.search.document import NAME_MARK
from ecatalog.search.tables import SearchTables

Spellings = tuple[str, ...]  # of one word; any of them will do
_TRIGRAM = 3


def contains(tables: SearchTables, words: Sequence[Spellings], dialect: str) -> sa.ColumnElement[bool]:
    """Every word occurs in the search text of a row of ``tables.rows``, in one of its spellings."""
    return _every(tables, [tuple(spelled) for spelled in words], dialect)


def name_begins(tables: SearchTables, words: Sequence[Spellings], dialect: str) -> sa.ColumnElement[bool]:
    """Every word begins a word of the row's name."""
    return _every(tables, beginnings(words), dialect)


def beginnings(words: Sequence[Spellings]) -> list[Spellings]:
    """What occurs in a search text where every word begins a word of the name."""
    return [tuple(f"{NAME_MARK}{spelling}" for spelling in spelled) for spelled in words]


def text_begins(tables: SearchTables, spelled: Spellings) -> sa.ColumnElement[bool]:
    """The row's name begins with the word."""
    text = tables.rows.c.search_text
    starts = [(len(spelling) + len(NAME_MARK), f"{NAME_MARK}{spelling}") for spelling in spelled]
    return sa.or_(*(sa.func.substr(text, 1, length) == start for length, start in starts))


def like(column: sa.ColumnElement[str], part: str) -> sa.ColumnElement[bool]:
    """``part`` occurs in the column, taken literally.

    The pattern stands in the statement itself, for the planner to see: how many rows a word selects decides
    between an index of trigrams and the newest rows in order, and a plan for any word fits none.
    """
    pattern = re.sub(r"([\\%_])", r"\\\1", part)
    return column.like(sa.bindparam(None, f"%{pattern}%", sa.Text, unique=True, literal_execute=True))


def _every(tables: SearchTables, words: list[Spellings], dialect: str) -> sa.ColumnElement[bool]:
    text = tables.rows.c.search_text
    if dialect == "postgresql":
        return sa.and_(sa.true(), *(sa.or_(*(like(text, part) for part in spelled)) for spelled in words))
    trigrams = tables.trigrams
    indexed = [spelled for spelled in words if trigrams and min(map(len, spelled)) >= _TRIGRAM]
    scanned = [spelled for spelled in words if spelled not in indexed]
    terms = [sa.or_(*(sa.func.instr(text, part) > 0 for part in spelled)) for spelled in scanned]
    if trigrams and indexed:
        terms.append(tables.rows.c.id.in_(_rows_matching(trigrams, indexed)))
    return sa.and_(sa.true(), *terms)


def _rows_matching(trigrams: str, words: list[Spellings]) -> sa.Select[int]:
    expression = " AND ".join(f"({' OR '.join(map(_quoted, spelled))})" for spelled in words)
    index = sa.table(trigrams, sa.column("rowid", sa.Integer))
    matching: sa.ColumnElement[bool] = sa.column(trigrams).op("MATCH", is_comparison=True)(expression)
    return sa.select(index.c.rowid).where(matching)


def _quoted(part: str) -> str:
    doubled = part.replace('"', '""')
    return f'"{doubled}"'
