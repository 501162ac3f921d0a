"""Errors to Sentry and traces to a collector: sent only where asked for, and without anybody's secrets."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sentry_sdk
import sqlalchemy as sa
from flask import Flask
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ecatalog.extensions import db

pytestmark = pytest.mark.any_database

SECRET = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"  # pragma: allowlist secret


@dataclass
class Receiver:
    """A server that takes every POST: (path, body, decompressed)."""

    url: str
    taken: list[tuple[str, bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            made.taken.append((self.path, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def reported(make_app: Callable[..., Flask], receiver: Receiver) -> Iterator[Flask]:
    """An application that reports to the receiver, with a route that breaks."""
    app = make_app(sentry_dsn=receiver.url.replace("http://", "http://key@") + "/1")

    def breaks() -> str:
        local_variable = "a local secret"[::-1]  # the source line itself is sent
        searched = "aet neerg"[::-1]
        db.session.execute(sa.text(f"SELECT 1 WHERE '{searched}' LIKE '{searched}'"))
        try:
            db.session.execute(sa.text(f"SELECT '{searched}' FROM nowhere"))
        except sa.exc.DBAPIError as error:
            raise RuntimeError(f"password=hunter2-and-more {SECRET} {len(local_variable)}") from error
        return ""

    app.add_url_rule("/breaks/", view_func=breaks)
    yield app
    sentry_sdk.get_client().close(timeout=5)
    sentry_sdk.init()


def test_an_unforeseen_error_is_reported_without_secrets(reported: Flask, receiver: Receiver) -> None:
    answer = reported.test_client().get(
        "/breaks/?search=private",
        headers={"Authorization": f"Bearer {SECRET}", "Cookie": "session=abc", "X-Request-ID": "r-1"},
    )
    assert answer.status_code == 500
    sentry_sdk.flush(timeout=5)
    assert [path for path, _ in receiver.taken] == ["/api/1/envelope/"]
    body = receiver.taken[0][1].decode()
    assert "RuntimeError" in body
    assert "/breaks/" in body
    assert "ecatalog@" in body
    for secret in ("hunter2", SECRET, "private", "session=abc", "terces lacol a", "green tea"):
        assert secret not in body


def test_what_is_answered_in_order_is_not_reported(reported: Flask, receiver: Receiver) -> None:
    client = reported.test_client()
    assert client.get("/api/v1/project/none/").status_code == 404
    assert client.post("/api/token/", json={}).status_code == 400
    sentry_sdk.flush(timeout=5)
    assert receiver.taken == []


def test_requests_and_statements_become_spans(make_app: Callable[..., Flask], receiver: Receiver) -> None:
    app = make_app(otel_endpoint=receiver.url)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"traceparent": parent, "X-Request-ID": "r-1"}
    assert app.test_client().get("/api/v1/project/?search=private", headers=headers).status_code == 200
    app.extensions["ecatalog_tracing"].shutdown()

    [(path, body)] = receiver.taken
    assert path == "/v1/traces"
    spans = [
        span
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    [root] = [span for span in spans if span.name == "GET /api/v1/project/"]
    statements = [span for span in spans if span is not root]
    assert root.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert root.parent_span_id.hex() == "b7ad6b7169203331"
    told = {item.key: item.value for item in root.attributes}
    assert told["http.response.status_code"].int_value == 200
    assert told["ecatalog.request_id"].string_value == "r-1"
    assert "SELECT" in {span.name for span in statements}
    assert {span.parent_span_id for span in statements} == {root.span_id}
    assert b"private" not in body


def test_nothing_is_sent_unless_asked_for(app: Flask) -> None:
    assert getattr(sentry_sdk.get_client(), "transport", None) is None
    assert "ecatalog_tracing" not in app.extensions
