"""``/metrics`` in the text format of Prometheus, and the hooks that feed it.

Under gunicorn the numbers of all workers of one instance are added up (``PROMETHEUS_MULTIPROC_DIR``, which
``gunicorn.conf.py`` sets). They are for operators: only callers on this machine, and holders of
METRICS_TOKEN, get them.
"""

from __future__ import annotations

import atexit
import ipaddress
import os
import secrets
import threading
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, current_app, g, request
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

import ecatalog
from ecatalog import metrics
from ecatalog.auth.access import Access, access
from ecatalog.config import Settings, current_settings
from ecatalog.connections import Lent, lent_of
from ecatalog.errors import PermissionDenied
from ecatalog.extensions import api
from ecatalog.ops import metrics_folder
from ecatalog.ops.backup_state import read_state
from ecatalog.ops.caller import client_address
from ecatalog.ops.health import Probes
from ecatalog.ops.proxy import DOUBTFUL

UPDATE_SECONDS = 1.0
_EXTENSION = "ecatalog_metrics"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

blp = Probes("metrics", __name__, description="For operators: what the service counts about itself.")


class _Facts(Collector):
    """What is read when it is asked for: the version, and the state of the backups."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("ecatalog", "This release.", value={"version": ecatalog.__version__})
        if not self._settings.backup_repository:
            return
        state = read_state(self._settings.backup_state_file)
        for event in ("backup", "check", "verify"):
            outcome = state.get(event)
            yield GaugeMetricFamily(
                f"ecatalog_{event}_last_success_timestamp_seconds",
                f"When the last {event} succeeded, in seconds since 1970; 0 for never.",
                value=outcome.succeeded if outcome else 0,
            )
            yield GaugeMetricFamily(
                f"ecatalog_{event}_failed",
                f"1 when the latest {event} failed.",
                value=float(outcome is not None and outcome.failed > outcome.succeeded),
            )


def exposition(settings: Settings) -> bytes:
    """All metrics as text; of this process as they are now, of other workers as of a second ago."""
    _update(current_app.extensions[_EXTENSION])
    facts = CollectorRegistry()
    facts.register(_Facts(settings))
    if not os.environ.get(metrics_folder.VARIABLE):
        return generate_latest(REGISTRY) + generate_latest(facts)
    MultiProcessCollector(facts)  # type: ignore[no-untyped-call]  # registers itself
    return generate_latest(facts)


def _is_local() -> bool:
    """Whether the caller is on this machine: on a socket or the loopback address, past no doubtful proxy."""
    if request.environ.get(DOUBTFUL):
        return False
    address = client_address()
    return not address or ipaddress.ip_address(address).is_loopback


def _has_token(token: str) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(token) and secrets.compare_digest(given.encode(errors="replace"), token.encode())


@blp.route("/metrics")
@access(Access.PUBLIC)
@blp.uncounted()
@blp.errors(403)
@blp.doc(operationId="metrics")
@blp.response(
    200,
    {"type": "string"},
    content_type="text/plain",
    description="Metrics in the text format of Prometheus.",
    example='ecatalog_requests_total{route="/api/v1/project/",method="GET",status="2xx"} 42.0\n',
)
def show() -> Response:
    """Metrics

    For callers on the same machine, and for those who send METRICS_TOKEN as a bearer token.
    """
    settings = current_settings()
    if not (_is_local() or _has_token(settings.metrics_token)):
        raise PermissionDenied
    return Response(exposition(settings), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _note_request(_error: BaseException | None = None) -> None:
    """At the very end of the request, also of one that died."""
    began: float | None = g.get("log_began")
    if began is None:
        return
    rule = request.url_rule
    method = request.method if request.method in METHODS else "other"
    route = "unmatched" if rule is None else rule.rule
    metrics.requests.note((route, method, g.get("log_status", 500) // 100, time.perf_counter() - began))


def _look_at_pool(lent: Lent) -> None:
    """The pool of connections as it is now. Those that lie at hand are in nobody's use."""
    pool: Any = lent.engine.pool
    if isinstance(pool, sa.QueuePool):
        metrics.CONNECTIONS_IN_USE.set(max(pool.checkedout() - lent.idle, 0))
        metrics.CONNECTIONS_OPEN.set(pool.checkedout() + pool.checkedin())
        metrics.CONNECTIONS_MOST.set(pool.size() + pool._max_overflow)


def _update(lent: Lent) -> None:
    metrics.count_pending()
    _look_at_pool(lent)


def _keep_updating(lent: Lent) -> None:
    while True:
        time.sleep(UPDATE_SECONDS)
        _update(lent)


def init_metrics(app: Flask) -> None:
    """Count requests, and show ``/metrics``. Comes after the logs and the database.

    Where workers share their numbers, each brings its own up to date every second.
    """
    app.teardown_request(_note_request)
    lent = app.extensions[_EXTENSION] = lent_of(app)
    if os.environ.get(metrics_folder.VARIABLE):
        threading.Thread(target=_keep_updating, args=(lent,), name="metrics", daemon=True).start()
        atexit.register(metrics.count_pending)
    api.register_blueprint(blp)
