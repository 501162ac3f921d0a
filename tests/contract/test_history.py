"""The history of a row: who changed it when, by which way, and each field's old and new value."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient

from ecatalog.catalog.resource import Resource
from tests.conftest import MakeUser
from tests.contract.bodies import samples, writable
from tests.contract.catalogue import Catalogue, ok, refused

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def test_life_of_a_row(
    client: FlaskClient, resource: Resource, make_user: MakeUser, auth: Callable[..., dict[str, str]]
) -> None:
    users = [make_user(name) for name in ("Анвар", "Bahor")]
    first, second = (Catalogue(client, resource, auth(user=user)) for user in users)
    first.call("POST", first.base, json=first.body("H", name="Old"), headers={"X-Request-ID": "req-1"})
    second.patch("H", {"name": "New"}, headers={"X-Request-ID": "req-2"})
    second.delete("H", headers={"X-Request-ID": "req-3"})
    first.restore("H", headers={"X-Request-ID": "req-4"})
    entries = first.history("H")
    for entry in entries:
        assert list(entry) == ["at", "user", "source", "request_id", "action", "fields"]
        assert TIMESTAMP.fullmatch(entry["at"])
        assert entry["source"] == "api"
    assert [(entry["user"], entry["request_id"], entry["action"], entry["fields"]) for entry in entries] == [
        ("Анвар", "req-4", "restore", {"is_deleted": {"old": True, "new": False}}),
        ("Bahor", "req-3", "delete", {"is_deleted": {"old": False, "new": True}}),
        ("Bahor", "req-2", "update", {"name": {"old": "Old", "new": "New"}}),
        ("Анвар", "req-1", "create", {}),
    ]
    times = [entry["at"] for entry in entries]
    assert times == sorted(times, reverse=True)
    row = ok(first.get("H"))
    assert (times[0], times[-1]) == (row["updated_at"], row["created_at"])


def test_every_field_is_told_as_the_api_shows_it(rows: Catalogue) -> None:
    both = {name: samples(field) for name, field in writable(rows.resource).items()}
    rows.create("F", **{name: old for name, (old, _) in both.items()})
    rows.patch("F", {name: new for name, (_, new) in both.items()})
    told = rows.history("F")[0]["fields"]
    assert told == {name: {"old": old, "new": new} for name, (old, new) in both.items()}


def test_only_what_changed(rows: Catalogue) -> None:
    row = rows.create("O", name="Same")
    rows.put("O", {**row, "is_active": False})
    assert rows.history("O")[0]["fields"] == {"is_active": {"old": True, "new": False}}


def test_the_project(children: Catalogue, projects: Catalogue) -> None:
    first, second = projects.create("P1"), projects.create("P2")
    children.create("C", project_id=first["id"])
    children.patch("C", {"project": "P2"})
    children.patch("C", {"project": None})
    told = [entry["fields"] for entry in children.history("C")]
    assert told == [
        {"project_id": {"old": second["id"], "new": None}},
        {"project_id": {"old": first["id"], "new": second["id"]}},
        {},
    ]


def test_refused_and_empty_writes_leave_none(rows: Catalogue) -> None:
    rows.create("N")
    rows.patch("N", {})
    rows.patch("N", {"is_active": "?"})
    rows.patch("N", {"name": "x"}, headers={"If-Match": '"x"'})
    rows.post(rows.body("N"))
    rows.restore("N")
    assert [entry["action"] for entry in rows.history("N")] == ["create"]


def test_needs_a_token(client: FlaskClient, rows: Catalogue) -> None:
    rows.create("T")
    answer = client.get(rows.path("T", "history/"))
    refused(answer, {"detail": "Authentication credentials were not provided."}, 401)


def test_deleted_rows_keep_theirs(rows: Catalogue) -> None:
    rows.create("D")
    rows.delete("D")
    assert [entry["action"] for entry in rows.history("D")] == ["delete", "create"]
    assert ok(rows.by_code("GET", "D", "history/"))["count"] == 2


def test_unknown_row(rows: Catalogue) -> None:
    message = {"detail": f"No {rows.resource.label} matches the given query."}
    refused(rows.get("nobody", "history/"), message, 404)


def test_is_a_list(rows: Catalogue) -> None:
    rows.create("L", name="0")
    for number in range(1, 5):
        rows.patch("L", {"name": str(number)})
    whole = ok(rows.get("L", "history/"))
    assert list(whole) == ["count", "next", "previous", "results"]
    assert (whole["count"], whole["next"], whole["previous"]) == (5, None, None)
    for query in ({"page_size": 2}, {"limit": 2}, {"cursor": "", "page_size": 2}):
        page = ok(rows.get("L", "history/", query_string=query))
        seen = list(page["results"])
        assert page["next"].startswith(f"http://localhost{rows.path('L', 'history/')}?")
        while page["next"]:
            page = ok(rows.call("GET", page["next"]))
            seen += page["results"]
        assert seen == whole["results"]
    refused(rows.get("L", "history/", query_string={"page": 9}), {"detail": "Invalid page."}, 404)


def test_rows_do_not_mix(rows: Catalogue, projects: Catalogue, app: Flask) -> None:
    rows.create("A")
    rows.create("B")
    rows.patch("A", {"name": "x"})
    projects.create("A-1")
    assert len(rows.history("A")) == 2
    assert len(rows.history("B")) == 1
