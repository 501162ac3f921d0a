"""Request ids and security headers are on every answer."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import MakeUser

pytestmark = pytest.mark.any_database

PASSWORD = "olma-daraxti-7"

Send = Callable[[FlaskClient], TestResponse]

ANSWERS: dict[str, tuple[int, Send]] = {
    "ok": (200, lambda client: client.get("/api/v1/")),
    "probe": (200, lambda client: client.get("/livez")),
    "redirect": (308, lambda client: client.get("/api/v1")),
    "bad host": (400, lambda client: client.get("/api/v1/", headers={"Host": "evil.example"})),
    "malformed JSON": (
        400,
        lambda client: client.post("/api/token/", data="{", content_type="application/json"),
    ),
    "bad token": (401, lambda client: client.get("/api/v1/project/", headers={"Authorization": "Bearer x"})),
    "unknown path": (404, lambda client: client.get("/nowhere/")),
    "wrong method": (405, lambda client: client.delete("/api/v1/")),
    "wrong type": (415, lambda client: client.post("/api/token/", data="x", content_type="text/plain")),
    "throttled": (429, lambda client: [client.get("/api/v1/project/") for _ in range(3)][-1]),
    "failure": (500, lambda client: client.get("/boom/")),
}


def fail() -> str:
    raise RuntimeError("boom")


@pytest.fixture
def edge_client(make_app: Callable[..., Flask]) -> FlaskClient:
    app = make_app(ratelimit_anon="2/hour")
    app.add_url_rule("/boom/", view_func=fail)
    return app.test_client()


@pytest.mark.parametrize("case", ANSWERS)
def test_every_answer_has_an_id_and_the_security_headers(edge_client: FlaskClient, case: str) -> None:
    status, send = ANSWERS[case]
    answer = send(edge_client)
    assert answer.status_code == status
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"])
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("offered", ["abc", "A.b_c-9", "x" * 64])
def test_a_sane_id_is_taken(client: FlaskClient, offered: str) -> None:
    answer = client.get("/api/v1/", headers={"X-Request-ID": offered})
    assert answer.headers["X-Request-ID"] == offered


@pytest.mark.parametrize("offered", ["", "x" * 65, "a b", "<script>", "a;b", "идентификатор", "a,b"])
def test_any_other_id_is_replaced(client: FlaskClient, offered: str) -> None:
    answer = client.get("/api/v1/", headers={"X-Request-ID": offered})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_a_failure_names_its_request(edge_client: FlaskClient) -> None:
    answer = edge_client.get("/boom/", headers={"X-Request-ID": "my-id"})
    assert answer.json == {"detail": "Internal server error.", "request_id": "my-id"}


@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/"])
def test_docs_pages_may_run_their_own_scripts_only(client: FlaskClient, path: str) -> None:
    policy = client.get(path).headers["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert "blob:" in directives["worker-src"]


def test_what_says_nothing_else_is_not_kept(
    client: FlaskClient, make_user: MakeUser, auth: Callable[..., dict[str, str]]
) -> None:
    """A proxy must not keep tokens, nor what one user may see and another may not."""
    make_user("Anvar", password=PASSWORD)
    headers = auth()
    row = {"client_code_1c": "A", "name": "A"}
    assert client.post("/api/v1/client/", json=row, headers=headers).status_code == 201
    answers = [client.post("/api/token/", json={"username": "Anvar", "password": PASSWORD})]
    paths = ("client/changes/", "client/A/history/", "client/B/", "project/B/")
    answers += [client.get(f"/api/v1/{path}", headers=headers) for path in paths]
    assert [answer.headers["Cache-Control"] for answer in answers] == ["no-store"] * 5
    assert client.get("/api/v1/client/", headers=headers).headers["Cache-Control"] == "private, no-cache"
    assert client.get("/api/v1/project/").headers["Cache-Control"] == "no-cache"
