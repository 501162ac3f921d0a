"""Pages of lists that one statement tells, without the application: nobody can tell the difference."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ecatalog import connections
from ecatalog.auth.models import User
from ecatalog.catalog import ready_rows, shaped, shown
from ecatalog.catalog.resource import Resource
from ecatalog.database import write_transaction
from ecatalog.extensions import db
from tests.images.pictures import jpeg
from tests.ops.test_kept_answers import lasting, shown_to_the_application
from tests.ops.test_single_read import forget, terminate

MakeApp = Callable[..., Flask]
Auth = Callable[..., dict[str, str]]
Headers = dict[str, str]
PROJECTS, ITEMS, CLIENTS = "/api/v1/project/", "/api/v1/nomenklatura/", "/api/v1/client/"
NUMBER = 25
_marks = itertools.count()


@pytest.fixture(autouse=True)
def _postgresql(database_kind: str) -> None:
    if database_kind != "postgresql":
        pytest.skip("SQLite saves nothing by it: there the application answers.")


@pytest.fixture
def headers(client: FlaskClient, auth: Auth) -> Headers:
    """Of who has written a project and items. Each list has been asked for once."""
    headers = auth()
    project = {"code_1c": "P-1", "name": "Чиланзар"}
    assert client.post(PROJECTS, json=project, headers=headers).status_code == 201
    for number in range(NUMBER):
        item = {
            "code_1c": f"I-{number}",
            "name": f"Item {number}",
            "project": "P-1",
            "base_price": str(number),
            "brand": "Ўзбек" if number % 2 else "a&b",
        }
        assert client.post(ITEMS, json=item, headers=headers).status_code == 201
    for path in (ITEMS, PROJECTS, CLIENTS):
        assert client.get(new(path), headers=headers).status_code == 200
    return headers


def new(path: str) -> str:
    """The same under an address that nobody has asked for."""
    return f"{path}{'&' if '?' in path else '?'}unknown={next(_marks)}"


def at_once(app: Flask, client: FlaskClient, path: str, **options: Any) -> TestResponse:
    """What is answered without the application."""
    with shown_to_the_application(app) as seen:
        answer = client.get(path, **options)
    assert seen == []
    return answer


QUERIES = [
    "",
    "is_active=true",
    "is_active=false",
    "project=P-1&price_min=3&price_max=20.5",
    "brand=%D0%8E%D0%B7%D0%B1%D0%B5%D0%BA&page_size=3",
    "brand=a%26b&ordering=name",
    "ordering=-base_price,name&page=1&created_from=2020-01-01",
    "limit=7",
    "limit=1000&offset=0&name_contains=ITEM+1",
    "brand=nobody%27s+%25",
    "sku=&category=nothing",
    "page=2&page_size=10",
    "page=last&page_size=10&price_min=1",
    "offset=7&limit=3&is_active=true",
    "cursor=&page_size=4",
    "cursor=&limit=4&ordering=name&price_min=2",
]


@pytest.mark.parametrize("query", QUERIES)
def test_it_is_the_answer_that_the_application_gives(
    app: Flask, client: FlaskClient, headers: Headers, query: str
) -> None:
    for same in ("&page=1", "&page=1&cursor=&limit=2"):  # which counts the rows, whatever page is asked for
        client.get(new(f"{ITEMS}?{query}{same}"))
    path = new(f"{ITEMS}?{query}")
    here = at_once(app, client, path, headers={"X-Request-ID": "mine-1"})
    there = client.get(path, headers={"Origin": "https://elsewhere.example"})
    assert (here.status, here.data) == (there.status, there.data)
    assert here.headers["X-Request-ID"] == "mine-1"
    assert here.headers["ETag"] == there.headers["ETag"]
    known = client.get(path, headers={"If-None-Match": here.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")
    with app.app_context(), db.engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))  # what was lent has left no mark on the pool
        assert connection.in_transaction()


def test_it_has_the_headers_of_the_application(app: Flask, client: FlaskClient, headers: Headers) -> None:
    before = client.get(new(ITEMS), headers={"Origin": "https://elsewhere.example"})
    here = at_once(app, client, new(ITEMS))
    assert {name for name, _ in here.headers} == {name for name, _ in before.headers}
    there = lasting(before) | {name: here.headers[name] for name in ("ETag", "Content-Length")}
    assert lasting(here) == there


def test_a_write_is_seen_at_once(app: Flask, client: FlaskClient, headers: Headers) -> None:
    for number in range(3):
        name = {"name": f"Yangi {number}"}
        assert client.patch(f"{ITEMS}I-24/", json=name, headers=headers).status_code == 200
        assert client.patch(f"{PROJECTS}P-1/", json=name, headers=headers).status_code == 200
        page = at_once(app, client, new(f"{ITEMS}?price_min=20")).get_json()
        first = page["results"][0]
        assert (page["count"], first["name"], first["project"]["name"]) == (5, name["name"], name["name"])
    assert client.delete(f"{ITEMS}I-24/", headers=headers).status_code == 204
    assert client.get(new(f"{ITEMS}?price_min=20")).get_json()["count"] == 4
    assert client.get(new(ITEMS)).get_json()["count"] == NUMBER - 1


def test_cursors_lead_from_page_to_page(app: Flask, client: FlaskClient, headers: Headers) -> None:
    path, codes = new(f"{ITEMS}?cursor=&page_size=7&ordering=-base_price"), []
    while path:
        page = at_once(app, client, path).get_json()
        assert page["count"] == NUMBER
        codes += [row["code_1c"] for row in page["results"]]
        path = page["next"]
    assert codes == [f"I-{number}" for number in reversed(range(NUMBER))]
    back = at_once(app, client, page["previous"]).get_json()
    assert [row["code_1c"] for row in back["results"]] == codes[14:21]


def test_a_page_that_comes_to_be_is_found(client: FlaskClient, headers: Headers) -> None:
    """What was counted before a write promises nothing after it, in either direction."""
    path = f"{ITEMS}?price_min=20&page_size=5&page=2"
    client.get(new(f"{ITEMS}?price_min=20&page_size=5"))
    assert client.get(new(path)).status_code == 404
    item = {"code_1c": "new", "name": "New", "base_price": "99"}
    assert client.post(ITEMS, json=item, headers=headers).status_code == 201
    assert len(client.get(new(path)).get_json()["results"]) == 1
    assert client.delete(f"{ITEMS}new/", headers=headers).status_code == 204
    assert client.get(new(path)).status_code == 404
    assert client.get(new(f"{ITEMS}?page=2")).get_json()["count"] == NUMBER


def test_a_page_asked_for_again_is_not_built_again(app: Flask, client: FlaskClient, headers: Headers) -> None:
    path = new(ITEMS)
    answers = [client.get(path) for _ in range(3)]
    assert len({answer.headers["ETag"] for answer in answers}) == 1
    assert at_once(app, client, path).data == answers[0].data


def test_rows_are_counted_once_while_the_clocks_stand(
    client: FlaskClient, headers: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[bool] = []
    read = shaped.at_once

    def noting(*arguments: Any, counts: bool) -> Any:
        counted.append(counts)
        return read(*arguments, counts=counts)

    monkeypatch.setattr(shaped, "at_once", noting)
    filtered = f"{ITEMS}?price_min=20"
    for size in (1, 2, 3):
        assert client.get(f"{filtered}&page_size={size}").get_json()["count"] == 5
    assert client.get(f"{ITEMS}?page_size=1").get_json()["count"] == NUMBER
    assert counted == [True, False, False, False]
    assert client.delete(f"{ITEMS}I-24/", headers=headers).status_code == 204
    assert [client.get(new(filtered)).get_json()["count"] for _ in range(3)] == [4, 4, 4]


def test_a_row_that_changes_meanwhile_is_shown_as_of_one_moment(
    client: FlaskClient, headers: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(resource: Resource, ids: Sequence[int]) -> dict[int, Any] | None:
        monkeypatch.undo()
        change = {"name": "Changed", "base_price": "1000"}
        assert client.patch(f"{ITEMS}I-3/", json=change, headers=headers).status_code == 200
        return shown.rows_as_they_are(resource, ids)

    monkeypatch.setattr(ready_rows, "rows_as_they_are", too_late)
    page = client.get(new(f"{ITEMS}?price_max=3.5")).get_json()
    prices = [float(row["base_price"]) for row in page["results"]]
    assert (page["count"], prices) == (3, [2.0, 1.0, 0.0])


def test_rows_with_images_show_them(app: Flask, client: FlaskClient, headers: Headers) -> None:
    form = {"nomenklatura": "I-24", "image": (io.BytesIO(jpeg()), "a.jpg")}
    assert client.post("/api/v1/nomenklatura-image/", data=form, headers=headers).status_code == 201
    for _ in range(2):
        answer = client.get(new(ITEMS))
        assert [len(row["images"]) for row in answer.get_json()["results"]] == [1] + [0] * 19
        assert "http://localhost/" in answer.get_json()["results"][0]["images"][0]["image"]
    assert at_once(app, client, new(ITEMS)).get_json()["results"] == answer.get_json()["results"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("search=Item+1", 200),
        ("page=99", 404),
        ("page=99&price_min=20", 404),
        ("cursor=nothing", 400),
        ("offset=1000", 200),
        ("price_min=much", 400),
        ("ordering=nothing", 400),
    ],
)
def test_others_are_the_application_s(
    app: Flask, client: FlaskClient, headers: Headers, query: str, status: int
) -> None:
    with shown_to_the_application(app) as seen:
        answers = [client.get(new(f"{ITEMS}?{query}")) for _ in range(2)]
    assert ([answer.status_code for answer in answers], len(seen)) == ([status] * 2, 2)
    with shown_to_the_application(app) as seen:
        assert client.head(new(ITEMS)).data == b""
        assert client.get(new(ITEMS), headers={"Host": "elsewhere.example"}).status_code == 400
    assert len(seen) == 2


def test_whoever_may_not_read_is_refused(
    app: Flask, client: FlaskClient, headers: Headers, make_user: Callable[..., User], auth: Auth
) -> None:
    user = make_user(role="viewer")
    signed_in = auth(user=user)
    assert client.get(new(CLIENTS), headers=signed_in).status_code == 200
    assert at_once(app, client, new(CLIENTS), headers=signed_in).get_json()["count"] == 0
    assert client.get(new(CLIENTS)).status_code == 401
    assert client.get(new(ITEMS), headers={"Authorization": "Bearer x.y.z"}).status_code == 401
    with app.app_context(), write_transaction():
        db.session.get_one(User, user.id).is_active = False
    assert client.get(new(CLIENTS), headers=signed_in).status_code == 401
    assert client.get(new(ITEMS), headers=signed_in).status_code == 401


def test_each_is_counted_once(make_app: MakeApp, headers: Headers) -> None:
    client = make_app(ratelimit_anon="5/hour").test_client()
    paths = [
        new(ITEMS),
        new(ITEMS),
        new(f"{ITEMS}?search=item"),
        new(ITEMS),
        new(f"{ITEMS}?page=x"),
        new(ITEMS),
    ]
    answers = [client.get(path) for path in paths]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 400, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == list("432100")


def lose_all(app: Flask, change: Callable[[Any], None]) -> None:
    lent = connections.lent_of(app)
    for connection in [lent.take() for _ in range(2)]:
        change(connection.driver_connection)
        lent.give_back(connection)


@pytest.mark.parametrize("loss", [terminate, forget])
def test_a_session_that_is_lost_while_it_lies_at_hand(
    app: Flask, client: FlaskClient, headers: Headers, loss: Callable[[Any], None]
) -> None:
    for _ in range(12):  # until they are prepared
        client.get(new(f"{ITEMS}?price_min=20"))
    lose_all(app, loss)
    answers: list[Mapping[str, Any]] = [client.get(new(f"{ITEMS}?price_min=20")).get_json() for _ in range(4)]
    assert [answer["count"] for answer in answers] == [5] * 4


def test_a_statement_that_takes_too_long_is_not_tried_again(
    app: Flask, client: FlaskClient, headers: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_all(app, lambda connection: connection.execute("SET statement_timeout = '1ms'"))
    slow: list[object] = []
    statement = shaped._made

    def slowly(*arguments: Any, **options: Any) -> Any:
        read, parameters = statement(*arguments, **options)
        slow.append(read)
        text, constants = read._text_and_constants
        read.__dict__["_text_and_constants"] = (text.replace("SELECT ", "SELECT pg_sleep(1), ", 1), constants)
        return read, parameters

    monkeypatch.setattr(shaped, "_made", slowly)
    answer = client.get(new(f"{ITEMS}?price_min=23&brand=one"))
    connections.lent_of(app).engine.dispose()  # with the timeout that was set
    assert (answer.status_code, len(slow)) == (503, 1)
