"""The body of a list: in a transaction's snapshot, whose clocks are given, or at once, by one statement."""

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
from ecatalog.errors import RowNotFound
from ecatalog.memory import Memory

Clocks = dict[str, ClockReading]

#: The clocks of each resource as a page has last found them: what is kept under these is likely still true.
_last_clocks = Memory[Clocks](100)


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
    _last_clocks.put(_place(resource), clocks)
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
    """Whether one statement may tell the page that loaded values ask for: that of a search takes several."""
    return not search.words(values.get("search") or "")


def body_at_once(
    resource: Resource, order: tuple[Order, ...], asked: ListRequest
) -> tuple[Clocks, bytes] | None:
    """Built outside any transaction, with the clocks of the same moment; None where that is not to be had."""
    if not can_be_built_at_once(asked.values):
        return None
    told = _PageAtOnce(resource, asked.values)
    try:
        page = paging.fetch(
            resource.columns, order, dict(asked.values), told.count, told.run, max_limit=resource.max_limit
        )
    except (_NotAtOnce, RowNotFound):  # there may be more rows by now than were promised
        return None
    clocks = told.clocks
    if clocks is None:
        return None
    results = ready_rows.fragments_at_once(resource, page.rows, _rows_shown_by(resource, clocks, asked))
    return None if results is None else (clocks, _envelope(asked, told.count(), page, results))


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


class _PageAtOnce:
    """A page of filtered rows, and their number, which is counted once for as long as the clocks stand.

    Where it is asked for before the page is read, what was counted under the last clocks is promised.
    """

    clocks: Clocks | None = None  # of the moment that the page was read, if it was

    def __init__(self, resource: Resource, values: Mapping[str, Any]) -> None:
        self._selection = Selection(resource, values, ())
        self._is_filtered = bool(self._selection.filters())
        self._before = _last_clocks.get(_place(resource))
        self._promised = self._count_before()
        self._count: int | None = None

    def count(self) -> int:
        if self._count is None:
            self._count = self._promised
        if self._count is None:
            raise _NotAtOnce
        return self._count

    def run(self, window: Window) -> list[Reference]:
        count, references = self._read(window, counts=self._is_filtered and self._promised is None)
        if count is None:  # somebody has written since
            count, references = self._read(window, counts=True)
        if self._count not in (None, count):  # which told what page this is
            raise _NotAtOnce
        self._count = count
        return references

    def _read(self, window: Window, *, counts: bool) -> tuple[int | None, list[Reference]]:
        """The number of all rows, None where that was not counted, and the references of the page."""
        resource = self._selection.resource
        found = shaped.at_once(resource, self._selection.values, window, counts=counts)
        if found is None:
            raise _NotAtOnce
        self.clocks = clock.of(resource.clock_names, found.clocks)
        _last_clocks.put(_place(resource), self.clocks)
        return self._count_of(self.clocks, found), found.references

    def _count_of(self, clocks: Clocks, found: shaped.AtOnce) -> int | None:
        if not self._is_filtered:
            return clocks[self._selection.resource.name].live_rows
        if found.count is not None:
            return tally.keep(self._key(clocks), Found(found.count, ())).count
        return self._promised if clocks == self._before else None

    def _count_before(self) -> int | None:
        if self._before is None:
            return None
        if not self._is_filtered:
            return self._before[self._selection.resource.name].live_rows
        known = tally.kept(self._key(self._before))
        return None if known is None else known.count

    def _key(self, clocks: Clocks) -> str:
        return _count_key(self._selection, clocks, by_relevance=False)


def _place(resource: Resource) -> tuple[object, ...]:
    return resource.name, shown_by(current_settings())


def _count_key(selected: Selection, clocks: Clocks, *, by_relevance: bool) -> str:
    """What the number of a selection's rows follows from, and the order of their hits."""
    moments = [(name, reading.tick, reading.epoch) for name, reading in clocks.items()]
    place = _place(selected.resource)
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
