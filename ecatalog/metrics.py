"""What the service counts about itself; :mod:`ecatalog.ops.metrics` shows it at ``/metrics``.

Label values come from our own declarations, never from what a client sends: their number is bounded. An
update writes a few bytes of memory that the worker processes share, and costs about a microsecond.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

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
CACHE_HITS, CACHE_MISSES = CACHE.labels("hit"), CACHE.labels("miss")
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
