"""``/metrics``: who may read it, and that it counts what happens, over all workers."""

from __future__ import annotations

import re
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ecatalog import metrics
from ecatalog.extensions import db
from ecatalog.ops import backup_state
from tests.conftest import Serve

TOKEN = "a-token-for-the-collector"
PROJECTS = "/api/v1/project/"


def value(text: str, name: str, **labels: str) -> float:
    """The value of a sample; 0 where it is not there yet."""
    for line in text.splitlines():
        match = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
        if match and dict(re.findall(r'(\w+)="([^"]*)"', match[1] or "")) == labels:
            return float(match[2])
    return 0


@pytest.fixture
def read(client: FlaskClient) -> Callable[..., float]:
    """The value of a sample now."""
    return lambda name, **labels: value(client.get("/metrics").text, name, **labels)


Read = Callable[..., float]


def test_a_caller_on_this_machine_reads_text(client: FlaskClient) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    assert "# TYPE ecatalog_requests_total counter" in answer.text
    assert "X-RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize(
    "environ",
    [
        {"REMOTE_ADDR": "10.1.2.3"},
        {"REMOTE_ADDR": "2001:db8::1"},
        # a proxy on this machine that the application was not told about
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=127.0.0.1"},
        # the web server's socket, on behalf of a stranger
        {"REMOTE_ADDR": "", "HTTP_X_FORWARDED_FOR": "10.1.2.3"},
        # the same, who hides
        {"REMOTE_ADDR": "", "HTTP_X_FORWARDED_FOR": "unknown"},
        {"REMOTE_ADDR": "", "HTTP_X_FORWARDED_FOR": "10.1.2.3, unknown"},
    ],
)
def test_others_are_refused(client: FlaskClient, environ: dict[str, str]) -> None:
    answer = client.get("/metrics", environ_overrides=environ)
    assert answer.status_code == 403
    assert answer.get_json() == {"detail": "You do not have permission to perform this action."}


@pytest.mark.parametrize("environ", [{"REMOTE_ADDR": "::1"}, {"REMOTE_ADDR": ""}])
def test_the_loopback_and_the_socket_are_this_machine(client: FlaskClient, environ: dict[str, str]) -> None:
    assert client.get("/metrics", environ_overrides=environ).status_code == 200


def test_a_token_opens_it_from_elsewhere(make_app: Callable[..., Flask]) -> None:
    client = make_app(metrics_token=TOKEN).test_client()
    far: dict[str, Any] = {"environ_overrides": {"REMOTE_ADDR": "10.1.2.3"}}
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, **far).status_code == 200
    for wrong in (f"Bearer {TOKEN}x", "Bearer ", "", "Bearer шифр"):
        assert client.get("/metrics", headers={"Authorization": wrong}, **far).status_code == 403


def test_without_a_token_an_empty_one_opens_nothing(client: FlaskClient) -> None:
    far = {"REMOTE_ADDR": "10.1.2.3"}
    answer = client.get("/metrics", headers={"Authorization": "Bearer "}, environ_overrides=far)
    assert answer.status_code == 403


def test_requests_are_counted_by_route_method_and_class(client: FlaskClient, read: Read) -> None:
    def counts() -> list[float]:
        name = "ecatalog_requests_total"
        return [
            read(name, route=PROJECTS, method="GET", status="2xx"),
            read(name, route="/api/v1/project/<code:code_1c>/", method="GET", status="4xx"),
            read(name, route="unmatched", method="GET", status="4xx"),
            read(name, route="unmatched", method="other", status="4xx"),
            read("ecatalog_request_seconds_count", route=PROJECTS, method="GET"),
        ]

    before = counts()
    client.get(PROJECTS)
    client.get(PROJECTS)
    client.get(f"{PROJECTS}none/")
    client.get("/nowhere/<script>")
    client.open("/nowhere", method="BREW")
    assert [after - earlier for after, earlier in zip(counts(), before, strict=True)] == [2, 1, 1, 1, 2]


def test_what_clients_send_is_no_label(client: FlaskClient) -> None:
    client.get("/nowhere/poison-value", headers={"Host": "localhost"})
    client.get(f"{PROJECTS}poison-value/?search=poison-value")
    assert "poison" not in client.get("/metrics").text


def test_cache_limits_and_imports_are_counted(
    make_app: Callable[..., Flask], auth: Callable[..., dict[str, str]]
) -> None:
    headers = auth()
    client = make_app(ratelimit_anon="2/minute").test_client()

    def counts() -> list[float]:
        text = client.get("/metrics").text
        imported = {"resource": "project", "outcome": "created"}
        return [
            value(text, "ecatalog_cache_total", result="hit"),
            value(text, "ecatalog_cache_total", result="miss"),
            value(text, "ecatalog_limited_requests_total", policy="anon"),
            value(text, "ecatalog_import_rows_total", **imported),
            value(text, "ecatalog_import_rows_total", **(imported | {"outcome": "failed"})),
        ]

    before = counts()
    rows = [{"code_1c": "P1", "name": "One"}, {"code_1c": "P2"}]
    bulk = f"{PROJECTS}bulk/"
    assert client.post(bulk, json=rows, headers=headers, query_string={"dry_run": "true"}).status_code == 200
    assert client.post(bulk, json=rows, headers=headers).status_code == 200
    statuses = [client.get(PROJECTS).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    changes = [after - earlier for after, earlier in zip(counts(), before, strict=True)]
    assert changes == [1, 1, 1, 1, 1]


def test_what_is_noted_by_many_threads_is_counted_once() -> None:
    counted: list[int] = []
    pending: metrics.Pending[int] = metrics.Pending(counted.extend)

    def note(first: int) -> None:
        for event in range(first, first + 20_000):
            pending.note(event)
            if event % 500 == 0:
                pending.count()

    threads = [threading.Thread(target=note, args=(number * 20_000,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pending.count()
    assert sorted(counted) == list(range(80_000))


def test_durations_fall_into_their_buckets(client: FlaskClient, read: Read) -> None:
    labels = {"route": "/test/buckets/", "method": "GET"}
    for seconds in (0.001, 0.0011, 0.3, 100):
        metrics.requests.note((labels["route"], labels["method"], 2, seconds))
    buckets = {
        bound: read("ecatalog_request_seconds_bucket", **labels, le=bound)
        for bound in ("0.001", "0.0025", "0.25", "0.5", "60.0", "+Inf")
    }
    assert buckets == {"0.001": 1, "0.0025": 2, "0.25": 2, "0.5": 3, "60.0": 3, "+Inf": 4}
    assert read("ecatalog_request_seconds_count", **labels) == 4
    assert read("ecatalog_request_seconds_sum", **labels) == pytest.approx(100.3021)


def test_the_pool_of_connections_is_seen(client: FlaskClient, read: Read) -> None:
    client.get(PROJECTS)
    assert read("ecatalog_database_connections_in_use") == 0
    assert read("ecatalog_database_connections_open") >= 1
    with client.application.app_context(), db.engine.connect(), db.engine.connect():
        assert read("ecatalog_database_connections_in_use") == 2
    assert read("ecatalog_database_connections_most") >= 5


def test_backups_show_their_age(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    state = tmp_path / "new folder" / "backup.json"
    client = make_app(backup_repository=str(tmp_path), backup_state_file=str(state)).test_client()

    def shown() -> tuple[float, float]:
        text = client.get("/metrics").text
        name = "ecatalog_backup_last_success_timestamp_seconds"
        return value(text, name), value(text, "ecatalog_backup_failed")

    assert shown() == (0, 0)
    backup_state.note(str(state), "backup")
    succeeded, failed = shown()
    assert succeeded > 1_700_000_000
    assert failed == 0
    backup_state.note(str(state), "backup", error="the disk is full")
    assert shown() == (succeeded, 1)
    state.write_text("{ garbled")
    assert shown() == (0, 0)


def test_without_backups_nothing_is_said_of_them(client: FlaskClient) -> None:
    assert "ecatalog_backup" not in client.get("/metrics").text


@pytest.mark.any_database
def test_the_workers_of_gunicorn_are_added_up(serve: Serve) -> None:
    base_url = serve({}, workers=3)

    def get(path: str) -> str:
        with urllib.request.urlopen(base_url + path, timeout=10) as answer:
            return str(answer.read().decode())

    with ThreadPoolExecutor(6) as threads:  # as many as three workers take at once, however slow the machine
        list(threads.map(get, [PROJECTS] * 30))
    name = "ecatalog_requests_total"

    def shown() -> set[float]:
        texts = [get("/metrics") for _ in range(6)]
        return {value(text, name, route=PROJECTS, method="GET", status="2xx") for text in texts}

    deadline = time.monotonic() + 60  # other workers than the one that answers are a second behind
    while shown() != {30} and time.monotonic() < deadline:
        time.sleep(0.2)
    assert shown() == {30}
