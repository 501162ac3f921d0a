"""What stands in the log, and what never does."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.auth.models import User
from ecatalog.ops.logging import hide_secrets

pytestmark = pytest.mark.any_database

MakeApp = Callable[..., Flask]
PASSWORD = "olma-daraxti-7"


def fail() -> str:
    logging.getLogger("somewhere.else").warning("on the way")
    raise RuntimeError("boom for postgresql://app:geheim@db/x and Bearer abcdefghijkl")


@pytest.fixture
def json_client(make_app: MakeApp, app: Flask) -> FlaskClient:
    """A client of an application that logs JSON. (``app`` first: making it ends others.)"""
    other = make_app(log_format="json")
    other.add_url_rule("/boom/<code>/", view_func=lambda code: fail())
    return other.test_client()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What was logged since the last look; every line must be a JSON object."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_one_line_a_request(json_client: FlaskClient, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    json_client.get("/api/v1/project/?page=1", headers={"X-Request-ID": "abc"})
    (line,) = lines(capsys)
    assert line["level"] == "INFO"
    assert line["logger"] == "ecatalog.request"
    assert line["message"] == "GET /api/v1/project/ 200"
    assert line["method"] == "GET"
    assert line["route"] == "/api/v1/project/"
    assert line["path"] == "/api/v1/project/"
    assert line["status"] == 200
    assert line["request_id"] == "abc"
    assert line["user_id"] is None
    assert line["client"] == "127.0.0.1"
    assert 0 < line["milliseconds"] < 10_000
    assert line["timestamp"].endswith("+00:00")


def test_the_user_is_named_by_id(
    json_client: FlaskClient,
    make_user: Callable[..., User],
    auth: Callable[..., dict[str, str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    user = make_user()
    headers = auth(user=user)
    capsys.readouterr()
    json_client.get("/api/v1/client/", headers=headers)
    assert lines(capsys)[-1]["user_id"] == user.id


@pytest.mark.parametrize(
    ("method", "path", "status", "route"),
    [
        ("GET", "/nowhere/", 404, None),
        ("GET", "/api/v1/project", 308, None),
        ("DELETE", "/api/v1/", 405, None),
        ("GET", "/api/v1/client/", 401, "/api/v1/client/"),
    ],
)
def test_refusals_have_their_line(
    json_client: FlaskClient,
    capsys: pytest.CaptureFixture[str],
    method: str,
    path: str,
    status: int,
    route: str | None,
) -> None:
    capsys.readouterr()
    json_client.open(path, method=method)
    (line,) = lines(capsys)
    assert (line["status"], line["route"], line["path"]) == (status, route, path)


def test_a_failure_leaves_its_trace_in_the_log_and_nowhere_else(
    json_client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    answer = json_client.get("/boom/1/", headers={"X-Request-ID": "abc"})
    assert answer.json == {"detail": "Internal server error.", "request_id": "abc"}
    on_the_way, failure, request_line = lines(capsys)
    assert on_the_way["message"] == "on the way"
    assert "RuntimeError: boom" in failure["trace"]
    assert "in fail" in failure["trace"]
    assert (request_line["status"], request_line["route"]) == (500, "/boom/<code>/")
    assert {line["request_id"] for line in (on_the_way, failure, request_line)} == {"abc"}
    assert "geheim" not in str(failure)
    assert "abcdefghijkl" not in str(failure)


def test_a_request_that_dies_before_an_answer(make_app: MakeApp, capsys: pytest.CaptureFixture[str]) -> None:
    app = make_app(log_format="json")

    def end() -> str:
        raise SystemExit(1)  # as gunicorn ends a worker that has been silent for too long

    app.add_url_rule("/end/", view_func=end)
    capsys.readouterr()
    with pytest.raises(SystemExit):
        app.test_client().get("/end/", headers={"X-Request-ID": "abc"})
    (line,) = lines(capsys)
    assert line["message"] == "GET /end/ died before an answer"
    assert (line["level"], line["request_id"]) == ("ERROR", "abc")
    assert "SystemExit" in line["trace"]


def test_no_password_and_no_token(
    json_client: FlaskClient, make_user: Callable[..., User], capsys: pytest.CaptureFixture[str]
) -> None:
    make_user("Anvar", password=PASSWORD)
    capsys.readouterr()
    pair = json_client.post("/api/token/", json={"username": "Anvar", "password": PASSWORD}).json
    assert pair is not None
    json_client.post("/api/token/", json={"username": "Anvar", "password": "wrong-" + PASSWORD})
    json_client.get("/api/v1/client/", headers={"Authorization": f"Bearer {pair['access']}"})
    json_client.get(f"/api/v1/client/?token={pair['access']}&access_token=opensesame")
    json_client.post("/api/token/refresh/", json={"refresh": pair["refresh"]})
    json_client.post("/api/token/verify/", json={"token": "opensesame"})
    log = capsys.readouterr().err
    assert len(log.splitlines()) == 6
    for secret in (PASSWORD, pair["access"], pair["refresh"], "opensesame"):
        assert secret not in log


@pytest.mark.parametrize("log_format", ["json", "human"])
@pytest.mark.parametrize("breaker", ["%0A", "%0D%0A", "%1B[2J", "%E2%80%A8", "%C2%85"])
def test_a_path_cannot_forge_lines(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str], log_format: str, breaker: str
) -> None:
    client = make_app(log_format=log_format).test_client()
    capsys.readouterr()
    client.get(f"/x{breaker}12:00:00 INFO forged")
    log = capsys.readouterr().err
    assert len(log.splitlines()) == 1
    assert "\x1b" not in log


def test_a_forged_address_is_not_logged(json_client: FlaskClient, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    json_client.get("/api/v1/", headers={"X-Forwarded-For": "198.51.100.1", "X-Real-IP": "198.51.100.1"})
    (line,) = lines(capsys)
    assert line["client"] == "127.0.0.1"


def test_the_human_line(make_app: MakeApp, capsys: pytest.CaptureFixture[str]) -> None:
    client = make_app(log_format="human").test_client()
    capsys.readouterr()
    client.get("/api/v1/project/шоколад/", headers={"X-Request-ID": "abc"})
    log = capsys.readouterr().err
    assert "[abc] ecatalog.request: GET /api/v1/project/шоколад/ 404 " in log
    assert " ms user=- client=127.0.0.1 route=/api/v1/project/<" in log


def test_no_human_line_is_broken_by_a_message(make_app: MakeApp, capsys: pytest.CaptureFixture[str]) -> None:
    make_app(log_format="human")
    capsys.readouterr()
    logging.getLogger("any.library").warning("bad name %s", "x\n12:00:00 INFO forged")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(r"any.library: bad name x\n12:00:00 INFO forged")


def test_gunicorn_and_sqlalchemy_speak_the_same_way(
    json_client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    logging.getLogger("gunicorn.error").info("Booting worker with pid: %d", 7)
    logging.getLogger("sqlalchemy.pool").warning("slow\nline")
    logging.getLogger("sqlalchemy.engine").info("INSERT … values")
    assert [line["message"] for line in lines(capsys)] == ["Booting worker with pid: 7", "slow\nline"]


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("redis://:geheim@host:6379/0", "redis://:[hidden]@host:6379/0"),
        ("postgresql+psycopg://app:geheim@db/x", "postgresql+psycopg://app:[hidden]@db/x"),
        ("Authorization: Bearer abcdefgh.ijkl", "Authorization: Bearer [hidden]"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.c2ln!", "token [hidden]!"),  # pragma: allowlist secret
        ("{'password': 'geheim', 'name': 'x'}", "{'password': '[hidden]', 'name': 'x'}"),
        ("password=geheim dbname=x", "password=[hidden] dbname=x"),
        ("GET /api/token/refresh/ 200 12:30:01", "GET /api/token/refresh/ 200 12:30:01"),
    ],
)
def test_hide_secrets(text: str, hidden: str) -> None:
    assert hide_secrets(text) == hidden
