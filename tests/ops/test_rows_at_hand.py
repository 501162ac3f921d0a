"""Single rows, answered without the application: nobody can tell, but by the time that it takes."""

from __future__ import annotations

import io
from collections.abc import Callable
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.auth.models import User
from ecatalog.catalog.routing import RESERVED_SUFFIXES, RESERVED_WORDS
from ecatalog.database import write_transaction
from ecatalog.extensions import db
from tests.images.pictures import jpeg
from tests.ops.test_kept_answers import lasting, shown_to_the_application

MakeApp = Callable[..., Flask]
Auth = Callable[..., dict[str, str]]
Headers = dict[str, str]
PROJECTS, ITEMS, CLIENTS = "/api/v1/project/", "/api/v1/nomenklatura/", "/api/v1/client/"
CODES = ("A 1", "Ў-2", "КР", "х", "50%", "a+b", "history", "x/y", "changes")


@pytest.fixture
def headers(client: FlaskClient, auth: Auth) -> Headers:
    """Of who has written a project, items and a client. Items and projects have been asked for."""
    headers = auth()
    project = {"code_1c": "P-1", "name": "Чиланзар"}
    assert client.post(PROJECTS, json=project, headers=headers).status_code == 201
    for code in CODES:
        item = {"code_1c": code, "name": f"Item {code}", "project": "P-1"}
        assert client.post(ITEMS, json=item, headers=headers).status_code == 201
    assert (
        client.post(CLIENTS, json={"client_code_1c": "C", "name": "Client"}, headers=headers).status_code
        == 201
    )
    for path in (f"{ITEMS}A 1/", f"{PROJECTS}P-1/"):
        tag = client.get(path).headers["ETag"]
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    return headers


def in_path(code: str) -> str:
    return f"{ITEMS}{quote(code, safe='')}/"


@pytest.mark.parametrize("code", ["A 1", "Ў-2", "КР", "х", "50%", "a+b"])
def test_it_is_the_answer_that_the_application_gives(
    app: Flask, client: FlaskClient, headers: Headers, code: str
) -> None:
    there = client.get(f"{in_path(code)}?unknown=1")  # with a query, it is the application's
    with shown_to_the_application(app) as seen:
        here = client.get(in_path(code), headers={"X-Request-ID": "mine-1"})
        known = client.get(in_path(code), headers={"If-None-Match": f'"x", W/{there.headers["ETag"]}'})
    assert seen == []
    assert (here.status, here.data) == (there.status, there.data)
    assert here.get_json()["code_1c"] == code
    assert lasting(here) == lasting(there)
    assert {name for name, _ in here.headers} == {name for name, _ in there.headers}
    assert here.headers["X-Request-ID"] == "mine-1"
    assert (known.status, known.data) == ("304 NOT MODIFIED", b"")
    assert known.headers["ETag"] == there.headers["ETag"]


def test_a_write_is_seen_at_once(client: FlaskClient, headers: Headers) -> None:
    tag = client.get(in_path("A 1")).headers["ETag"]
    for number in range(3):
        body = {"name": f"Yangi {number}"}
        assert client.patch(in_path("A 1"), json=body, headers=headers).status_code == 200
        assert client.patch(f"{PROJECTS}P-1/", json=body, headers=headers).status_code == 200
        shown = client.get(in_path("A 1"), headers={"If-None-Match": tag}).get_json()
        assert (shown["name"], shown["project"]["name"]) == (body["name"], body["name"])
    assert client.delete(in_path("A 1"), headers=headers).status_code == 204
    gone = client.get(in_path("A 1"), headers={"If-None-Match": tag})
    assert (gone.status_code, gone.get_json()) == (
        404,
        {"detail": "No Nomenklatura matches the given query."},
    )


def test_a_row_with_images_shows_them(app: Flask, client: FlaskClient, headers: Headers) -> None:
    form = {"nomenklatura": "A 1", "image": (io.BytesIO(jpeg()), "a.jpg")}
    uploaded = client.post("/api/v1/nomenklatura-image/", data=form, headers=headers)
    assert uploaded.status_code == 201
    with shown_to_the_application(app) as seen:
        assert len(client.get(in_path("A 1")).get_json()["images"]) == 1
        assert client.get(in_path("a+b")).get_json()["images"] == []
    assert len(seen) == 1


def test_a_code_of_two_rows_is_refused(client: FlaskClient, headers: Headers) -> None:
    assert client.post(ITEMS, json={"code_1c": "a+b", "name": "Twin"}, headers=headers).status_code == 201
    assert client.get(in_path("a+b")).status_code == 409
    assert client.get(f"{in_path('a+b')}?project=P-1").get_json()["name"] == "Item a+b"


def test_whoever_may_not_read_is_refused(
    app: Flask, client: FlaskClient, headers: Headers, make_user: Callable[..., User], auth: Auth
) -> None:
    user = make_user(role="viewer")
    signed_in = auth(user=user)
    assert client.get(f"{CLIENTS}C/", headers=signed_in).status_code == 200
    with shown_to_the_application(app) as seen:
        assert client.get(f"{CLIENTS}C/", headers=signed_in).get_json()["name"] == "Client"
    assert seen == []
    assert client.get(f"{CLIENTS}C/").status_code == 401
    assert client.get(in_path("A 1"), headers={"Authorization": "Bearer x.y.z"}).status_code == 401
    with app.app_context(), write_transaction():
        db.session.get_one(User, user.id).is_active = False
    assert client.get(f"{CLIENTS}C/", headers=signed_in).status_code == 401
    assert client.get(in_path("A 1"), headers=signed_in).status_code == 401


def test_each_is_counted_once(make_app: MakeApp, headers: Headers) -> None:
    client = make_app(ratelimit_anon="6/hour").test_client()
    paths = [in_path("A 1"), in_path("A 1"), in_path("nobody"), in_path("a+b"), *[in_path("50%")] * 4]
    answers = [client.get(path) for path in paths]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 200, 200, 200, 429, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == list("54321000")


@pytest.mark.parametrize("word", [*RESERVED_WORDS, *RESERVED_SUFFIXES, "x/y", "A 1/history", " A 1", "A%001"])
def test_other_paths_are_the_application_s(
    app: Flask, client: FlaskClient, headers: Headers, word: str
) -> None:
    with shown_to_the_application(app) as seen:
        client.get(f"{ITEMS}{word}/")
        client.get(f"{ITEMS}{word}/")
    assert len(seen) == 2


def test_methods_origins_and_hosts_are_the_application_s(
    app: Flask, client: FlaskClient, headers: Headers
) -> None:
    with shown_to_the_application(app) as seen:
        assert client.head(in_path("A 1")).data == b""
        assert client.get(in_path("A 1"), headers={"Origin": "https://elsewhere.example"}).status_code == 200
        assert client.get(in_path("A 1"), headers={"Host": "elsewhere.example"}).status_code == 400
        assert client.get(f"{ITEMS}%FF/").status_code == 404
        assert client.get(f"{ITEMS}A 1").status_code == 308
    assert len(seen) == 5
