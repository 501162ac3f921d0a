"""The order of a search that asks for none: what was named exactly, then names, then the rest.

Newest first inside each rank: a code or another of the resource's ``exact`` attributes is what was searched
for; every word begins a word of the name; anything else that was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from ecatalog import search
from ecatalog.catalog import paging
from ecatalog.catalog.paging import Page, Window
from ecatalog.catalog.query import Order
from ecatalog.catalog.selection import Selection
from ecatalog.catalog.shown import rows_of
from ecatalog.extensions import db

_ORDER = (Order("relevance", True), Order("created_at", True), Order("id", True))
_TOP = 1_000  # hits that are kept in order; pages beyond are read from the database
_MANY = 20_000  # hits of which not all are put in order
_FIRST = 200  # of those many, that are
_NEWEST = 20_000  # rows in which those are looked for

# Stands for the hits where none is read from the database.
_IN_HAND = sa.table(
    "hits", sa.column("id", sa.BigInteger), sa.column("created_at"), sa.column("relevance", sa.Integer)
)
_crowded: set[tuple[Any, ...]] = set()  # searches that have had many hits, and most likely will again


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


def find(selection: Selection) -> Found:
    """Count what a search finds, and put the first of it in order."""
    place = (selection.resource.name, *selection.narrowing())
    if place in _crowded:
        # Counting alone costs a quarter less.
        hits = find_in_newest(selection, _FIRST, rows=_NEWEST)
        if hits is not None:
            return Found(selection.count(), hits)
    found = find_in_all(selection)
    if found.count > _MANY:
        if len(_crowded) > 1_000:
            _crowded.clear()
        _crowded.add(place)
    return found


def find_in_all(selection: Selection, *, beginning: bool = False, most: int | None = None) -> Found:
    """In one statement: what costs is to read all that is hit, which is done once.

    ``beginning`` puts names that begin with the first word before those that have it elsewhere.
    """
    hits = _ranked(selection, beginning=beginning).cte("hits")
    total = sa.select(sa.func.count()).select_from(hits).scalar_subquery()
    order = (hits.c.relevance.desc(), hits.c.created_at.desc(), hits.c.id.desc())
    statement = sa.select(hits, total).order_by(*order).limit(most or _TOP)
    rows = db.session.connection().execute(statement).all()
    return Found(rows[0][-1] if rows else 0, [Hit(*row[:-1]) for row in rows])


def find_in_newest(
    selection: Selection, number: int, *, rows: int, beginning: bool = False
) -> list[Hit] | None:
    """The first hits where the newest rows have them, as they have of many; else None.

    ``rows`` are so many of the newest; ``beginning`` as in :func:`find_in_all`.
    """
    tables, words = selection.resource.search_tables, selection.words
    columns = tables.rows.c
    in_order = sa.select(tables.rows).order_by(columns.created_at.desc(), columns.id.desc())
    newest = in_order.limit(rows).subquery("newest")
    of_newest = replace(tables, rows=newest)
    rank = search.name_begins(of_newest, words, db.engine.dialect.name)
    if beginning:
        rank = sa.and_(rank, search.text_begins(of_newest, words[0]))
    exact = selection.hits(columns.id, columns.created_at).where(_is_exact(selection))
    named = selection.hits(newest.c.id, newest.c.created_at, tables=of_newest).where(rank)
    hits = [Hit(*row, 3) for row in _newest_of(exact, columns, number)]
    known = {hit.id for hit in hits}
    hits += [Hit(*row, 1) for row in _newest_of(named, newest.c, number) if row[0] not in known]
    return hits[:number] if len(hits) >= number else None


def _newest_of(statement: sa.Select[Any], columns: Any, number: int) -> list[tuple[int, Any]]:
    in_order = statement.order_by(columns.created_at.desc(), columns.id.desc()).limit(number)
    found = db.session.connection().execute(in_order)
    return [(row_id, created_at) for row_id, created_at in found]


def page(selection: Selection, found: Found, values: dict[str, Any]) -> Page:
    """The page that loaded paging values ask for; its rows are those of the model."""
    beyond = bool(values.get("cursor"))
    all_in_hand = found.count == len(found.hits) and not beyond

    def run(window: Window) -> list[Any]:
        end = window.offset + window.limit
        if all_in_hand or (end <= len(found.hits) and not beyond):
            return list(found.hits[window.offset : end])
        return list(db.session.connection().execute(window.of(hits.c, sa.select(hits))))

    hits = _IN_HAND if all_in_hand else _ranked(selection).subquery("hits")
    limit = selection.resource.max_limit
    shown = paging.fetch(hits.c, _ORDER, values, found.count, run, max_limit=limit)
    rows = rows_of(selection.resource, [hit.id for hit in shown.rows])
    return Page(rows, shown.next, shown.previous)


def _ranked(selection: Selection, *, beginning: bool = False) -> sa.Select[Any]:
    """The hits with their relevance: 3 for what was named exactly, 2 and 1 for names, 0 for the rest."""
    tables = selection.resource.search_tables
    named = search.name_begins(tables, selection.words, db.engine.dialect.name)
    ranks = [(_is_exact(selection), 3), (named, 1)]
    if beginning:
        ranks.insert(1, (sa.and_(search.text_begins(tables, selection.words[0]), named), 2))
    relevance = sa.case(*ranks, else_=0).label("relevance")
    return selection.hits(tables.rows.c.id, tables.rows.c.created_at, relevance)


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
