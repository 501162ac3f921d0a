"""Lists: the clocks are read first, and what they vouch for is answered from the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ecatalog import metrics
from ecatalog.catalog import building, cache, clock, etag, query
from ecatalog.catalog.building import Clocks, ListRequest
from ecatalog.catalog.resource import Resource
from ecatalog.config import current_settings
from ecatalog.database import in_write_transaction
from ecatalog.memory import Memory

#: What has been answered in this process, by ``Vouched.rest``: of all else there is nothing to look for.
_answered = Memory[bool](10_000)


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

    is_kept      it was not built now, but lay ready, or the client has it
    is_at_once   it was built now, outside any transaction
    """

    body: bytes | None
    etag: str
    vouched: Vouched
    is_kept: bool = True
    is_at_once: bool = False


#: In a request's environment: the present answer may be given again, or another row or page by the same way.
KEPT = "ecatalog.kept"
#: There, too: whether a page of a list was looked for outside the application, in vain.
TRIED_AT_ONCE = "ecatalog.tried_at_once"


@dataclass(frozen=True)
class Kept:
    """What vouches for an answer, the route that gave it, and whether anybody may have it."""

    vouched: Vouched
    route: str
    for_anyone: bool


def list_rows(
    resource: Resource,
    asked: ListRequest,
    known_tags: frozenset[str] | None = None,
    *,
    at_once: bool = True,
) -> Answer:
    """One page of a resource. Raises InvalidInput or RowNotFound for parameters that ask for no page.

    ``at_once`` is off where :func:`page_at_once` has been tried in vain.
    """
    order = query.parse_ordering(resource, asked.values.get("ordering"))
    return by_clock(
        _kind(resource),
        resource.clock_names,
        asked,
        known_tags,
        lambda clocks: building.body(resource, clocks, order, asked),
        (lambda: building.body_at_once(resource, order, asked)) if at_once else None,
    )


def page_at_once(resource: Resource, asked: ListRequest) -> Answer | None:
    """As :func:`list_rows`, but outside any transaction, and without a look for what is kept.

    None where that is not to be had.
    """
    order = query.parse_ordering(resource, asked.values.get("ordering"))
    built = building.body_at_once(resource, order, asked)
    if built is None:
        return None
    metrics.cache.note("miss")
    clocks, body = built
    vouched = _vouched(_kind(resource), resource.clock_names, asked)
    return _kept(vouched, vouched.tag(clocks), body)


def was_shown(resource: Resource, asked: ListRequest) -> bool:
    """Whether this process has shown the page before, so that it may lie ready."""
    return bool(_answered.get(_vouched(_kind(resource), resource.clock_names, asked).rest))


def _kind(resource: Resource) -> tuple[str, ...]:
    return "list", resource.name


def by_clock(
    kind: tuple[str, ...],
    clock_names: Sequence[str],
    asked: ListRequest,
    known_tags: frozenset[str] | None,
    build: Callable[[Clocks], bytes],
    build_at_once: Callable[[], tuple[Clocks, bytes] | None] | None = None,
) -> Answer:
    """Nothing where the client's copy is still true, what is kept of the answer, or else it is built.

    ``kind`` tells answers to the same query apart, ``clock_names`` are the clocks of all that is shown.
    ``build_at_once`` may do without the clocks of a transaction's snapshot, and without a transaction.
    """
    vouched = _vouched(kind, clock_names, asked)
    is_written = in_write_transaction()  # nothing is kept of what may be rolled back
    if is_written:
        pass
    elif known_tags is None and not _answered.get(vouched.rest):
        metrics.cache.note("miss")
    else:
        tag = vouched.tag(clock.glance(clock_names))
        if known_tags is not None and etag.holds(known_tags, tag):
            return Answer(None, tag, vouched)
        kept = cache.answers.get(tag)
        if kept is not None:
            return Answer(kept, tag, vouched)
    built = None if build_at_once is None or is_written else build_at_once()
    if built is not None:
        clocks, body = built
        answer = replace(_kept(vouched, vouched.tag(clocks), body), is_at_once=True)
        is_known = known_tags is not None and etag.holds(known_tags, answer.etag)
        return replace(answer, body=None) if is_known else answer
    # The clocks of the snapshot that all the rest is read from.
    clocks = clock.read(clock_names)
    tag = vouched.tag(clocks)
    if known_tags is not None and etag.holds(known_tags, tag):
        return Answer(None, tag, vouched)
    body = build(clocks)
    if is_written:  # its tick could come again after a rollback
        return Answer(body, tag, vouched, is_kept=False)
    return _kept(vouched, tag, body)


def _vouched(kind: tuple[str, ...], clock_names: Sequence[str], asked: ListRequest) -> Vouched:
    rest = etag.digest(kind, asked.base_url, asked.query, building.shown_by(current_settings()))
    return Vouched(tuple(clock_names), rest)


def _kept(vouched: Vouched, tag: str, body: bytes) -> Answer:
    """The answer that was just built, to be found again for as long as the clocks stand."""
    cache.answers.put(tag, body)
    _answered.put(vouched.rest, True)
    return Answer(body, tag, vouched, is_kept=False)
