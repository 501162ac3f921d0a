"""Only listed origins may read the API from a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

pytestmark = pytest.mark.any_database

ORIGIN = "https://shop.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization, content-type, if-match, x-evil",
}
MakeApp = Callable[..., Flask]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/v1/", 200), ("/api/v1/project/", 200), ("/api/v1/client/", 401), ("/nowhere/", 404)],
)
def test_listed_origin_may_read_every_answer(make_app: MakeApp, path: str, status: int) -> None:
    client = make_app(cors_allowed_origins=("https://other.example", ORIGIN)).test_client()
    answer = client.get(path, headers={"Origin": ORIGIN})
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in answer.headers
    exposed = {name.strip() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert {"ETag", "Retry-After", "Link", "X-Request-ID", "X-RateLimit-Remaining", "RateLimit"} <= exposed
    assert "Origin" in answer.vary


def test_throttled_and_failed_answers_can_be_read(make_app: MakeApp) -> None:
    app = make_app(cors_allowed_origins=(ORIGIN,), ratelimit_anon="1/hour")
    app.add_url_rule("/boom/", view_func=lambda: str(1 / 0))
    client = app.test_client()
    client.get("/api/v1/project/")
    for path, status in (("/api/v1/project/", 429), ("/boom/", 500)):
        answer = client.get(path, headers={"Origin": ORIGIN})
        assert answer.status_code == status
        assert answer.headers.getlist("Access-Control-Allow-Origin") == [ORIGIN]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://shop.example.evil.example",
        "https://shopXexample",
        "null",
    ],
)
def test_other_origins_get_no_cors_header(make_app: MakeApp, origin: str) -> None:
    client = make_app(cors_allowed_origins=(ORIGIN,)).test_client()
    for answer in (
        client.get("/api/v1/", headers={"Origin": origin}),
        client.options("/api/v1/project/", headers=PREFLIGHT | {"Origin": origin}),
    ):
        assert not [name for name in dict(answer.headers) if name.startswith("Access-Control-")]
        assert "Origin" in answer.vary  # a cache must not hand this to the listed origin


def test_no_origin_is_listed_by_default(make_app: MakeApp) -> None:
    answer = make_app().test_client().get("/api/v1/", headers={"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_credentials(make_app: MakeApp) -> None:
    client = make_app(cors_allowed_origins=(ORIGIN,), cors_allow_credentials=True).test_client()
    answer = client.get("/api/v1/", headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def test_all_origins(make_app: MakeApp) -> None:
    client = make_app(cors_allow_all_origins=True, debug=True).test_client()
    answer = client.get("/api/v1/", headers={"Origin": "https://anything.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_ipv6_origin_is_matched_literally(make_app: MakeApp) -> None:
    client = make_app(cors_allowed_origins=("http://[::1]:3000",)).test_client()
    answer = client.get("/api/v1/", headers={"Origin": "http://[::1]:3000"})
    assert answer.headers["Access-Control-Allow-Origin"] == "http://[::1]:3000"


@pytest.mark.parametrize("path", ["/api/v1/project/", "/api/v1/client/", "/api/token/"])
def test_preflights_need_no_token_and_do_not_count(make_app: MakeApp, path: str) -> None:
    client = make_app(cors_allowed_origins=(ORIGIN,), ratelimit_anon="1/hour").test_client()
    for _ in range(5):
        answer = client.options(path, headers=PREFLIGHT)
        assert answer.status_code == 200
        assert "X-RateLimit-Limit" not in answer.headers
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization, content-type, if-match"
    assert int(answer.headers["Access-Control-Max-Age"]) > 0
