"""The order of a search that asks for none: what was named exactly, then names, then the rest.

Newest first inside each rank: a code or another of the resource's ``exact`` attributes is what was searched
for; every word begins a word of the name; anything else that was found.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ecatalog.catalog import crowded, paging
from ecatalog.catalog.hits import Found, find_in_all
from ecatalog.catalog.paging import Page, Window
from ecatalog.catalog.query import Order
from ecatalog.catalog.selection import Selection
from ecatalog.catalog.shown import rows_of
from ecatalog.extensions import db

_ORDER = (Order("relevance", True), Order("created_at", True), Order("id", True))

# Stands for the hits where none is read from the database.
_IN_HAND = sa.table(
    "hits", sa.column("id", sa.BigInteger), sa.column("created_at"), sa.column("relevance", sa.Integer)
)


def find(selection: Selection, live_rows: int) -> Found:
    """Count what a search finds among the rows of its resource, and put the first of it in order."""
    if crowded.is_crowded(selection, live_rows):
        hits = crowded.first_hits(selection)
        if hits is not None:
            return Found(crowded.count(selection), hits)
    return find_in_all(selection)


def page(selection: Selection, found: Found, values: dict[str, Any]) -> Page:
    """The page that loaded paging values ask for; its rows are those of the model."""
    beyond = bool(values.get("cursor"))
    all_in_hand = found.count == len(found.hits) and not beyond

    def run(window: Window) -> list[Any]:
        end = window.offset + window.limit
        if all_in_hand or (end <= len(found.hits) and not beyond):
            return list(found.hits[window.offset : end])
        return list(db.session.connection().execute(window.of(hits.c, sa.select(hits))))

    hits = _IN_HAND if all_in_hand else selection.search_terms().ranked().subquery("hits")
    limit = selection.resource.max_limit
    shown = paging.fetch(hits.c, _ORDER, values, found.count, run, max_limit=limit)
    rows = rows_of(selection.resource, [hit.id for hit in shown.rows])
    return Page(rows, shown.next, shown.previous)
