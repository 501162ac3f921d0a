"""``flask audit`` over the history of rows: search, export, expiry."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.audit import expiry, trail
from ecatalog.catalog.models import HistoryEntry
from ecatalog.database import utc_now, write_transaction
from ecatalog.extensions import db
from tests.audit.conftest import Run, Search
from tests.conftest import MakeUser

Auth = Callable[..., dict[str, str]]


@pytest.fixture
def lived(client: FlaskClient, make_user: MakeUser, auth: Auth) -> None:
    """Two users' work on a project and an item of the same code."""
    anvar, bahor = auth(user=make_user("Anvar")), auth(user=make_user("Bahor"))
    body = {"code_1c": "A/1", "name": "=1+1"}
    assert client.post("/api/v1/project/", json=body, headers=anvar).status_code == 201
    assert client.post("/api/v1/nomenklatura/", json=body, headers=anvar).status_code == 201
    change = {"name": "Чой", "base_price": "5.00"}
    named = bahor | {"X-Request-ID": "req-7"}
    assert client.patch("/api/v1/nomenklatura/A/1/", json=change, headers=named).status_code == 200
    assert client.delete("/api/v1/nomenklatura/A/1/", headers=anvar).status_code == 204


ROWS = ("--source", "api")


@pytest.mark.parametrize(
    ("options", "actions"),
    [
        ((), ["delete", "update", "create", "create"]),
        (("--user", "ANVAR"), ["delete", "create", "create"]),
        (("--user", "Bahor"), ["update"]),
        (("--user", "Nobody"), []),
        (("--resource", "nomenklatura"), ["delete", "update", "create"]),
        (("--resource", "user"), []),
        (("--resource", "client"), []),
        (("--code", "A/1"), ["delete", "update", "create", "create"]),
        (("--code", "A/1", "--resource", "project"), ["create"]),
        (("--code", "A"), []),
        (("--field", "base_price"), ["update"]),
        (("--field", "is_deleted"), ["delete"]),
        (("--field", "title"), []),
        (("--action", "create"), ["create", "create"]),
        (("--source", "cli"), []),
        (("--since", "2020-01-01"), ["delete", "update", "create", "create"]),
        (("--until", "2020-01-01"), []),
        (("--limit", "1"), ["delete"]),
    ],
)
def test_search(lived: None, search: Search, options: tuple[str, ...], actions: list[str]) -> None:
    if "--source" not in options:
        options += ROWS
    assert [entry["action"] for entry in search(*options)] == actions


def test_an_entry_tells_all(lived: None, search: Search) -> None:
    (entry,) = search("--user", "Bahor")
    assert entry["at"] == entry["last_at"]
    assert entry | {"at": "", "last_at": "", "id": 0} == {
        "at": "",
        "last_at": "",
        "count": 1,
        "user": "Bahor",
        "source": "api",
        "address": None,
        "request_id": "req-7",
        "resource": "nomenklatura",
        "id": 0,
        "code": "A/1",
        "action": "update",
        "fields": {"name": {"old": "=1+1", "new": "Чой"}, "base_price": {"old": None, "new": "5.00"}},
    }


def test_times_are_exact(lived: None, search: Search) -> None:
    entries = search(*ROWS)
    update = entries[1]["at"]
    assert search(*ROWS, "--since", update) == entries[:2]
    assert search(*ROWS, "--until", update) == entries[1:]


def test_the_table_is_for_people(lived: None, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # on a narrow terminal the words are broken into lines
    output = run("audit", "search", "--user", "Bahor").stdout
    assert "name: =1+1 → Чой" in output
    assert "base_price: null → 5.00" in output


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--resource", "goods"), 'There is no resource "goods"'),
        (("--field", 'a"b'), "is no name of a field"),
        (("--since", "yesterday"), "Date has wrong format"),
        (("--limit", "0"), "not in the range"),
    ],
)
def test_mistakes_are_told(run: Run, options: tuple[str, ...], told: str) -> None:
    result = run("audit", "search", *options)
    assert result.exit_code == 2
    assert told in result.stderr


def test_export_ndjson(lived: None, run: Run, search: Search, tmp_path: Path) -> None:
    path = tmp_path / "trail.ndjson"
    assert run("audit", "export", str(path), *ROWS).exit_code == 0
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert lines == search(*ROWS)[::-1]
    piped = run("audit", "export", "-", "--format", "ndjson", *ROWS)
    assert piped.stdout == path.read_text("utf-8")


def test_export_csv(lived: None, run: Run, search: Search, tmp_path: Path) -> None:
    path = tmp_path / "trail.csv"
    assert run("audit", "export", str(path), "--user", "Bahor").exit_code == 0
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig")), delimiter=";"))
    (entry,) = search("--user", "Bahor")
    assert list(rows[0]) == list(entry)
    assert json.loads(rows[0]["fields"]) == entry["fields"]


def test_export_needs_a_form(run: Run, tmp_path: Path) -> None:
    assert "--format ndjson|csv" in run("audit", "export", str(tmp_path / "trail.xlsx")).stderr


def test_more_than_one_batch(
    lived: None, app: Flask, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = search()
    with app.app_context(), write_transaction():  # several at one instant: the batch may end among them
        db.session.execute(sa.update(HistoryEntry).values(at=utc_now()))
    monkeypatch.setattr(trail, "BATCH", 2)
    for found in (search(), search("--user", "Anvar") + search("--user", "Bahor")):
        assert sorted(entry["id"] or 0 for entry in found) == sorted(entry["id"] or 0 for entry in whole)


def age(app: Flask, days: int, *actions: str) -> None:
    with app.app_context(), write_transaction():
        old = sa.update(HistoryEntry).where(HistoryEntry.action.in_(actions))
        db.session.execute(old.values(at=utc_now() - timedelta(days=days)))


def test_expiry(lived: None, app: Flask, run: Run, search: Search) -> None:
    age(app, 1826, "create", "update")
    result = run("audit", "clean")
    assert result.stdout == "Deleted 3 entries of rows and 0 of users.\n"
    assert [entry["action"] for entry in search(*ROWS)] == ["delete"]
    assert run("audit", "clean").stdout == "Deleted 0 entries of rows and 0 of users.\n"


def test_expiry_keeps_to_the_setting(lived: None, make_app: Callable[..., Flask]) -> None:
    """(The tables are emptied by ``make_app``, so nothing is there but what this test writes.)"""
    app = make_app(history_keep_days=2)
    with app.app_context():
        with write_transaction():
            for days in (1, 3):
                db.session.add(
                    HistoryEntry(
                        resource="project",
                        row_id=days,
                        tick=1,
                        at=utc_now() - timedelta(days=days),
                        source="api",
                        action="create",
                        fields={},
                    )
                )
        assert expiry.clean() == (1, 0)
        assert db.session.scalars(sa.select(HistoryEntry.row_id)).all() == [1]


def test_expiry_goes_in_small_batches(lived: None, app: Flask) -> None:
    age(app, 5000, "create", "update", "delete")
    sizes: list[int] = []
    with app.app_context():

        @sa.event.listens_for(db.session, "before_commit")
        def look(_session: object) -> None:
            left = db.session.scalar(sa.select(sa.func.count()).select_from(HistoryEntry))
            sizes.append(left or 0)

        try:
            assert expiry.clean(batch=2) == (4, 0)
        finally:
            sa.event.remove(db.session, "before_commit", look)
    assert sizes[:2] == [2, 0]


def test_viewers_read_no_names_but_their_own(
    client: FlaskClient, lived: None, make_user: MakeUser, auth: Auth, app: Flask
) -> None:
    viewer = make_user("Vali", role="viewer")
    path = "/api/v1/project/A/1/history/"

    def names(headers: dict[str, str]) -> list[str | None]:
        return [entry["user"] for entry in client.get(path, headers=headers).get_json()["results"]]

    for role in ("editor", "admin"):
        assert names(auth(role)) == ["Anvar"]
    headers = auth(user=viewer)
    assert names(headers) == [None]
    assert "Anvar" not in client.get("/api/v1/nomenklatura/by-code/history/?code=A/1", headers=headers).text
    with app.app_context(), write_transaction():  # who was an editor before
        db.session.execute(sa.update(HistoryEntry).values(user_id=viewer.id, user_name="Vali"))
    assert names(headers) == ["Vali"]


def test_a_value_cannot_tell_of_another_field(client: FlaskClient, auth: Auth, run: Run) -> None:
    name = "x\nis_active: true → false\u2028\u2029"
    assert (
        client.post("/api/v1/project/", json={"code_1c": "F", "name": "a"}, headers=auth()).status_code == 201
    )
    assert client.patch("/api/v1/project/F/", json={"name": name}, headers=auth()).status_code == 200
    told = run("audit", "search", "--code", "F", "--action", "update").output
    assert r"name: a → x\nis_active: true → false" in told
    assert not {"\u2028", "\u2029"} & set(told)
