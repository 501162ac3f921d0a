"""``flask catalog reindex``: whatever was done around the application, searches find their rows again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.catalog import reindex
from ecatalog.extensions import db
from ecatalog.nomenklatura.models import Nomenklatura
from ecatalog.nomenklatura.resource import NOMENKLATURA
from tests.cli.conftest import Run, WriteRows

BASE = "/api/v1/nomenklatura/"


@pytest.fixture
def shop(write_rows: WriteRows) -> None:
    write_rows("project", {"code_1c": "P1", "name": "Дўкон"})
    write_rows(
        "nomenklatura",
        {"code_1c": "1", "name": "Шоколад сутли"},
        {"code_1c": "2", "name": "Чой"},
        {"code_1c": "3", "name": "Шоколад қора", "is_deleted": True},
    )


@pytest.fixture
def execute(app: Flask) -> Callable[[str], None]:
    """Run a statement around the application."""

    def run_statement(statement: str) -> None:
        with app.app_context(), db.engine.begin() as connection:
            connection.exec_driver_sql(statement)

    return run_statement


def codes(client: FlaskClient, query: str, **parameters: str) -> list[str]:
    page = client.get(BASE, query_string={"search": query, **parameters}).get_json()
    return [row["code_1c"] for row in page["results"]]


def reindexed(run: Run, *names: str) -> dict[str, tuple[int, int]]:
    result = run("catalog", "reindex", "--json", *names)
    assert result.exit_code == 0, result.output
    return {row["resource"]: (row["rows"], row["changed"]) for row in json.loads(result.stdout)}


def state(app: Flask, client: FlaskClient) -> tuple[Any, ...]:
    """The list's tag, the rows' own ticks, and what the change feed tells."""
    with app.app_context():
        ticks = db.session.execute(sa.select(Nomenklatura.id, Nomenklatura.tick).order_by("id")).all()
    return client.get(BASE).headers["ETag"], ticks, client.get(f"{BASE}changes/").get_json()["results"]


@pytest.mark.usefixtures("shop")
def test_what_is_right_is_only_read(app: Flask, client: FlaskClient, run: Run) -> None:
    before = state(app, client)
    assert reindexed(run) == {"client": (0, 0), "nomenklatura": (3, 0), "project": (1, 0)}
    assert reindexed(run, "nomenklatura") == {"nomenklatura": (3, 0)}
    assert state(app, client) == before


@pytest.mark.usefixtures("shop")
def test_texts_of_an_earlier_release(
    app: Flask, client: FlaskClient, run: Run, execute: Callable[[str], None]
) -> None:
    execute("UPDATE nomenklatura SET search_text = 'old'")
    execute("DELETE FROM nomenklatura_word")
    assert codes(client, "shokolad") == codes(client, "шакалад") == []
    before = state(app, client)
    assert reindexed(run)["nomenklatura"] == (3, 3)
    assert codes(client, "shokolad") == codes(client, "шакалад") == ["1"]
    tag, *rest = state(app, client)
    assert tag != before[0]
    assert tuple(rest) == before[1:]
    assert client.post(f"{BASE}3/restore/").status_code == 401
    assert reindexed(run)["nomenklatura"] == (3, 0)


DAMAGE = (
    "DELETE FROM nomenklatura_search",
    "UPDATE nomenklatura_search SET created_at = '2020-01-01 00:00:00'",
    "INSERT INTO nomenklatura_search (id, created_at, search_text) "
    "VALUES (77, '2026-01-01 00:00:00', 'shokolad')",
    "INSERT INTO nomenklatura_search (id, created_at, search_text) "
    "SELECT id, created_at, 'shokolad' FROM nomenklatura WHERE is_deleted",
    "DELETE FROM nomenklatura_word",
)
DAMAGE_OF_SQLITE = ("INSERT INTO nomenklatura_trigrams (nomenklatura_trigrams) VALUES ('delete-all')",)


@pytest.mark.usefixtures("shop")
def test_damaged_search_tables(
    client: FlaskClient, run: Run, execute: Callable[[str], None], database_kind: str
) -> None:
    for statement in DAMAGE + (DAMAGE_OF_SQLITE if database_kind == "sqlite" else ()):
        execute(statement)
        reindexed(run, "nomenklatura")
        assert codes(client, "шоколад") == ["1"], statement
        assert codes(client, "шакалад") == ["1"], statement
        assert reindexed(run, "nomenklatura") == {"nomenklatura": (3, 0)}, statement


@pytest.mark.usefixtures("shop")
def test_rows_that_are_written_meanwhile(
    app: Flask,
    client: FlaskClient,
    execute: Callable[[str], None],
    auth: Callable[..., dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reindex, "CHUNK", 1)
    headers = auth()
    execute("UPDATE nomenklatura SET search_text = 'old'")
    with app.app_context():
        for number, _ in enumerate(reindex.reindex(NOMENKLATURA)):
            if number == 0:
                client.patch(f"{BASE}1/", json={"name": "Мармелад"}, headers=headers)
                client.patch(f"{BASE}2/", json={"name": "Қаҳва"}, headers=headers)
                client.post(BASE, json={"code_1c": "4", "name": "Новвот"}, headers=headers)
    assert [codes(client, name) for name in ("мармелад", "қаҳва", "новвот")] == [["1"], ["2"], ["4"]]
    assert codes(client, "шоколад", fuzzy="false") == codes(client, "old", fuzzy="false") == []


def test_shown_as_a_table(run: Run) -> None:
    result = run("catalog", "reindex")
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines() if "project" in line] == [
        ["project", "0", "0"]
    ]


def test_an_unknown_resource(run: Run) -> None:
    result = run("catalog", "reindex", "colours")
    assert result.exit_code == 2
    assert "colours" in result.stderr
