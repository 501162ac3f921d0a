"""The limits over several processes and a real Redis, and what happens when Redis goes away."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import redis
from flask import Flask

from tests.servers import RedisServer

pytestmark = pytest.mark.any_database

PATH = "/api/v1/project/"
Serve = Callable[..., str]


def fetch(base_url: str, path: str = PATH, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One request on a connection of its own, so that any worker may get it."""
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def test_exactly_one_hundred_over_four_workers(serve: Serve, redis_url: str) -> None:
    base_url = serve({"REDIS_URL": redis_url, "RATELIMIT_ANON": "100/hour"}, workers=4)
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda n: fetch(base_url, **{"X-Forwarded-For": f"198.51.100.{n}"}), range(160))
        )
    assert Counter(status for status, _, _ in answers) == {200: 100, 429: 60}
    remaining = sorted(
        int(headers["X-RateLimit-Remaining"]) for status, headers, _ in answers if status == 200
    )
    assert remaining == list(range(100))  # each number told once


def test_one_limit_for_two_servers(serve: Serve, redis_url: str) -> None:
    environment = {"REDIS_URL": redis_url, "RATELIMIT_ANON": "3/hour"}
    servers = [serve(environment), serve(environment)]
    statuses = [fetch(servers[n % 2])[0] for n in range(4)]
    assert statuses == [200, 200, 200, 429]


def test_redis_dies_and_comes_back(serve: Serve, own_redis: RedisServer) -> None:
    base_url = serve({"REDIS_URL": own_redis.url, "RATELIMIT_ANON": "5/hour"})
    assert [fetch(base_url)[0] for _ in range(6)] == [200] * 5 + [429]
    assert json.loads(fetch(base_url, "/readyz")[2]) == {
        "status": "ok",
        "checks": {"database": "ok", "redis": "ok"},
    }

    own_redis.stop()
    began = time.monotonic()
    answers = [fetch(base_url) for _ in range(6)]
    assert time.monotonic() - began < 3
    assert [status for status, _, _ in answers] == [200] * 5 + [429]  # the same limit, counted anew
    assert answers[0][1]["X-RateLimit-Remaining"] == "4"
    status, _, body = fetch(base_url, "/readyz")
    assert (status, json.loads(body)) == (
        200,
        {"status": "degraded", "degraded": ["redis"], "checks": {"database": "ok", "redis": "unavailable"}},
    )

    own_redis.start()  # empty, so the first count shows that it is asked again
    deadline = time.monotonic() + 30
    while fetch(base_url)[0] == 429:
        assert time.monotonic() < deadline, "the limiter did not return to Redis"
        time.sleep(0.2)
    assert json.loads(fetch(base_url, "/readyz")[2])["status"] == "ok"


def test_redis_that_hangs_costs_its_timeout_once(make_app: Callable[..., Flask], silent_server: str) -> None:
    client = make_app(redis_url=f"redis://{silent_server}/0", ratelimit_anon="100/hour").test_client()
    began = time.monotonic()
    assert client.get(PATH).status_code == 200
    assert time.monotonic() - began < 2
    began = time.monotonic()
    assert {client.get(PATH).status_code for _ in range(20)} == {200}
    assert time.monotonic() - began < 1


def test_outage_and_return_are_logged_once(
    make_app: Callable[..., Flask], own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_app(redis_url=own_redis.url).test_client()
    own_redis.stop()
    for _ in range(5):
        assert client.get(PATH).status_code == 200
    own_redis.start()
    for _ in range(3):
        client.get("/readyz")
    messages = [record.getMessage() for record in caplog.records if record.name == "ecatalog.ops.counting"]
    assert messages == [
        "Redis is away (ConnectionError): each process counts limits for itself",
        "Redis is back: limits are shared again",
    ]


def test_redis_that_refuses_to_write_is_away(make_app: Callable[..., Flask], own_redis: RedisServer) -> None:
    """As a replica, or one that is full: it answers PING, and counts nothing."""
    with redis.Redis.from_url(own_redis.url) as connection:
        connection.replicaof("127.0.0.1", "1")
    client = make_app(redis_url=own_redis.url, ratelimit_anon="2/hour").test_client()
    assert [client.get(PATH).status_code for _ in range(3)] == [200, 200, 429]
    answer = client.get("/readyz")
    assert answer.json is not None
    assert (answer.status_code, answer.json["degraded"]) == (200, ["redis"])


@pytest.mark.parametrize("what", ["SCRIPT FLUSH", "CLIENT KILL TYPE normal"])
def test_what_redis_forgets_costs_no_count(
    make_app: Callable[..., Flask], own_redis: RedisServer, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Scripts are gone after a failover, and connections whenever a server or a firewall likes."""
    client = make_app(redis_url=own_redis.url, ratelimit_anon="9/hour").test_client()
    told = []
    for _ in range(2):
        told.append(client.get(PATH).headers["X-RateLimit-Remaining"])
        with redis.Redis.from_url(own_redis.url) as connection:
            connection.execute_command(*what.split())
        told.append(client.get(PATH).headers["X-RateLimit-Remaining"])
    assert told == ["8", "7", "6", "5"]
    assert "Redis is away" not in caplog.text
