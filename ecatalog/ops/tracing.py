"""Traces by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT names a collector; nothing is done without it.

A span for each request and one for each statement of the database in it. Values of statements and query
strings are left out. The library's own variables (``OTEL_TRACES_SAMPLER``, ``OTEL_EXPORTER_OTLP_HEADERS`` …)
are heeded.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import Any

import sqlalchemy as sa
from flask import Flask, g, has_request_context, request, request_finished, request_started

import ecatalog
from ecatalog.config import Settings, SettingsError
from ecatalog.extensions import db
from ecatalog.ops.statements import without_values

_EXTENSION = "ecatalog_tracing"


def init_tracing(app: Flask, settings: Settings) -> None:
    """Send traces. Comes after the request id and the database. Raises SettingsError without the library."""
    if not settings.otel_endpoint:
        return
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None:
        raise SettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT needs the OpenTelemetry packages: pip install 'ecatalog[otel]'."
        )
    tracer = _tracer(app, settings.otel_endpoint)
    _trace_requests(app, tracer)
    with app.app_context():
        _trace_statements(db.engine, tracer)


def _tracer(app: Flask, endpoint: str) -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    about = {"service.name": "ecatalog", "service.version": ecatalog.__version__}
    provider = TracerProvider(resource=Resource.create(about))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    app.extensions[_EXTENSION] = provider
    return provider.get_tracer("ecatalog", ecatalog.__version__)


def _trace_requests(app: Flask, tracer: Any) -> None:
    from opentelemetry.propagate import extract
    from opentelemetry.trace import SpanKind, set_span_in_context
    from opentelemetry.trace.status import StatusCode

    def begin(_sender: Flask, **_: Any) -> None:
        span = tracer.start_span(request.method, extract(request.headers), kind=SpanKind.SERVER)
        g.trace_span, g.trace_context = span, set_span_in_context(span)

    def remember(_sender: Flask, response: Any, **_: Any) -> None:
        g.trace_status = response.status_code

    def end(_error: BaseException | None) -> None:
        span = g.pop("trace_span", None)
        if span is None:
            return
        route, status = (request.url_rule.rule if request.url_rule else None), g.get("trace_status", 500)
        span.update_name(f"{request.method} {route or 'unmatched'}")
        span.set_attributes(
            {
                "http.request.method": request.method,
                "http.route": route or "",
                "http.response.status_code": status,
                "ecatalog.request_id": g.get("request_id", ""),
            }
        )
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end()

    request_started.connect(begin, app, weak=False)
    request_finished.connect(remember, app, weak=False)
    app.teardown_request(end)


def _trace_statements(engine: sa.Engine, tracer: Any) -> None:
    def before(
        _connection: Any, _cursor: Any, _statement: str, _values: Any, context: Any, _many: bool
    ) -> None:
        if context is not None:
            context.ecatalog_began = time.time_ns()

    def after(
        _connection: Any, _cursor: Any, statement: str, _values: Any, context: Any, _many: bool
    ) -> None:
        began = getattr(context, "ecatalog_began", None)
        if began is None or not has_request_context() or "trace_span" not in g:
            return
        span = tracer.start_span(statement.split(None, 1)[0].upper(), g.trace_context, start_time=began)
        span.set_attributes(
            {"db.system.name": engine.dialect.name, "db.query.text": without_values(statement)}
        )
        span.end()

    sa.event.listen(engine, "before_cursor_execute", before)
    sa.event.listen(engine, "after_cursor_execute", after)
