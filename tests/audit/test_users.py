"""``flask audit`` over what happens to users: sign-ins, failed ones, roles, passwords, tokens killed."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.auth import events
from ecatalog.auth.models import AuditEvent, User
from ecatalog.auth.tokens import GRACE
from ecatalog.database import utc_now
from ecatalog.extensions import db
from tests.audit.conftest import Entry, Run, Search
from tests.conftest import MakeUser

PASSWORD = "olma-daraxti-7"
OTHER = "anor-daraxti-8"
PEER = {"REMOTE_ADDR": "203.0.113.7"}


@pytest.fixture
def anvar(make_user: MakeUser) -> User:
    return make_user("Anvar", password=PASSWORD)


def sign_in(client: FlaskClient, name: str, password: str, address: str = "203.0.113.7") -> Any:
    body = {"username": name, "password": password}
    return client.post("/api/token/", json=body, environ_base={"REMOTE_ADDR": address})


def told(entry: Entry) -> tuple[Any, ...]:
    return tuple(entry[name] for name in ("action", "user", "code", "source", "address", "count", "fields"))


def test_sign_in(client: FlaskClient, anvar: User, search: Search) -> None:
    assert sign_in(client, "ANVAR", PASSWORD).status_code == 200
    (entry,) = search("--user", "anvar")
    assert told(entry) == ("sign_in", "Anvar", "Anvar", "api", "203.0.113.7", 1, {})
    assert (entry["resource"], entry["id"]) == ("user", anvar.id)
    assert entry["request_id"]


def test_failed_sign_ins_count_by_hour_account_and_address(
    client: FlaskClient, anvar: User, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utc_now().replace(minute=30)
    monkeypatch.setattr("ecatalog.auth.events.utc_now", lambda: now)
    for _ in range(3):
        assert sign_in(client, "Anvar", "wrong").status_code == 401
    sign_in(client, "Anvar", "wrong", address="2001:db8:1:2::1")
    sign_in(client, "Anvar", "wrong", address="2001:db8:1:2::2")  # the same /64
    found = search("--action", "sign_in_failed", "--user", "Anvar")
    assert sorted(map(told, found), key=str) == [
        ("sign_in_failed", None, "Anvar", "api", "2001:db8:1:2::/64", 2, {}),
        ("sign_in_failed", None, "Anvar", "api", "203.0.113.7", 3, {}),
    ]


def test_the_hour_decides(
    client: FlaskClient, anvar: User, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = utc_now().replace(minute=59, second=59)
    for later in (0, 60):
        monkeypatch.setattr("ecatalog.auth.events.utc_now", lambda later=later: start + 0.1 * later * GRACE)
        sign_in(client, "Anvar", "wrong")
    assert [entry["count"] for entry in search("--action", "sign_in_failed")] == [1, 1]


def test_names_that_nobody_has_are_not_kept(client: FlaskClient, anvar: User, app: Flask) -> None:
    for name in ("my-secret-password", "another", PASSWORD):
        assert sign_in(client, name, "x").status_code == 401
    with app.app_context():
        rows = db.session.execute(sa.select(AuditEvent.__table__)).mappings().all()
    assert len(rows) == 1
    assert rows[0]["count"] == 3
    assert not any("secret" in str(value) or PASSWORD in str(value) for value in rows[0].values())


def test_a_disabled_user_s_sign_in_failed(client: FlaskClient, anvar: User, run: Run, search: Search) -> None:
    run("user", "disable", "Anvar")
    assert sign_in(client, "Anvar", PASSWORD).status_code == 401
    assert told(search()[0])[:3] == ("sign_in_failed", None, "Anvar")


def test_strangers_cannot_fill_the_disk(
    client: FlaskClient, anvar: User, search: Search, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_FAILURE_ROWS", 3)
    now = utc_now().replace(minute=30)
    monkeypatch.setattr("ecatalog.auth.events.utc_now", lambda: now)
    for number in range(9):
        assert sign_in(client, "Anvar", "wrong", address=f"198.51.100.{number}").status_code == 401
    sign_in(client, "Anvar", "wrong", address="198.51.100.0")  # which has its row
    found = search("--action", "sign_in_failed")
    assert sorted((entry["count"], entry["address"]) for entry in found if entry["address"]) == [
        (1, "198.51.100.1"),
        (1, "198.51.100.2"),
        (2, "198.51.100.0"),
    ]
    assert [entry["count"] for entry in found if entry["address"] is None] == [6]


def test_throttled_attempts_write_nothing(
    make_app: Callable[..., Flask], anvar: User, search: Search
) -> None:
    client = make_app(ratelimit_signin="2/hour").test_client()
    statuses = [sign_in(client, "Anvar", "wrong").status_code for _ in range(5)]
    assert statuses == [401, 401, 429, 429, 429]
    with client.application.app_context():
        assert sum(db.session.scalars(sa.select(AuditEvent.count))) == 2


def test_parallel_failures_are_all_counted(app: Flask, anvar: User, search: Search) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: sign_in(app.test_client(), "Anvar", "wrong"), range(16)))
    assert {answer.status_code for answer in answers} == {401}
    assert sum(entry["count"] for entry in search("--action", "sign_in_failed")) == 16


def test_a_refusal_does_not_depend_on_the_trail(
    client: FlaskClient, anvar: User, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE audit_event RENAME TO audit_event_away")
    try:
        answer = sign_in(client, "Anvar", "wrong")
    finally:
        with app.app_context(), db.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE audit_event_away RENAME TO audit_event")
    assert answer.status_code == 401
    assert "could not be written down" in caplog.text


def test_the_life_of_a_user(run: Run, search: Search) -> None:
    assert run("user", "create", "Bahor", "--password-stdin", input=PASSWORD).exit_code == 0
    run("user", "role", "Bahor", "editor")
    run("user", "role", "Bahor", "editor")  # changes nothing
    run("user", "password", "Bahor", "--password-stdin", input=OTHER)
    for command in ("disable", "disable", "enable", "enable"):
        run("user", command, "Bahor")
    operator = getpass.getuser()
    assert [told(entry) for entry in search("--resource", "user", "--code", "bahor")[::-1]] == [
        ("user_created", operator, "Bahor", "cli", None, 1, {"role": "viewer"}),
        ("role_changed", operator, "Bahor", "cli", None, 1, {"role": {"old": "viewer", "new": "editor"}}),
        ("password_changed", operator, "Bahor", "cli", None, 1, {}),
        ("user_disabled", operator, "Bahor", "cli", None, 1, {}),
        ("user_enabled", operator, "Bahor", "cli", None, 1, {}),
    ]
    assert [entry["action"] for entry in search("--field", "role")] == ["role_changed", "user_created"]
    assert len(search("--user", operator)) == 5


def test_a_refused_change_leaves_no_event(run: Run, make_user: MakeUser, search: Search) -> None:
    make_user("Admin", role="admin")
    assert run("user", "role", "Admin", "viewer").exit_code == 1
    assert run("user", "disable", "Admin").exit_code == 1
    assert run("user", "password", "Admin", "--password-stdin", input="short").exit_code == 1
    assert search() == []


def test_tokens_that_were_killed(
    client: FlaskClient, anvar: User, run: Run, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = [sign_in(client, "Anvar", PASSWORD).get_json() for _ in range(4)]
    assert client.post("/api/token/logout/", json={"refresh": pairs[0]["refresh"]}).status_code == 200
    assert client.post("/api/token/logout/", json={"refresh": pairs[0]["refresh"]}).status_code == 401
    used = {"refresh": pairs[1]["refresh"]}
    statuses = [client.post("/api/token/refresh/", json=used).status_code for _ in range(4)]
    assert statuses == [200, 200, 401, 401]
    run("user", "password", "Anvar", "--password-stdin", input=OTHER)
    sign_in(client, "Anvar", OTHER)
    run("user", "disable", "Anvar")
    killed = [told(entry) for entry in search("--action", "tokens_revoked")[::-1]]
    assert [(fields["reason"], user, source) for _, user, _, source, _, _, fields in killed] == [
        ("sign_out", "Anvar", "api"),
        ("reuse", "Anvar", "api"),
        ("password_changed", getpass.getuser(), "cli"),
        ("user_disabled", getpass.getuser(), "cli"),
    ]
    assert [entry[-1].get("families") for entry in killed] == [None, None, 2, 1]


def test_a_user_who_was_deleted_keeps_their_trail(
    client: FlaskClient, anvar: User, app: Flask, search: Search
) -> None:
    sign_in(client, "Anvar", PASSWORD)
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.delete(User).where(User.id == anvar.id))
    assert [entry["action"] for entry in search("--user", "Anvar")] == ["sign_in"]
    assert search("--code", "Anvar") == search("--user", "Anvar")


def test_expiry(make_app: Callable[..., Flask], anvar: User) -> None:
    app = make_app(audit_keep_days=1)
    client = app.test_client()
    assert sign_in(client, "Anvar", PASSWORD).status_code == 200
    sign_in(client, "Anvar", "wrong")
    with app.app_context(), db.engine.begin() as connection:
        old = sa.update(AuditEvent).where(AuditEvent.action == "sign_in")
        connection.execute(old.values(at=utc_now() - 8650 * GRACE))
    runner = app.test_cli_runner()
    assert runner.invoke(args=["audit", "clean"]).stdout == "Deleted 0 entries of rows and 1 of users.\n"
    with app.app_context():
        assert db.session.scalars(sa.select(AuditEvent.action)).all() == ["sign_in_failed"]
