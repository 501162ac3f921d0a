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
from ecatalog.catalog.hits import Hit, exact_hits, first_of, named_among, named_in_all, others_among
from ecatalog.catalog.search_terms import SearchTerms, newest_rows
from ecatalog.catalog.selection import Selection
from ecatalog.extensions import db

_MANY = 20_000  # hits of which not all are put in order
_FIRST = 200  # of those many, that are
_SAMPLE = 500  # newest rows that tell how many there are
_SECONDS = 60.0  # that what they tell is taken for true
_NEWEST = 20_000  # rows in which the first are looked for

_NO_ANNOUNCEMENTS = sa.text("SET LOCAL effective_io_concurrency = 0")

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


def _in_sample(selection: Selection, words: Sequence[Sequence[str]]) -> int:
    """How many texts of the sample hold every word, in one of its spellings."""
    texts: Sequence[str] = _sample(selection)
    for spelled in words:
        # Most words are in no text or in many: one spelling at a time takes the fewest steps.
        held: dict[int, str] = {}
        for part in spelled:
            held |= {place: text for place, text in enumerate(texts) if part in text}
        texts = list(held.values())
    return len(texts)


def _sample(selection: Selection) -> Sequence[str]:
    place = (db.engine.url, selection.resource.name)
    until, texts = _samples.get(place, (0.0, ()))
    if until < time.monotonic():
        rows = newest_rows(selection.resource, _SAMPLE).rows
        texts = db.session.connection().scalars(sa.select(rows.c.search_text)).all()
        _samples[place] = (time.monotonic() + _SECONDS, texts)
    return texts


def _has_many_filtered(selection: Selection, live_rows: int) -> bool:
    def build(terms: SearchTerms) -> sa.Select[Any]:
        return terms.hits(sa.func.count(), tables=newest_rows(terms.resource, _SAMPLE))

    return int(selection.rows("in sample", build)[0][0]) * live_rows > _MANY * _SAMPLE


def count(selection: Selection) -> int:
    """How many hits there are, where they are many.

    They lie in nearly every page of the table, which is read from one end to the other: PostgreSQL need not
    announce each page to the system, which takes it a fifth of the time.
    """
    if db.engine.dialect.name == "postgresql":
        db.session.execute(_NO_ANNOUNCEMENTS)
    return selection.count()


def first_hits(selection: Selection) -> list[Hit] | None:
    """The first hits in order, as many as a few pages hold; None where the newest rows have not enough."""
    exact, by_name = exact_hits(selection, _FIRST), _named_hits(selection)
    if len(by_name) == _FIRST:
        return first_of(_FIRST, exact, by_name)
    return first_of(_FIRST, exact, by_name, others_among(selection, _NEWEST, _FIRST))


def _named_hits(selection: Selection) -> list[Hit]:
    """The first hits by name: of the newest rows where those have enough, else of all, by the index."""
    found: list[Hit] = []
    if _in_sample(selection, search.beginnings(selection.words)) * _NEWEST > _FIRST * _SAMPLE:
        found = named_among(selection, _NEWEST, _FIRST)
    return found if len(found) == _FIRST else named_in_all(selection, _FIRST)
