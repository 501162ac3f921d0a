"""Lists that are given again without the application: nobody can tell, but by the time that it takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from flask import Flask, request_started
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from werkzeug.test import TestResponse

from ecatalog import connections, metrics
from ecatalog.auth.models import User
from ecatalog.database import write_transaction
from ecatalog.extensions import db
from ecatalog.kept_answers import LONGEST

MakeApp = Callable[..., Flask]
LIST = "/api/v1/project/"
CLIENTS = "/api/v1/client/"
#: Told anew with each answer.
PASSING = {"X-Request-ID", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit"}


@contextmanager
def shown_to_the_application(app: Flask) -> Iterator[list[str]]:
    """The paths of the requests that it sees meanwhile."""
    seen: list[str] = []

    def note(_sender: Flask, **_: object) -> None:
        from flask import request

        seen.append(request.full_path)

    with request_started.connected_to(note, app):
        yield seen


def until_kept(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    """Asked until it lies ready: it is built, then found ready, and from then on given again."""
    for _ in range(2):
        answer = client.get(path, headers=headers)
    return answer


def lasting(answer: TestResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers if name not in PASSING}


@pytest.mark.parametrize("path", [LIST, f"{LIST}?search=Чиланзар&page_size=5", f"{LIST}suggest/?q=ch"])
def test_it_is_the_same_answer(app: Flask, client: FlaskClient, path: str, row: None) -> None:
    before = until_kept(client, path)
    with shown_to_the_application(app) as seen:
        again = client.get(path, headers={"X-Request-ID": "mine-1"})
    assert seen == []
    assert (again.status, again.data) == (before.status, before.data)
    assert b"P-1" in again.data
    assert lasting(again) == lasting(before)
    assert {name for name, _ in again.headers} == {name for name, _ in before.headers}
    assert again.headers["X-Request-ID"] == "mine-1"


def test_who_has_it_is_told_so(app: Flask, client: FlaskClient, row: None) -> None:
    tag = client.get(LIST).headers["ETag"]
    before = until_kept(client, LIST, **{"If-None-Match": tag})
    with shown_to_the_application(app) as seen:
        again = client.get(LIST, headers={"If-None-Match": f'"another", W/{tag}'})
    assert seen == []
    assert (again.status, again.data) == ("304 NOT MODIFIED", b"")
    assert lasting(again) == lasting(before)


def test_a_write_is_seen_at_once(client: FlaskClient, auth: Callable[..., dict[str, str]], row: None) -> None:
    before = until_kept(client, LIST)
    headers = auth()
    for number in range(3):
        name = f"Yangi {number}"
        assert client.patch(f"{LIST}P-1/", json={"name": name}, headers=headers).status_code == 200
        answer = client.get(LIST, headers={"If-None-Match": before.headers["ETag"]})
        assert [found["name"] for found in answer.get_json()["results"]] == [name]
        until_kept(client, LIST)


def test_users_are_looked_at_each_time(
    app: Flask, client: FlaskClient, make_user: Callable[..., User], auth: Callable[..., dict[str, str]]
) -> None:
    user = make_user(role="viewer")
    headers = auth(user=user)
    until_kept(client, CLIENTS, **headers)
    with shown_to_the_application(app) as seen:
        assert client.get(CLIENTS, headers=headers).status_code == 200
    assert seen == []
    refused = client.get(CLIENTS)  # nobody, from the same address
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert client.get(CLIENTS, headers={"Authorization": "Bearer x.y.z"}).status_code == 401
    assert client.get(CLIENTS, headers={"Authorization": "Bearer of bad news"}).status_code == 401
    with app.app_context(), write_transaction():
        db.session.get_one(User, user.id).is_active = False
    assert client.get(CLIENTS, headers=headers).status_code == 401


def test_each_is_counted_once(make_app: MakeApp) -> None:
    client = make_app(ratelimit_anon="6/hour").test_client()
    answers = [client.get(LIST) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 6 + [429] * 2
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == list("54321000")
    assert answers[-1].headers["Retry-After"]
    other = client.get(LIST, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert other.headers["X-RateLimit-Remaining"] == "5"


def test_one_that_comes_to_nothing_is_counted_once(
    make_app: MakeApp, auth: Callable[..., dict[str, str]]
) -> None:
    headers = auth()
    client = make_app(ratelimit_anon="9/hour").test_client()
    until_kept(client, LIST)
    client.post(LIST, json={"code_1c": "P-2", "name": "Yangi"}, headers=headers)
    assert client.get(LIST).headers["X-RateLimit-Remaining"] == "6"  # what was kept is untrue now


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {"Host": "elsewhere.example"}, 400),
        ("", {"Origin": "https://elsewhere.example"}, 200),
        ("page=2", {}, 404),
        ("unknown=" + "x" * LONGEST, {}, 200),
    ],
)
def test_another_request_is_the_application_s(
    app: Flask, client: FlaskClient, query: str, headers: dict[str, str], status: int
) -> None:
    until_kept(client, LIST)
    with shown_to_the_application(app) as seen:
        answers = [client.get(f"{LIST}?{query}", headers=headers) for _ in range(4)]
    assert len(seen) == 4
    assert [answer.status_code for answer in answers] == [status] * 4


def test_a_head_has_no_body(app: Flask, client: FlaskClient) -> None:
    until_kept(client, LIST)
    with shown_to_the_application(app) as seen:
        assert client.head(LIST).data == b""
    assert len(seen) == 1


def test_each_has_its_line_and_is_counted(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str], auth: Callable[..., dict[str, str]]
) -> None:
    headers = auth()
    client = make_app(log_format="json").test_client()
    metrics.count_pending()

    def counted(name: str, **labels: str) -> float:
        metrics.count_pending()
        return REGISTRY.get_sample_value(name, labels) or 0.0

    labels = {"route": LIST, "method": "GET", "status": "2xx"}
    requests = counted("ecatalog_requests_total", **labels)
    looks = counted("ecatalog_cache_total", result="hit") + counted("ecatalog_cache_total", result="miss")
    capsys.readouterr()
    for number in range(5):
        client.get(LIST, headers=headers | {"X-Request-ID": f"id-{number}"})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    lines = [line for line in lines if line["logger"] == "ecatalog.request"]
    assert [line.pop("request_id") for line in lines] == [f"id-{number}" for number in range(5)]
    for line in lines:
        assert line.pop("milliseconds") > 0
        line.pop("timestamp")
    assert all(line == lines[0] for line in lines)
    assert lines[0]["user_id"] is not None
    assert lines[0]["message"] == f"GET {LIST} 200"
    assert counted("ecatalog_requests_total", **labels) - requests == 5
    now = counted("ecatalog_cache_total", result="hit") + counted("ecatalog_cache_total", result="miss")
    assert now - looks == 5


def test_a_database_that_is_away_is_waited_for_once(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_LENT", 0)
    until_kept(client, LIST)
    attempts: list[object] = []

    def refuse(_connection: object, record: object, _proxy: object) -> None:
        attempts.append(record)
        raise sa.exc.OperationalError("", {}, Exception("away"))

    with app.app_context():
        engine = db.engine
    engine.dispose()  # nothing lies at hand
    sa.event.listen(engine, "checkout", refuse)
    answer = client.get(LIST)
    sa.event.remove(engine, "checkout", refuse)
    assert answer.status_code == 503
    assert len(attempts) == 1
    assert client.get(LIST).status_code == 200


@pytest.fixture
def row(client: FlaskClient, auth: Callable[..., dict[str, str]]) -> None:
    body = {"code_1c": "P-1", "name": "Чиланзар"}
    assert client.post(LIST, json=body, headers=auth()).status_code == 201
