"""Who may read and write: strangers, viewers, editors; decided before anything else is looked at."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient

from ecatalog.catalog.resource import Resource
from tests.contract.catalogue import Catalogue, ok, refused

NO_TOKEN = {"detail": "Authentication credentials were not provided."}
FORBIDDEN = {"detail": "You do not have permission to perform this action."}
ROW_METHODS = [("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "restore/")]


def test_anonymous_writes(client: FlaskClient, rows: Catalogue, resource: Resource) -> None:
    row = rows.create("A")
    stranger = Catalogue(client, resource, {})
    calls = [("POST", resource_path) for resource_path in (stranger.base,)]
    calls += [(method, stranger.path("A", suffix)) for method, suffix in ROW_METHODS]
    calls += [(method, f"{stranger.base}by-code/{suffix}?code=A") for method, suffix in ROW_METHODS]
    calls += [("GET", stranger.path("A", "history/")), ("GET", f"{stranger.base}by-code/history/?code=A")]
    for method, path in calls:
        answer = stranger.call(method, path, json=stranger.body())
        refused(answer, NO_TOKEN, 401)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    assert ok(rows.get("A")) == row
    assert rows.page()["count"] == 1


def test_anonymous_reads(client: FlaskClient, rows: Catalogue, resource: Resource) -> None:
    row = rows.create("A")
    stranger = Catalogue(client, resource, {})
    paths = ["", "A/", "by-code/?code=A", "changes/"]
    answers = [stranger.call("GET", stranger.base + path) for path in paths]
    if resource.anonymous_read:
        assert [answer.status_code for answer in answers] == [200] * 4
        assert answers[1].get_json() == row
    else:
        for answer in answers:
            refused(answer, NO_TOKEN, 401)
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_clients_alone_need_a_token_to_be_read() -> None:
    from ecatalog.resources import RESOURCES

    reading = {resource.name: resource.anonymous_read for resource in RESOURCES}
    assert reading == {"project": True, "client": False, "nomenklatura": True}


def test_strangers_do_not_learn_what_exists(client: FlaskClient) -> None:
    for path in ("/api/v1/client/nobody/", "/api/v1/client/?page=9", "/api/v1/client/?is_active=x"):
        refused(client.get(path), NO_TOKEN, 401)


def test_viewer(
    client: FlaskClient, rows: Catalogue, resource: Resource, auth: Callable[..., dict[str, str]]
) -> None:
    row = rows.create("V")
    viewer = Catalogue(client, resource, auth("viewer"))
    assert ok(viewer.get("V")) == row
    assert viewer.page()["count"] == 1
    assert viewer.changes()["results"]
    assert len(viewer.history("V")) == 1
    calls = [
        ("POST", viewer.base),
        *((method, viewer.path("V", suffix)) for method, suffix in ROW_METHODS),
    ]
    calls += [(method, f"{viewer.base}by-code/{suffix}?code=V") for method, suffix in ROW_METHODS]
    for method, path in calls:
        refused(viewer.call(method, path, json=viewer.body()), FORBIDDEN, 403)
        # what is in the body does not matter before that
        answer = viewer.call(method, path, data="{", content_type="application/json")
        refused(answer, FORBIDDEN, 403)
    assert ok(rows.get("V")) == row


def test_admin_writes(client: FlaskClient, resource: Resource, auth: Callable[..., dict[str, str]]) -> None:
    Catalogue(client, resource, auth("admin")).create()


def test_bad_token(client: FlaskClient, rows: Catalogue, resource: Resource) -> None:
    rows.create("B")
    stranger = Catalogue(client, resource, {"Authorization": "Bearer nonsense"})
    for method, path in (("GET", stranger.base), ("GET", stranger.path("B")), ("POST", stranger.base)):
        answer = stranger.call(method, path, json=stranger.body())
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'
        body = answer.get_json()
        assert body["detail"] == "Given token not valid for any token type"
        assert body["code"] == "token_not_valid"
