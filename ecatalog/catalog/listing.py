"""Lists: the clocks are read first, and what they vouch for is answered from the cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache as cache_function
from functools import partial
from typing import Any

import orjson
import sqlalchemy as sa

from ecatalog import __version__, metrics
from ecatalog.catalog import cache, clock, etag, paging, query, ready_rows, relevance, selection, tally
from ecatalog.catalog.clock import ClockReading
from ecatalog.catalog.hits import Found
from ecatalog.catalog.nested import render_rows
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.selection import Selection
from ecatalog.catalog.tally import Tally
from ecatalog.config import Settings, current_settings
from ecatalog.database import in_write_transaction
from ecatalog.memory import Memory

Clocks = dict[str, ClockReading]

#: What has been answered in this process, by ``Vouched.rest``: of all else there is nothing to look for.
_answered = Memory[bool](10_000)


@dataclass(frozen=True)
class ListRequest:
    """A list as it was asked for: loaded values, and the raw query for the links to other pages."""

    values: Mapping[str, Any]
    base_url: str  # absolute, without the query
    query: list[tuple[str, str]]


@dataclass(frozen=True)
class Vouched:
    """What an answer follows from: clocks, by their names, and a digest of all else."""

    clock_names: tuple[str, ...]
    rest: str

    def tag(self, clocks: Clocks) -> str:
        """Changes with anything that the answer can show."""
        moments = [(clocks[name].tick, clocks[name].epoch) for name in self.clock_names]
        return etag.digest(self.rest, moments)


@dataclass(frozen=True)
class Answer:
    """A JSON body and its entity tag; no body when the client's copy is still true.

    is_kept   it was not built now, but lay ready, or the client has it
    """

    body: bytes | None
    etag: str
    vouched: Vouched
    is_kept: bool = True


#: In a request's environment: the present answer may be given again, or another row by the same reader.
KEPT = "ecatalog.kept"


@dataclass(frozen=True)
class Kept:
    """What vouches for an answer, the route that gave it, and whether anybody may have it."""

    vouched: Vouched
    route: str
    for_anyone: bool


def list_rows(resource: Resource, asked: ListRequest, known_tags: frozenset[str] | None = None) -> Answer:
    """One page of a resource. Raises InvalidInput or RowNotFound for parameters that ask for no page."""
    order = query.parse_ordering(resource, asked.values.get("ordering"))
    return by_clock(
        ("list", resource.name),
        resource.clock_names,
        asked,
        known_tags,
        lambda clocks: _build(resource, clocks, order, asked),
    )


def by_clock(
    kind: tuple[str, ...],
    clock_names: Sequence[str],
    asked: ListRequest,
    known_tags: frozenset[str] | None,
    build: Callable[[Clocks], bytes],
) -> Answer:
    """Nothing where the client's copy is still true, what is kept of the answer, or else it is built.

    ``kind`` tells answers to the same query apart, ``clock_names`` are the clocks of all that is shown.
    """
    rest = etag.digest(kind, asked.base_url, asked.query, _shown_by(current_settings()))
    vouched = Vouched(tuple(clock_names), rest)
    if in_write_transaction():
        pass  # nothing is kept of what may be rolled back
    elif known_tags is None and not _answered.get(rest):
        metrics.cache.note("miss")
    else:
        tag = vouched.tag(clock.glance(clock_names))
        if known_tags is not None and etag.holds(known_tags, tag):
            return Answer(None, tag, vouched)
        body = cache.answers.get(tag)
        if body is not None:
            return Answer(body, tag, vouched)
    # The clocks of the snapshot that all the rest is read from.
    clocks = clock.read(clock_names)
    tag = vouched.tag(clocks)
    if known_tags is not None and etag.holds(known_tags, tag):
        return Answer(None, tag, vouched)
    body = build(clocks)
    if not in_write_transaction():  # its tick could come again after a rollback
        cache.answers.put(tag, body)
    _answered.put(rest, True)
    return Answer(body, tag, vouched, is_kept=False)


@cache_function
def _shown_by(settings: Settings) -> tuple[str, ...]:
    """What makes the same rows look different; the database, since tests have several in one process."""
    database = sa.make_url(settings.database_url).render_as_string()
    return __version__, settings.media_url, str(settings.timezone), database


def _build(resource: Resource, clocks: Clocks, order: tuple[query.Order, ...], asked: ListRequest) -> bytes:
    values = dict(asked.values)
    by_relevance = not values.get("ordering")
    selected, found = selection.select(resource, values, partial(_look, clocks, by_relevance))
    page: paging.Page
    results: list[Any]
    if selected.words and by_relevance and isinstance(found, Found):
        page = relevance.page(selected, found, values)
        results = render_rows(resource, page.rows)
    else:
        page, results = _in_order(selected, found, clocks, order, asked)
    return orjson.dumps(
        {
            "count": found.count,
            **({"fuzzy": True} if selected.approximate else {}),
            "next": paging.link(asked.base_url, asked.query, page.next),
            "previous": paging.link(asked.base_url, asked.query, page.previous),
            "results": results,
        }
    )


def _in_order(
    selected: Selection,
    found: Found | Tally,
    clocks: Clocks,
    order: tuple[query.Order, ...],
    asked: ListRequest,
) -> tuple[paging.Page, list[Any]]:
    """A page in an order of columns, and its rows as they are shown."""
    resource, values = selected.resource, dict(asked.values)
    run = found.references if isinstance(found, Tally) else selected.references
    page = paging.fetch(
        resource.columns, order, values, lambda: found.count, run, max_limit=resource.max_limit
    )
    epochs = [clocks[name].epoch for name in resource.clock_names]
    shown_by = (_shown_by(current_settings()), asked.base_url, epochs)  # images name the host
    return page, ready_rows.fragments(resource, page.rows, shown_by)


def _look(clocks: Clocks, by_relevance: bool, selected: Selection) -> Found | Tally:
    """Count what is selected: a look-up without filters, else once a tick; of a search, tell the hits."""
    narrowing, live_rows = selected.narrowing(), clocks[selected.resource.name].live_rows
    if not narrowing:
        return Found(live_rows, ())
    by_relevance = by_relevance and bool(selected.words)
    moments = [(name, reading.tick, reading.epoch) for name, reading in clocks.items()]
    place = (selected.resource.name, _shown_by(current_settings()))
    key = etag.digest("count", place, moments, narrowing, selected.values.get("search"), by_relevance)
    known = tally.kept(key)
    if known is not None:
        return known
    if not selected.words:
        return Tally(selected, key)
    return tally.keep(
        key, relevance.find(selected, live_rows) if by_relevance else Found(selected.count(), ())
    )
