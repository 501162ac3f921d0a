"""``flask demo seed``: fills an empty catalogue once, and touches nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from ecatalog.auth.models import User
from ecatalog.catalog.models import HistoryEntry
from ecatalog.cli.demo_data import demo_items, demo_projects
from ecatalog.database import write_transaction
from ecatalog.extensions import db
from tests.cli.conftest import WriteRows
from tests.conftest import MakeUser

MakeApp = Callable[..., Flask]


@pytest.fixture
def development(app: Flask, make_app: MakeApp) -> Flask:
    """An application in development. (``app`` is asked for first: making it would end the other.)"""
    return make_app(debug=True)


def seed(app: Flask, *options: str) -> Result:
    return app.test_cli_runner().invoke(args=["demo", "seed", *options])


def stats(app: Flask) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        app.test_cli_runner().invoke(args=["catalog", "stats", "--json"]).stdout
    )
    return found


def users(app: Flask) -> list[tuple[str, str, str]]:
    with app.app_context():
        return [(user.name, user.role, user.password_hash) for user in db.session.scalars(sa.select(User))]


def test_seed_fills_an_empty_catalogue_once(development: Flask) -> None:
    client = development.test_client()
    result = seed(development, "--if-empty")

    assert result.exit_code == 0, result.output
    before = stats(development)
    assert {row["resource"]: row["live"] for row in before} == {
        "client": 500,
        "nomenklatura": 2000,
        "project": 3,
    }
    assert all(row["live"] == row["counted"] for row in before)
    _check_api(client, result)
    _check_history(development)

    before_users = users(development)
    for _ in range(2):
        again = seed(development, "--if-empty")
        assert again.exit_code == 0
        assert len(again.stdout.splitlines()) == 1
        assert "flask user password demo" in again.stdout
        assert '"demo"' in again.stdout
    refused = seed(development)
    assert refused.exit_code == 1
    assert refused.stdout == ""
    assert "has rows already" in refused.stderr
    assert stats(development) == before
    assert (
        [user[:2] for user in users(development)]
        == [user[:2] for user in before_users]
        == [("demo", "admin")]
    )


def _check_api(client: Any, result: Result) -> None:
    """The password that was printed signs in, and the rows are there as they were made."""
    password = re.search(r"password +(\S+)", result.stdout)
    assert password is not None
    assert len(password[1]) >= 16
    token = client.post("/api/token/", json={"username": "demo", "password": password[1]})
    assert token.status_code == 200
    headers = {"Authorization": f"Bearer {token.get_json()['access']}"}
    assert client.get("/api/v1/client/", headers=headers).get_json()["count"] == 500
    assert client.get("/api/v1/nomenklatura/?search=шоколад").get_json()["count"] > 20
    row = demo_items(demo_projects())[0]
    answer = client.get("/api/v1/nomenklatura/by-code/", query_string={"code": row["code_1c"]}).get_json()
    assert answer["name"] == row["name"]
    assert answer["project"]["code_1c"] == row["project"]


def _check_history(app: Flask) -> None:
    """Written by the way that every write takes."""
    statement = sa.select(HistoryEntry.source, HistoryEntry.action, sa.func.count()).group_by(
        HistoryEntry.source, HistoryEntry.action
    )
    with app.app_context():
        assert [tuple(row) for row in db.session.execute(statement)] == [("demo", "create", 2503)]


def test_a_user_of_that_name_is_left_alone(development: Flask, make_user: MakeUser) -> None:
    make_user("Demo", role="viewer")
    before = users(development)
    result = seed(development)
    assert result.exit_code == 0, result.output
    assert users(development) == before
    assert "was there before" in result.stdout
    assert not re.search(r"password +\w{4}-", result.stdout)


def test_production_needs_force(app: Flask) -> None:
    for options in ([], ["--if-empty"]):
        result = seed(app, *options)
        assert result.exit_code == 1
        assert "--force" in result.stderr
    assert [row["live"] for row in stats(app)] == [0, 0, 0]

    result = seed(app, "--force", "--no-users")

    assert result.exit_code == 0, result.output
    assert [row["live"] for row in stats(app)] == [500, 2000, 3]
    assert users(app) == []
    assert "password" not in result.stdout


def test_one_deleted_row_is_enough_to_refuse(make_app: MakeApp, write_rows: WriteRows) -> None:
    write_rows("project", {"code_1c": "P1", "name": "Old", "is_deleted": True})
    app = make_app(debug=True)
    assert seed(app).exit_code == 1
    skipped = seed(app, "--if-empty")
    assert skipped.exit_code == 0
    assert len(skipped.stdout.splitlines()) == 1
    assert users(app) == []
    assert [row["live"] for row in stats(app)] == [0, 0, 0]


def test_a_seed_that_fails_leaves_an_empty_catalogue(development: Flask) -> None:
    def rename(old: str, new: str) -> None:
        with development.app_context(), write_transaction():
            db.session.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))

    rename("app_user", "away")
    try:
        result = seed(development, "--if-empty")
    finally:
        rename("away", "app_user")
    assert result.exit_code == 1
    assert "The database refused" in result.stderr
    assert [row["live"] for row in stats(development)] == [0, 0, 0]
    assert seed(development, "--if-empty").exit_code == 0
    assert [row["live"] for row in stats(development)] == [500, 2000, 3]
