"""More than can be answered: a few wait their turn, the rest is told at once to come back later."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.exceptions import RequestTimeout

import ecatalog.request
from ecatalog.extensions import db
from ecatalog.ops import gate
from ecatalog.ops.gate import Gate

SECONDS = 20
BUSY = {"detail": "The service is busy, try again later."}


def in_thread(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    return thread, results


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class TestGate:
    def test_who_waits_goes_in_by_order_of_arrival(self) -> None:
        guarded = Gate(slots=1, most_inside=10, seconds=SECONDS)
        assert guarded.enter()
        order: list[int] = []

        def work(number: int) -> None:
            assert guarded.enter()
            order.append(number)
            guarded.leave()

        threads = []
        for number in range(5):
            threads.append(in_thread(lambda number=number: work(number))[0])  # type: ignore[misc]
            wait_for(lambda number=number: len(guarded._waiting) == number + 1)  # type: ignore[misc]
        guarded.leave()
        for thread in threads:
            thread.join(SECONDS)
        assert order == [0, 1, 2, 3, 4]

    def test_no_more_are_let_in_than_it_holds(self) -> None:
        guarded = Gate(slots=2, most_inside=3, seconds=SECONDS)
        assert guarded.enter()
        assert guarded.enter()
        waiter, entered = in_thread(guarded.enter)
        wait_for(lambda: len(guarded._waiting) == 1)
        assert not guarded.enter()
        guarded.leave()
        waiter.join(SECONDS)
        assert entered == [True]

    def test_nobody_waits_for_ever(self) -> None:
        guarded = Gate(slots=1, most_inside=10, seconds=0.05)
        assert guarded.enter()
        assert not guarded.enter()
        guarded.leave()
        assert guarded.enter()  # who gave up took no slot along

    def test_who_would_wait_for_too_long_is_refused_at_once(self) -> None:
        guarded = Gate(slots=1, most_inside=100, seconds=1)
        guarded._between = 0.6  # that much went by between two departures
        assert guarded.enter()
        waiter, entered = in_thread(guarded.enter)
        wait_for(lambda: len(guarded._waiting) == 1)
        began = time.monotonic()
        assert not guarded.enter()
        assert time.monotonic() - began < 0.5
        guarded.leave()
        waiter.join(SECONDS)
        assert entered == [True]

    def test_it_learns_how_fast_things_go(self) -> None:
        guarded = Gate(slots=1, most_inside=100, seconds=1)
        for _ in range(40):
            assert guarded.enter()
            time.sleep(0.002)
            guarded.leave()
        assert 0.001 < guarded._between < 0.2

    def test_a_slot_serves_others_while_a_client_is_waited_for(self) -> None:
        guarded = Gate(slots=1, most_inside=10, seconds=SECONDS)
        assert guarded.enter()
        with guarded.stepping_aside():
            assert guarded.enter()  # would wait in vain otherwise
            guarded.leave()
        assert guarded._free == 0
        guarded.leave()
        assert guarded._free == 1

    def test_many_threads_never_work_together(self) -> None:
        guarded = Gate(slots=3, most_inside=100, seconds=SECONDS)
        lock, at_work, most = threading.Lock(), 0, 0

        def work() -> None:
            nonlocal at_work, most
            for _ in range(100):
                assert guarded.enter()
                with lock:
                    at_work += 1
                    most = max(most, at_work)
                with lock:
                    at_work -= 1
                with guarded.stepping_aside():
                    pass
                guarded.leave()

        threads = [in_thread(work)[0] for _ in range(12)]
        for thread in threads:
            thread.join(SECONDS)
            assert not thread.is_alive()
        assert 1 <= most <= 3
        assert (guarded._free, guarded._inside, len(guarded._waiting)) == (3, 0, 0)


@contextmanager
def stuck(app: Flask) -> Iterator[threading.Event]:
    """Whoever takes a connection waits until the block ends; the event tells that somebody does."""
    with app.app_context():
        engine = db.engine
    reached, go_on = threading.Event(), threading.Event()

    def check_out(*_: object) -> None:
        reached.set()
        go_on.wait(SECONDS)

    sa.event.listen(engine, "checkout", check_out)
    try:
        yield reached
    finally:
        go_on.set()  # the listener goes with the application


@pytest.fixture
def small(app: Flask, make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> Flask:
    """An application that works on one request at a time, and lets nobody wait for long."""
    monkeypatch.setattr(gate, "QUICK_SECONDS", 0.05)
    monkeypatch.setattr(gate, "LONG_SECONDS", 0.05)
    return make_app(web_threads=1)


def test_a_busy_service_says_so(small: Flask) -> None:
    with stuck(small) as reached:
        thread, first = in_thread(lambda: small.test_client().get("/api/v1/project/").status_code)
        assert reached.wait(SECONDS)
        client = small.test_client()
        refused = client.get("/api/v1/project/", headers={"X-Request-ID": "busy-1"})
        probes = [client.get(path).status_code for path in ("/livez", "/readyz", "/api/v1/")]
        preflight = client.options("/api/v1/project/").status_code
    thread.join(SECONDS)
    assert first == [200]
    assert (refused.status_code, refused.get_json()) == (503, BUSY)
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.headers["X-Request-ID"] == "busy-1"
    assert probes == [200, 200, 200]
    assert preflight < 400
    assert small.test_client().get("/api/v1/project/").status_code == 200


def test_a_refused_request_is_neither_counted_nor_looked_up(small: Flask) -> None:
    with stuck(small) as reached:
        thread, _ = in_thread(lambda: small.test_client().get("/api/v1/project/").status_code)
        assert reached.wait(SECONDS)
        refused = small.test_client().get("/api/v1/project/", headers={"Authorization": "Bearer nonsense"})
    thread.join(SECONDS)
    assert refused.status_code == 503
    assert "X-RateLimit-Limit" not in refused.headers


def test_long_requests_leave_room_for_quick_ones(small: Flask, auth: Callable[..., dict[str, str]]) -> None:
    headers = auth()

    def send() -> int:
        rows = [{"code_1c": "A", "name": "A"}]
        return small.test_client().post("/api/v1/project/bulk/", json=rows, headers=headers).status_code

    with stuck(small) as reached:
        thread, first = in_thread(send)
        assert reached.wait(SECONDS)
        second = send()
        quick = small.test_client().post("/api/token/verify/", json={"token": "x"}).status_code
    thread.join(SECONDS)
    assert first == [200]
    assert second == 503
    assert quick == 401


def test_errors_and_exports_free_their_places(small: Flask, auth: Callable[..., dict[str, str]]) -> None:
    headers, client = auth(), small.test_client()
    for _ in range(5):
        assert client.get("/api/v1/project/none/").status_code == 404
        with client.get("/api/v1/project/export-csv/", headers=headers) as export:
            assert export.status_code == 200
    with client.get("/api/v1/project/export-csv/", headers=headers):  # neither read nor closed before …
        assert client.get("/api/v1/project/").status_code == 200


def test_every_route_of_many_rows_or_large_bodies_is_long(app: Flask) -> None:
    """By the words in their paths: who adds such a route is reminded here."""
    for rule in app.url_map.iter_rules():
        path = re.sub("<[^>]*>", "x", rule.rule)
        word = rule.rule.rstrip("/").rpartition("/")[2]
        large = word.startswith(("bulk", "import-", "export-"))
        if rule.rule.startswith("/api/v1/") and large:
            assert gate.LONG.fullmatch(path), rule.rule


def test_a_body_that_comes_too_slowly_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then would hold a place for ever."""

    class Slow(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            time.sleep(0.02)
            buffer[:1] = b"x"
            return 1

    monkeypatch.setattr(ecatalog.request, "PATIENCE_SECONDS", 0.1)
    body = io.BufferedReader(ecatalog.request.BodyStream(cast(IO[bytes], Slow()), 1000, None), 1)
    with pytest.raises(RequestTimeout):
        body.read()
