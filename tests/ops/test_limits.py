"""The limits as callers meet them; test_limits_shared.py runs several processes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ecatalog.auth.models import User

pytestmark = pytest.mark.any_database

MakeApp = Callable[..., Flask]
PATH = "/api/v1/project/"


def get(client: FlaskClient, path: str = PATH, address: str = "203.0.113.7", **headers: str) -> TestResponse:
    return client.get(path, headers=headers, environ_base={"REMOTE_ADDR": address})


def test_headers_tell_what_remains(make_app: MakeApp) -> None:
    client = make_app(ratelimit_anon="100/hour").test_client()
    for remaining in (99, 98):
        answer = get(client)
        assert answer.headers["X-RateLimit-Limit"] == "100"
        assert answer.headers["X-RateLimit-Remaining"] == str(remaining)
        assert 3595 <= int(answer.headers["X-RateLimit-Reset"]) - time.time() <= 3601
        assert answer.headers["RateLimit-Policy"] == '"anon";q=100;w=3600'
        told = re.fullmatch(r'"anon";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
        assert told is not None
        assert int(told[1]) == remaining
        assert 3595 <= int(told[2]) <= 3600


def test_the_answer_when_used_up(make_app: MakeApp) -> None:
    client = make_app(ratelimit_anon="2/hour").test_client()
    assert [get(client).status_code for _ in range(4)] == [200, 200, 429, 429]
    answer = get(client)
    seconds = int(answer.headers["Retry-After"])
    assert 3595 <= seconds <= 3600
    assert answer.json == {"detail": f"Request was throttled. Expected available in {seconds} seconds."}
    assert answer.headers["X-RateLimit-Limit"] == "2"
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert answer.headers["RateLimit"] == f'"anon";r=0;t={seconds}'


def test_the_window_ends(make_app: MakeApp) -> None:
    client = make_app(ratelimit_anon="1/second").test_client()
    assert get(client).status_code == 200
    answer = get(client)
    assert answer.status_code == 429
    time.sleep(int(answer.headers["Retry-After"]))
    assert get(client).status_code == 200


def test_all_routes_share_one_limit(make_app: MakeApp) -> None:
    client = make_app(ratelimit_anon="3/hour").test_client()
    answers = [get(client, path) for path in (PATH, "/api/v1/nomenklatura/", "/api/schema/", PATH)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


def test_several_limits_at_once(make_app: MakeApp) -> None:
    client = make_app(ratelimit_anon="5/hour;3/minute").test_client()
    answer = get(client)
    assert answer.headers["RateLimit-Policy"] == '"anon-60";q=3;w=60, "anon-3600";q=5;w=3600'
    assert re.fullmatch(r'"anon-60";r=2;t=\d+, "anon-3600";r=4;t=\d+', answer.headers["RateLimit"])
    assert answer.headers["X-RateLimit-Remaining"] == "2"
    answers = [get(client) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) <= 60


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/api/v1/client/", {}, 401),
        ("GET", "/api/v1/project/", {"Authorization": "Bearer bad"}, 401),
        ("GET", "/api/v1/project/no-such-code/", {}, 404),
        ("POST", "/api/token/", {}, 400),
        ("DELETE", "/api/schema/", {}, 405),
        ("OPTIONS", "/api/v1/project/", {}, 200),  # no preflight: it names no origin
    ],
)
def test_these_answers_count(
    make_app: MakeApp, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    client = make_app(ratelimit_anon="10/hour").test_client()
    answer = client.open(path, method=method, headers=headers)
    assert answer.status_code == status
    assert answer.headers["X-RateLimit-Remaining"] == "9"
    assert "RateLimit" in answer.headers


def test_a_304_counts(make_app: MakeApp) -> None:
    client = make_app(ratelimit_anon="10/hour").test_client()
    etag = get(client).headers["ETag"]
    answer = get(client, **{"If-None-Match": etag})
    assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (304, "8")


@pytest.mark.parametrize(
    "path", ["/api/v1/", "/livez", "/readyz", "/nowhere/", "/api/nowhere/", "/api/v1/project"]
)
def test_these_do_not_count(make_app: MakeApp, path: str) -> None:
    client = make_app(ratelimit_anon="1/hour").test_client()
    for _ in range(3):
        answer = get(client, path)
        assert answer.status_code != 429
        assert "X-RateLimit-Limit" not in answer.headers
    assert get(client).status_code == 200


def test_each_address_has_its_own(make_app: MakeApp) -> None:
    client = make_app(ratelimit_anon="1/hour").test_client()
    assert [get(client, address=f"203.0.113.{n}").status_code for n in (1, 2, 1)] == [200, 200, 429]


def test_an_ipv6_user_commands_a_whole_64(make_app: MakeApp) -> None:
    client = make_app(ratelimit_anon="1/hour").test_client()
    addresses = (
        "2001:db8:1:2::1",
        "2001:db8:1:2:ffff::2",
        "2001:db8:1:3::1",
        "::ffff:203.0.113.7",
        "203.0.113.7",
    )
    statuses = [get(client, address=address).status_code for address in addresses]
    assert statuses == [200, 429, 200, 200, 429]


def test_a_forged_address_changes_nothing(make_app: MakeApp) -> None:
    client = make_app(ratelimit_anon="2/hour", trusted_proxies=("10.0.0.0/8",)).test_client()
    forged = [
        {"X-Forwarded-For": "198.51.100.1"},
        {"X-Real-IP": "198.51.100.2", "Forwarded": "for=198.51.100.2"},
        {"X-Forwarded-For": "198.51.100.3, 10.0.0.1"},
    ]
    assert [get(client, **headers).status_code for headers in forged] == [200, 200, 429]


def test_clients_behind_a_trusted_proxy_are_told_apart(make_app: MakeApp) -> None:
    client = make_app(ratelimit_anon="1/hour", trusted_proxies=("10.0.0.0/8",)).test_client()
    chains = ("198.51.100.1", "198.51.100.2", "1.1.1.1, 198.51.100.1")
    answers = [get(client, address="10.0.0.1", **{"X-Forwarded-For": chain}) for chain in chains]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_users_are_counted_by_id_not_by_address(
    make_app: MakeApp, make_user: Callable[..., User], auth: Callable[..., dict[str, str]]
) -> None:
    headers = [auth(user=make_user(role="viewer")) for _ in range(2)]
    client = make_app(ratelimit_anon="1/hour", ratelimit_user="2/hour").test_client()
    first = get(client, **headers[0])
    assert first.headers["RateLimit-Policy"] == '"user";q=2;w=3600'
    assert get(client, address="198.51.100.1", **headers[0]).status_code == 200
    assert get(client, address="198.51.100.2", **headers[0]).status_code == 429
    assert get(client, **headers[1]).status_code == 200
    assert get(client).status_code == 200  # the address has not been used up by its users


def test_a_bad_token_counts_by_address(make_app: MakeApp) -> None:
    client = make_app(ratelimit_anon="2/hour").test_client()
    answers = [get(client, Authorization=f"Bearer guess-{n}") for n in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]


def test_malformed_limit_is_refused(make_app: MakeApp) -> None:
    with pytest.raises(ValueError, match="often"):
        make_app(ratelimit_anon="often")
