"""Searches that hit a good part of all rows: the first hits without putting all of them in order.

How many rows are hit and how many of those by their names, the newest rows tell: enough to choose the way,
and no more. The hits themselves are true whatever the choice was.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ecatalog import search
from ecatalog.catalog.hits import Hit, exact_hits, first_of, is_named, named, newest_of, newest_rows
from ecatalog.catalog.nearest import Words
from ecatalog.catalog.selection import Selection
from ecatalog.extensions import db

_MANY = 20_000  # hits of which not all are put in order
_FIRST = 200  # of those many, that are
_SAMPLE = 500  # newest rows that tell how many there are
_SECONDS = 60.0  # that what they tell is taken for true
_NEWEST = 20_000  # rows in which the first are looked for

# Until when, and the search texts of a sample, by database and table: 100 kB each.
_samples: dict[tuple[sa.URL, str], tuple[float, Sequence[str]]] = {}
forget = _samples.clear  # after tables have been filled around the application


def is_crowded(selection: Selection, live_rows: int) -> bool:
    """Whether the search most likely has many hits among so many rows."""
    if live_rows <= _MANY:
        return False
    if _in_sample(selection, selection.words) * live_rows <= _MANY * _SAMPLE:
        return False
    return not selection.filters() or _has_many_filtered(selection, live_rows)


def _in_sample(selection: Selection, words: Words) -> int:
    """How many texts of the sample hold every word, in one of its spellings."""
    texts = _sample(selection)
    return sum(all(any(part in text for part in spelled) for spelled in words) for text in texts)


def _sample(selection: Selection) -> Sequence[str]:
    place = (db.engine.url, selection.resource.name)
    until, texts = _samples.get(place, (0.0, ()))
    if until < time.monotonic():
        rows = newest_rows(selection, _SAMPLE).rows
        texts = db.session.connection().scalars(sa.select(rows.c.search_text)).all()
        _samples[place] = (time.monotonic() + _SECONDS, texts)
    return texts


def _has_many_filtered(selection: Selection, live_rows: int) -> bool:
    rows = newest_rows(selection, _SAMPLE)
    hit = db.session.connection().execute(selection.hits(sa.func.count(), tables=rows)).scalar_one()
    return int(hit) * live_rows > _MANY * _SAMPLE


def first_hits(selection: Selection) -> list[Hit] | None:
    """The first hits in order, as many as a few pages hold; None where the newest rows have not enough."""
    exact, by_name = exact_hits(selection, _FIRST), _named_hits(selection)
    if len(by_name) == _FIRST:
        return first_of(_FIRST, exact, by_name)
    rows = newest_rows(selection, _NEWEST)
    other = selection.hits(rows.rows.c.id, rows.rows.c.created_at, tables=rows)
    other = other.where(sa.not_(is_named(selection, rows)))
    return first_of(_FIRST, exact, by_name, [Hit(*row, 0) for row in newest_of(other, rows.rows.c, _FIRST)])


def _named_hits(selection: Selection) -> list[Hit]:
    """The first hits by name: of the newest rows where those have enough, else of all, by the index."""
    found: list[tuple[int, Any]] = []
    if _in_sample(selection, search.beginnings(selection.words)) * _NEWEST > _FIRST * _SAMPLE:
        rows = newest_rows(selection, _NEWEST)
        found = newest_of(named(selection, rows), rows.rows.c, _FIRST)
    if len(found) < _FIRST:
        # Materialized: else PostgreSQL may look for them along the order, through the whole table.
        all_named = named(selection, selection.resource.search_tables).cte("named")
        all_named = all_named.prefix_with("MATERIALIZED", dialect="postgresql")
        found = newest_of(sa.select(all_named), all_named.c, _FIRST)
    return [Hit(*row, 1) for row in found]
