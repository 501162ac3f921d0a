"""Why no other site can act in a visitor's name: no answer sets a cookie, and no route reads credentials that
a browser would send by itself. What a foreign page can send without asking (a form, plain text) does nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.access.table import address, decided, routes
from tests.conftest import MakeUser

pytestmark = pytest.mark.any_database

PASSWORD = "olma-daraxti-7"
FOREIGN = {
    "Origin": "https://evil.example",
    "Referer": "https://evil.example/",
    "Sec-Fetch-Site": "cross-site",
}


def test_no_answer_sets_a_cookie(client: FlaskClient, make_user: MakeUser) -> None:
    make_user("Anvar", password=PASSWORD)
    answer = client.post("/api/token/", json={"username": "Anvar", "password": PASSWORD})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    for path in ("/api/docs/", "/api/redoc/", "/api/v1/project/", "/"):
        assert "Set-Cookie" not in client.get(path).headers


def test_nothing_that_a_browser_sends_by_itself_signs_in(
    app: Flask, auth: Callable[..., dict[str, str]]
) -> None:
    token = auth("admin")["Authorization"].removeprefix("Bearer ")
    client = app.test_client()
    for name in ("access", "access_token", "access_token_cookie", "jwt", "token", "session", "Authorization"):
        client.set_cookie(name, token)
    basic = {"Authorization": "Basic YWRtaW46YWRtaW4="}
    checked = 0
    for rule, method in routes(app):
        if decided(app, rule, method) not in ("user", "writer", "admin"):
            continue
        for headers, query in (
            (FOREIGN, {}),
            (FOREIGN | basic, {}),
            (FOREIGN, {"access": token, "jwt": token}),
        ):
            answer = client.open(address(rule), method=method, headers=headers, query_string=query)
            assert answer.status_code == 401, f"{method} {rule.rule}"
        checked += 1
    assert checked > 40


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain; application/json", ""])
def test_json_under_another_name_is_not_read(
    client: FlaskClient, auth: Callable[..., dict[str, str]], content_type: str
) -> None:
    answer = client.post(
        "/api/v1/project/", data='{"code_1c": "X", "name": "X"}', content_type=content_type, headers=auth()
    )
    assert answer.status_code in (400, 415)


def test_foreign_pages_may_not_read_and_get_no_leave_to_send_the_header(client: FlaskClient) -> None:
    answer = client.get("/api/v1/project/", headers=FOREIGN)
    assert "Access-Control-Allow-Origin" not in answer.headers
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    preflight = client.options("/api/v1/project/", headers=FOREIGN | asked)
    assert not [name for name, _ in preflight.headers if name.startswith("Access-Control-Allow")]
