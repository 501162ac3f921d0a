"""What a search has hit, the first of it in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from ecatalog.catalog.search_terms import SearchTerms, newest_of, newest_rows
from ecatalog.catalog.selection import Selection
from ecatalog.single_read import Row

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


def find_in_all(selection: Selection, *, beginning: bool = False, most: int = TOP) -> Found:
    """In one statement: what costs is to read all that is hit, which is done once."""

    def build(terms: SearchTerms) -> sa.Select[Any]:
        hits = terms.ranked(beginning=beginning).cte("hits")
        total = sa.select(sa.func.count()).select_from(hits).scalar_subquery()
        order = (hits.c.relevance.desc(), hits.c.created_at.desc(), hits.c.id.desc())
        return sa.select(hits, total).order_by(*order).limit(most)

    rows = selection.rows(("all", beginning, most), build)
    return Found(rows[0][-1] if rows else 0, [Hit(*row[:-1]) for row in rows])


def find_in_newest(
    selection: Selection, number: int, *, rows: int, beginning: bool = False
) -> list[Hit] | None:
    """The first hits where the ``rows`` newest rows have enough that rank by name, or above; else None."""
    exact = exact_hits(selection, number)
    return first_of(number, exact, named_among(selection, rows, number, beginning=beginning))


def first_of(number: int, *ranks: Sequence[Hit]) -> list[Hit] | None:
    """The first hits of several ranks, the best rank first, each hit once; None where they are too few."""
    known: dict[int, Hit] = {}
    for hit in (hit for rank in ranks for hit in rank):
        known.setdefault(hit.id, hit)
    return list(known.values())[:number] if len(known) >= number else None


def _ranked(relevance: int, found: Iterable[Row]) -> list[Hit]:
    return [Hit(row_id, created_at, relevance) for row_id, created_at in found]


def exact_hits(selection: Selection, number: int) -> list[Hit]:
    """The newest of those that were named exactly."""
    found = selection.rows(("exact", number), lambda terms: newest_of(terms.named_exactly(), number))
    return _ranked(3, found)


def named_among(selection: Selection, rows: int, number: int, *, beginning: bool = False) -> list[Hit]:
    """The newest of those that rank by name among the ``rows`` newest rows."""

    def build(terms: SearchTerms) -> sa.Select[Any]:
        return newest_of(terms.named(newest_rows(terms.resource, rows), beginning=beginning), number)

    return _ranked(1, selection.rows(("named among", rows, number, beginning), build))


def others_among(selection: Selection, rows: int, number: int) -> list[Hit]:
    """The newest of those that do not, among the ``rows`` newest rows."""

    def build(terms: SearchTerms) -> sa.Select[Any]:
        return newest_of(terms.otherwise(newest_rows(terms.resource, rows)), number)

    return _ranked(0, selection.rows(("others among", rows, number), build))


def named_in_all(selection: Selection, number: int) -> list[Hit]:
    """The newest of those that rank by name, found by the index.

    Materialized: else PostgreSQL may look for them along the order, through the whole table.
    """

    def build(terms: SearchTerms) -> sa.Select[Any]:
        named = terms.named(terms.resource.search_tables).cte("named")
        return newest_of(sa.select(named.prefix_with("MATERIALIZED", dialect="postgresql")), number)

    return _ranked(1, selection.rows(("named", number), build))
