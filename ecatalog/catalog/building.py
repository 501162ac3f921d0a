"""The body of a list: from the clocks of a snapshot, or of a first page at once, by one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache as cache_function
from functools import partial
from typing import Any

import orjson
import sqlalchemy as sa

from ecatalog import __version__, search
from ecatalog.catalog import clock, etag, paging, ready_rows, relevance, selection, shaped, tally
from ecatalog.catalog.clock import ClockReading
from ecatalog.catalog.hits import Found
from ecatalog.catalog.nested import render_rows
from ecatalog.catalog.paging import Page, Window
from ecatalog.catalog.query import Order
from ecatalog.catalog.ready_rows import Reference
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.selection import Selection
from ecatalog.catalog.tally import Tally
from ecatalog.config import Settings, current_settings
from ecatalog.memory import Memory
from ecatalog.single_read import Row

Clocks = dict[str, ClockReading]

#: The clocks as a first page has last found them: what is kept under these is most likely still true.
_last_clocks = Memory[list[Row]](100)


@dataclass(frozen=True)
class ListRequest:
    """A list as it was asked for: loaded values, and the raw query for the links to other pages."""

    values: Mapping[str, Any]
    base_url: str  # absolute, without the query
    query: list[tuple[str, str]]


@cache_function
def shown_by(settings: Settings) -> tuple[str, ...]:
    """What makes the same rows look different; the database, since tests have several in one process."""
    database = sa.make_url(settings.database_url).render_as_string()
    return __version__, settings.media_url, str(settings.timezone), database


def body(resource: Resource, clocks: Clocks, order: tuple[Order, ...], asked: ListRequest) -> bytes:
    """Built in the session's snapshot, whose clocks are given."""
    values = dict(asked.values)
    by_relevance = not values.get("ordering")
    selected, found = selection.select(resource, values, partial(_look, clocks, by_relevance))
    page: Page
    results: list[Any]
    if selected.words and by_relevance and isinstance(found, Found):
        page = relevance.page(selected, found, values)
        results = render_rows(resource, page.rows)
    else:
        run = found.references if isinstance(found, Tally) else selected.references
        page = paging.fetch(
            resource.columns, order, values, lambda: found.count, run, max_limit=resource.max_limit
        )
        results = list(ready_rows.fragments(resource, page.rows, _rows_shown_by(resource, clocks, asked)))
    return _envelope(asked, found.count, page, results, approximate=selected.approximate)


def can_be_built_at_once(values: Mapping[str, Any]) -> bool:
    """Whether one statement may tell the page that loaded values ask for: a first page, without a search."""
    if values.get("page") not in (None, 1) or values.get("offset"):
        return False
    return "cursor" not in values and not search.words(values.get("search") or "")


def body_at_once(
    resource: Resource, order: tuple[Order, ...], asked: ListRequest
) -> tuple[Clocks, bytes] | None:
    """Built outside any transaction, with the clocks of the same moment; None where that is not to be had."""
    if not can_be_built_at_once(asked.values):
        return None
    first = _FirstPage(resource, asked.values)
    try:
        page = paging.fetch(
            resource.columns, order, dict(asked.values), first.count, first.run, max_limit=resource.max_limit
        )
    except _NotAtOnce:
        return None
    clocks = first.clocks
    results = ready_rows.fragments_at_once(resource, page.rows, _rows_shown_by(resource, clocks, asked))
    return None if results is None else (clocks, _envelope(asked, first.count(), page, results))


def _envelope(
    asked: ListRequest, count: int, page: Page, results: Sequence[Any], *, approximate: bool = False
) -> bytes:
    return orjson.dumps(
        {
            "count": count,
            **({"fuzzy": True} if approximate else {}),
            "next": paging.link(asked.base_url, asked.query, page.next),
            "previous": paging.link(asked.base_url, asked.query, page.previous),
            "results": results,
        }
    )


def _rows_shown_by(resource: Resource, clocks: Clocks, asked: ListRequest) -> tuple[object, ...]:
    epochs = [clocks[name].epoch for name in resource.clock_names]
    return shown_by(current_settings()), asked.base_url, epochs  # images name the host


class _NotAtOnce(Exception):
    """It takes a transaction."""


class _FirstPage:
    """The first page of filtered rows, and their number, which is counted once while clocks stand."""

    clocks: Clocks

    def __init__(self, resource: Resource, values: Mapping[str, Any]) -> None:
        self._selection = Selection(resource, values, ())
        self._place = (resource.name, shown_by(current_settings()))
        self._count: int | None = None

    def count(self) -> int:
        assert self._count is not None  # the first page is read before this is asked
        return self._count

    def run(self, window: Window) -> list[Reference]:
        narrowing = bool(self._selection.filters())
        before = self._clocks_before() if narrowing else None
        known = None if before is None else tally.kept(self._key(before))
        found = self._read(window, counts=narrowing and known is None)
        if known is not None and self.clocks != before:  # somebody has written since
            found = self._read(window, counts=True)
        if found.count is not None:
            self._count = tally.keep(self._key(self.clocks), Found(found.count, ())).count
        elif known is not None:
            self._count = known.count
        else:
            self._count = self.clocks[self._selection.resource.name].live_rows
        return found.references

    def _read(self, window: Window, *, counts: bool) -> shaped.AtOnce:
        resource = self._selection.resource
        found = shaped.at_once(resource, self._selection.values, window, counts=counts)
        if found is None:
            raise _NotAtOnce
        _last_clocks.put(self._place, found.clocks)
        self.clocks = clock.of(resource.clock_names, found.clocks)
        return found

    def _clocks_before(self) -> Clocks | None:
        rows = _last_clocks.get(self._place)
        return None if rows is None else clock.of(self._selection.resource.clock_names, rows)

    def _key(self, clocks: Clocks) -> str:
        return _count_key(self._selection, clocks, by_relevance=False)


def _count_key(selected: Selection, clocks: Clocks, *, by_relevance: bool) -> str:
    """What the number of a selection's rows follows from, and the order of their hits."""
    moments = [(name, reading.tick, reading.epoch) for name, reading in clocks.items()]
    place = (selected.resource.name, shown_by(current_settings()))
    searched = selected.values.get("search")
    return etag.digest("count", place, moments, selected.narrowing(), searched, by_relevance)


def _look(clocks: Clocks, by_relevance: bool, selected: Selection) -> Found | Tally:
    """Count what is selected: a look-up without filters, else once a tick; of a search, tell the hits."""
    live_rows = clocks[selected.resource.name].live_rows
    if not selected.narrowing():
        return Found(live_rows, ())
    by_relevance = by_relevance and bool(selected.words)
    key = _count_key(selected, clocks, by_relevance=by_relevance)
    known = tally.kept(key)
    if known is not None:
        return known
    if not selected.words:
        return Tally(selected, key)
    return tally.keep(
        key, relevance.find(selected, live_rows) if by_relevance else Found(selected.count(), ())
    )
