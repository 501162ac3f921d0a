"""``flask catalog``: counts, single rows, the clock after foreign writes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.database import write_transaction
from ecatalog.extensions import db
from tests.cli.conftest import Run, WriteRows

ESCAPE = "\x1b"


@pytest.fixture
def shop(write_rows: WriteRows) -> None:
    """Two projects; the item "7" in both and in none, "007" in one; a deleted item, an inactive item."""
    write_rows(
        "project",
        {"code_1c": "P1", "name": "Дўкон"},
        {"code_1c": "P/2 #", "name": "Склад"},
    )
    write_rows(
        "nomenklatura",
        {"code_1c": "7", "name": "Шоколад", "project": "P1", "base_price": "12000"},
        {"code_1c": "7", "name": "Choy", "project": "P/2 #"},
        {"code_1c": "7", "name": "Мёд"},
        {"code_1c": "007", "name": "Qand", "project": "P1", "is_active": False},
        {"code_1c": "СТ/1 № 5", "name": "Туз", "project": "P/2 #"},
        {"code_1c": "gone", "name": "Eski", "project": "P1", "is_deleted": True},
    )


def stats(run: Run) -> dict[str, dict[str, Any]]:
    result = run("catalog", "stats", "--json")
    assert result.exit_code == 0, result.output
    return {row["resource"]: row for row in json.loads(result.stdout)}


@pytest.mark.usefixtures("shop")
def test_stats_count_live_active_and_deleted_rows(run: Run) -> None:
    found = stats(run)
    assert list(found) == ["client", "nomenklatura", "project"]
    row = found["nomenklatura"]
    assert (row["live"], row["active"], row["deleted"]) == (5, 4, 1)
    assert row["last_change"].endswith("Z")
    assert row["tick"] > 1_700_000_000_000_000  # microseconds of our times
    assert found["client"]["live"] == 0
    assert found["client"]["last_change"] is None


@pytest.mark.usefixtures("shop")
def test_stats_for_people_are_a_table(run: Run) -> None:
    result = run("catalog", "stats")
    assert result.exit_code == 0
    line = next(line for line in result.stdout.splitlines() if "nomenklatura" in line)
    assert line.split()[:4] == ["nomenklatura", "5", "4", "1"]
    assert result.stderr == ""


@pytest.mark.usefixtures("shop")
def test_touch_takes_a_tick_and_counts_anew_after_foreign_writes(
    run: Run, app: Flask, client: FlaskClient
) -> None:
    url = "/api/v1/nomenklatura/"
    tag = client.get(url).headers["ETag"]
    with app.app_context(), write_transaction():
        db.session.execute(sa.text("DELETE FROM nomenklatura WHERE code_1c = '007'"))
    before = stats(run)["nomenklatura"]
    assert (before["live"], before["counted"]) == (4, 5)
    assert "flask catalog touch nomenklatura" in run("catalog", "stats").stderr
    assert client.get(url, headers={"If-None-Match": tag}).status_code == 304

    result = run("catalog", "touch", "nomenklatura", "--json")

    assert result.exit_code == 0, result.output
    [touched] = json.loads(result.stdout)
    after = stats(run)["nomenklatura"]
    assert touched["tick"] == after["tick"] > before["tick"]
    assert touched["live"] == after["live"] == after["counted"] == 4
    answer = client.get(url, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.get_json()["count"]) == (200, 4)


@pytest.mark.usefixtures("shop")
def test_touch_keeps_the_epoch_unless_told_otherwise(run: Run, client: FlaskClient) -> None:
    def touch(*options: str) -> Any:
        result = run("catalog", "touch", "nomenklatura", "--json", *options)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)[0]["epoch"]

    feed = "/api/v1/nomenklatura/changes/"
    cursor = client.get(feed).get_json()["next"]
    before = touch()
    assert touch() == before
    assert client.get(feed, query_string={"since": cursor}).status_code == 200
    assert touch("--new-epoch") != before
    assert client.get(feed, query_string={"since": cursor}).status_code == 410


def test_touch_takes_several_resources_and_shows_a_table(run: Run) -> None:
    result = run("catalog", "touch", "project", "client", "project")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines() if line.strip()][2:] == [
        "client",
        "project",
    ]


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["007"], "Qand"),
        (["  007 "], "Qand"),
        (["СТ/1 № 5"], "Туз"),
        (["7", "--project", "P1"], "Шоколад"),
        (["7", "--project", "P/2 #"], "Choy"),
        (["7", "--project-id", "null"], "Мёд"),
        (["gone", "--deleted"], "Eski"),
        (["007", "--deleted"], "Qand"),
    ],
)
def test_get_finds_the_row(arguments: list[str], name: str, run: Run) -> None:
    result = run("catalog", "get", "nomenklatura", *arguments, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["name"] == name


@pytest.mark.usefixtures("shop")
def test_get_chooses_by_the_id_of_the_project(run: Run) -> None:
    project = json.loads(run("catalog", "get", "project", "P1", "--json").stdout)
    result = run("catalog", "get", "nomenklatura", "7", "--project-id", str(project["id"]), "--json")
    assert json.loads(result.stdout)["name"] == "Шоколад"


@pytest.mark.usefixtures("shop")
def test_get_answers_what_the_api_answers(run: Run, client: FlaskClient) -> None:
    expected = client.get("/api/v1/nomenklatura/007/").get_json()
    assert json.loads(run("catalog", "get", "nomenklatura", "007", "--json").stdout) == expected


@pytest.mark.usefixtures("shop")
def test_get_for_people_is_a_table_of_all_fields(run: Run) -> None:
    result = run("catalog", "get", "nomenklatura", "7", "--project", "P1")
    assert result.exit_code == 0
    cells = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line.strip()}
    assert cells["base_price"] == ["12000.00"]
    assert cells["project"][:2] == ["P1,", "Дўкон"]
    assert cells["is_active"] == ["yes"]
    assert cells["brand"] == ["—"]


def test_a_stored_text_cannot_steer_the_terminal(run: Run, write_rows: WriteRows) -> None:
    write_rows("project", {"code_1c": "P1", "name": f"a{ESCAPE}[2Jb [red]c[/red] \u202e"})
    result = run("catalog", "get", "project", "P1")
    assert r"a\x1b[2Jb [red]c[/red] \u202e" in result.stdout
    assert ESCAPE not in result.stdout


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "arguments", [["nothing"], ["7", "--project", "none"], ["gone"], ["7", "--project-id", "999999"]]
)
def test_an_unknown_row_is_exit_code_1(arguments: list[str], run: Run) -> None:
    result = run("catalog", "get", "nomenklatura", *arguments, "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert f'No Nomenklatura has the code "{arguments[0]}".' in result.stderr


@pytest.mark.usefixtures("shop")
def test_an_ambiguous_code_is_exit_code_1_and_lists_the_projects(run: Run) -> None:
    result = run("catalog", "get", "nomenklatura", "7", "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    for text in ("P1, Дўкон", "P/2 #, Склад", "--project-id null"):
        assert text in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["get", "nothing", "1"], "client, nomenklatura, project"),
        (["touch", "nothing"], "client, nomenklatura, project"),
        (["get", "nomenklatura"], "Missing argument 'CODE'"),
        (["get", "project", "1", "--project", "P1"], "leave --project out"),
        (["get", "client", "1", "--project-id", "one"], "A valid integer is required."),
        (["touch"], "Missing argument"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], message: str, run: Run) -> None:
    result = run("catalog", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_a_database_without_tables_is_one_line(run: Run, app: Flask) -> None:
    with app.app_context(), write_transaction():
        db.session.execute(sa.text("ALTER TABLE resource_clock RENAME TO away"))
    try:
        result = run("catalog", "stats")
    finally:
        with app.app_context(), write_transaction():
            db.session.execute(sa.text("ALTER TABLE away RENAME TO resource_clock"))
    assert result.exit_code == 1
    assert "flask db upgrade" in result.stderr
    assert len(result.stderr.splitlines()) == 1
