"""What the service counts about itself; :mod:`ecatalog.ops.metrics` shows it at ``/metrics``.

Label values come from our own declarations, never from what a client sends: their number is bounded.

An update of a metric that worker processes share takes some ten microseconds. So what happens at every
request is only noted, which takes a tenth of one, and counted by the batch: see :class:`Pending`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

Event = TypeVar("Event")

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)

REQUESTS = Counter(
    "ecatalog_requests", "Requests by route, method and class of the answer.", ("route", "method", "status")
)
REQUEST_SECONDS = Histogram(
    "ecatalog_request_seconds",
    "Seconds from the arrival of a request to the end of its answer.",
    ("route", "method"),
    buckets=SECONDS,
)
CONNECTIONS_IN_USE = Gauge(
    "ecatalog_database_connections_in_use",
    "Connections of the pools that requests hold now.",
    multiprocess_mode="livesum",
)
CONNECTIONS_OPEN = Gauge(
    "ecatalog_database_connections_open",
    "Connections of the pools to the database, in use or not.",
    multiprocess_mode="livesum",
)
CONNECTIONS_MOST = Gauge(
    "ecatalog_database_connections_most",
    "How many connections the pools may open.",
    multiprocess_mode="livesum",
)
CACHE = Counter("ecatalog_cache", "Look-ups in the cache of answers and counts.", ("result",))
LIMITED = Counter("ecatalog_limited_requests", "Requests refused by a limit.", ("policy",))
LIMITS_LOCAL = Gauge(
    "ecatalog_limits_local",
    "1 while Redis is set but away, and each process counts limits for itself.",
    multiprocess_mode="livemax",
)
IMPORT_ROWS = Counter(
    "ecatalog_import_rows", "Rows of imports by what became of them.", ("resource", "outcome")
)


def count_import(resource: str, outcomes: Mapping[Any, int]) -> None:
    """Count the rows of one import that was not a dry run, by what became of them (words of an enum)."""
    for outcome, rows in outcomes.items():
        IMPORT_ROWS.labels(resource, str(outcome)).inc(rows)


class Pending(Generic[Event]):
    """Events that wait to be counted: noting one from any thread is a single append.

    ``count`` gets them by the batch, from :func:`count_pending`, or from :meth:`note` when they are many.
    """

    MOST = 10_000

    def __init__(self, count: Callable[[Iterable[Event]], None]) -> None:
        self._count = count
        self._events: deque[Event] = deque()

    def note(self, event: Event) -> None:
        self._events.append(event)
        if len(self._events) > self.MOST:
            self.count()

    def count(self) -> None:
        """Count what has been noted; safe in several threads at once, none counts twice."""
        taken = []
        try:
            for _ in range(len(self._events)):
                taken.append(self._events.popleft())  # noqa: PERF401  # what was taken must not be lost
        except IndexError:  # another thread was quicker
            pass
        if taken:
            self._count(taken)


def _count_requests(events: Iterable[tuple[str, str, int, float]]) -> None:
    durations: dict[tuple[str, str], list[float]] = {}
    answers: Tally[tuple[str, str, int]] = Tally()
    for route, method, status_class, seconds in events:
        answers[route, method, status_class] += 1
        durations.setdefault((route, method), []).append(seconds)
    for (route, method, status_class), number in answers.items():
        REQUESTS.labels(route, method, f"{status_class}xx").inc(number)
    for labels, seconds_list in durations.items():
        _observe(REQUEST_SECONDS.labels(*labels), seconds_list)


def _observe(histogram: Histogram, values: Iterable[float]) -> None:
    """All values at once. The library observes them one by one, at the price of two updates each."""
    values = list(values)
    histogram._sum.inc(sum(values))
    for bucket, number in Tally(bisect_left(SECONDS, value) for value in values).items():
        histogram._buckets[bucket].inc(number)


def _count_cache(events: Iterable[str]) -> None:
    for result, number in Tally(events).items():
        CACHE.labels(result).inc(number)


#: (route, method, class of the status: 2 for 2xx, seconds)
requests: Pending[tuple[str, str, int, float]] = Pending(_count_requests)
#: "hit" or "miss"
cache: Pending[str] = Pending(_count_cache)


def count_pending() -> None:
    """Count what has been noted in this process."""
    requests.count()
    cache.count()
