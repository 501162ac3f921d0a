"""What a search has hit, and how each hit ranks: named exactly, by names, or otherwise.

3 is a row whose code, or another of the resource's ``exact`` attributes, is what was searched for; 2 and 1
are rows with a name where every word begins a word of it; 0 is anything else that was found. 2, for names
that begin with the first word, is told apart only where that is asked for (``beginning``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from ecatalog import search
from ecatalog.catalog.selection import Selection
from ecatalog.extensions import db

TOP = 1_000  # hits that are kept in order; pages beyond are read from the database


class Hit(NamedTuple):
    """A row that was found; bears the names of the order's terms, for cursors."""

    id: int
    created_at: Any
    relevance: int


@dataclass(frozen=True)
class Found:
    """How many rows a search has found, and the first of them in order."""

    count: int
    hits: Sequence[Hit]

    def packed(self) -> bytes:
        return orjson.dumps([self.count, [tuple(hit) for hit in self.hits]])

    @classmethod
    def unpacked(cls, packed: bytes) -> Found:
        count, hits = orjson.loads(packed)
        return cls(count, [Hit(*hit) for hit in hits])


def find_in_all(selection: Selection, *, beginning: bool = False, most: int | None = None) -> Found:
    """In one statement: what costs is to read all that is hit, which is done once."""
    hits = ranked(selection, beginning=beginning).cte("hits")
    total = sa.select(sa.func.count()).select_from(hits).scalar_subquery()
    order = (hits.c.relevance.desc(), hits.c.created_at.desc(), hits.c.id.desc())
    statement = sa.select(hits, total).order_by(*order).limit(most or TOP)
    rows = db.session.connection().execute(statement).all()
    return Found(rows[0][-1] if rows else 0, [Hit(*row[:-1]) for row in rows])


def find_in_newest(
    selection: Selection, number: int, *, rows: int, beginning: bool = False
) -> list[Hit] | None:
    """The first hits where the ``rows`` newest rows have enough that rank by name, or above; else None."""
    newest = newest_rows(selection, rows)
    found = newest_of(named(selection, newest, beginning=beginning), newest.rows.c, number)
    return first_of(number, exact_hits(selection, number), [Hit(*row, 1) for row in found])


def first_of(number: int, *ranks: Sequence[Hit]) -> list[Hit] | None:
    """The first hits of several ranks, the best rank first, each hit once; None where they are too few."""
    known: dict[int, Hit] = {}
    for hit in (hit for rank in ranks for hit in rank):
        known.setdefault(hit.id, hit)
    return list(known.values())[:number] if len(known) >= number else None


def exact_hits(selection: Selection, number: int) -> list[Hit]:
    """The newest of those that were named exactly."""
    columns = selection.resource.search_tables.rows.c
    exact = selection.hits(columns.id, columns.created_at).where(_is_exact(selection))
    return [Hit(*row, 3) for row in newest_of(exact, columns, number)]


def newest_rows(selection: Selection, number: int) -> search.SearchTables:
    """The search tables with only the newest rows in them, which are looked through without an index."""
    tables = selection.resource.search_tables
    columns = tables.rows.c
    in_order = sa.select(tables.rows).order_by(columns.created_at.desc(), columns.id.desc())
    return replace(tables, rows=in_order.limit(number).subquery("newest"), trigrams=None)


def newest_of(statement: sa.Select[Any], columns: Any, number: int) -> list[tuple[int, Any]]:
    """Id and time of the newest rows of a statement that selects those two of ``columns``."""
    in_order = statement.order_by(columns.created_at.desc(), columns.id.desc()).limit(number)
    found = db.session.connection().execute(in_order)
    return [(row_id, created_at) for row_id, created_at in found]


def ranked(selection: Selection, *, beginning: bool = False) -> sa.Select[Any]:
    """All hits with their rank, as ``relevance``."""
    tables = selection.resource.search_tables
    ranks = [(_is_exact(selection), 3), (is_named(selection, tables), 1)]
    if beginning:
        ranks.insert(1, (is_named(selection, tables, beginning=True), 2))
    relevance = sa.case(*ranks, else_=0).label("relevance")
    return selection.hits(tables.rows.c.id, tables.rows.c.created_at, relevance)


def named(selection: Selection, tables: search.SearchTables, *, beginning: bool = False) -> sa.Select[Any]:
    """Id and time of the hits that rank by name."""
    hits = selection.hits(tables.rows.c.id, tables.rows.c.created_at, tables=tables)
    return hits.where(is_named(selection, tables, beginning=beginning))


def is_named(
    selection: Selection, tables: search.SearchTables, *, beginning: bool = False
) -> sa.ColumnElement[bool]:
    """The condition that every word begins a word of the name, and the first one the name itself."""
    named = search.name_begins(tables, selection.words, db.engine.dialect.name)
    return sa.and_(search.text_begins(tables, selection.words[0]), named) if beginning else named


def _is_exact(selection: Selection) -> sa.ColumnElement[bool]:
    """The condition on the search table that a row's code, or another such attribute, is what was sent."""
    text = (selection.values.get("search") or "").strip()
    if selection.approximate or not text:
        return sa.false()
    resource = selection.resource
    own = resource.columns
    # In the letter cases that codes are written in: the indexes of these columns know no other.
    typed = list(dict.fromkeys((text, text.upper(), text.lower())))
    same = [getattr(own, name).in_(typed) for name in (resource.code, *resource.exact)]
    return resource.search_tables.rows.c.id.in_(sa.select(own.id).where(~own.is_deleted, sa.or_(*same)))
