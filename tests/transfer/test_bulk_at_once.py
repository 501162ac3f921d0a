"""All or nothing, dry runs, and how much a report tells."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from ecatalog.catalog.bulk import Batch
from ecatalog.transfer import chunks
from tests.transfer.conftest import Desk, items, ndjson


def test_reject_keeps_everything_out(desk: Desk) -> None:
    desk.report(items(1))
    before = desk.clock()
    rows = [*items(*range(1, 2500), brand="X"), {"code_1c": "bad"}]
    answer = desk.bulk(ndjson(rows), on_error="reject")
    assert answer.status_code == 400
    report = answer.get_json()
    assert (report["created"], report["updated"], report["failed"]) == (0, 0, 1)
    assert report["rejected"] is True
    assert report["errors"][0]["line"] == 2500
    assert desk.clock() == before
    assert desk.count() == 1
    assert desk.row("00001")["brand"] is None


def test_reject_writes_all_good_rows_under_one_tick(desk: Desk) -> None:
    report = desk.report(ndjson(items(*range(4100))), on_error="reject")
    assert (report["created"], report["rejected"]) == (4100, False)
    assert desk.stored("00000").tick == desk.stored("04099").tick
    desk.check_live_rows()


def test_a_dry_run_tells_what_would_change_and_writes_nothing(desk: Desk) -> None:
    desk.report(items(*range(50), brand="A"))
    before = desk.clock(), desk.row("00001")
    rows = [*items(*range(49), brand="B"), *items(49, brand="A"), *items(*range(50, 2200)), {"name": "x"}]
    report = desk.report(ndjson(rows), dry_run="true")
    assert report["dry_run"] is True
    assert (report["created"], report["updated"], report["unchanged"], report["failed"]) == (2150, 49, 1, 1)
    assert len(report["changes"]) == 100
    assert report["changes"][1] == {
        "index": 1,
        "line": 2,
        "code": "00001",
        "outcome": "updated",
        "fields": {"brand": {"old": "A", "new": "B"}},
    }
    assert report["changes"][99]["outcome"] == "created"
    assert (desk.clock(), desk.row("00001")) == before
    assert desk.count() == 50
    assert desk.report(ndjson(rows))["created"] == 2150


def test_errors_are_listed_up_to_1000_and_all_counted(desk: Desk) -> None:
    report = desk.report(ndjson([{"code_1c": str(number)} for number in range(1500)]))
    assert report["failed"] == 1500
    assert len(report["errors"]) == 1000
    assert desk.clock().tick == 0


@pytest.mark.parametrize("query", [{"dry_run": "true"}, {"on_error": "reject"}])
def test_of_rows_with_one_code_far_apart_the_last_counts(desk: Desk, query: dict[str, str]) -> None:
    desk.report(items(7, brand="old"))
    rows = [*items(0, brand="first"), *items(*range(1, 2100)), *items(0, 7, brand="last")]
    report = desk.report(ndjson(rows), **query)
    counts = {name: report[name] for name in ("created", "updated", "superseded", "repeated")}
    assert counts == {"created": 2099, "updated": 1, "superseded": 2, "repeated": 2}
    assert [repeat["line"] for repeat in report["repeats"]] == [2101, 2102]
    if "on_error" in query:
        assert (desk.row("00000")["brand"], desk.row("00007")["brand"]) == ("last", "last")
        assert len(desk.history("00000")) == 1
        desk.check_live_rows()


def test_two_names_of_one_project_are_one_project(desk: Desk, projects: dict[str, int]) -> None:
    rows = [
        *items(1, brand="A", project="P1"),
        *items(1, brand="B", project_id=projects["P1"]),
        *items(1, brand="C", project="P2"),
        *items(1, project="P9"),
    ]
    report = desk.report(ndjson(rows), dry_run="true")
    assert (report["created"], report["superseded"], report["failed"]) == (2, 1, 1)
    report = desk.report(ndjson(rows[:3]), on_error="reject")
    assert (report["created"], report["superseded"]) == (2, 1)
    assert desk.row("00001", project="P1")["brand"] == "B"
    answer = desk.bulk(ndjson(rows), on_error="reject")
    assert answer.status_code == 400
    assert answer.get_json()["errors"][0]["errors"] == {"project": ['No project matches "P9".']}


def test_a_dry_run_keeps_no_writer_waiting(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody writes while all rows of the dry run are staged."""
    desk.report(items(1))
    told: list[int] = []

    def add(batch: Batch, rows: Any, **options: Any) -> Any:
        outcomes = original(batch, rows, **options)
        told.append(write_elsewhere(desk))
        return outcomes

    original = Batch.add
    monkeypatch.setattr(Batch, "add", add)
    report = desk.report(ndjson(items(1, 2, brand="X")), dry_run="true")
    assert told == [200]
    assert (report["created"], report["updated"]) == (1, 1)
    assert desk.codes() == ["00001"]
    assert desk.row("00001")["brand"] == "meanwhile"


def write_elsewhere(desk: Desk) -> int:
    """The status of a change that another thread makes."""
    answers = []

    def write() -> None:
        client = desk.app.test_client()
        change = {"brand": "meanwhile"}
        answers.append(client.patch(f"{desk.base}00001/", json=change, headers=desk.headers).status_code)

    thread = threading.Thread(target=write)
    thread.start()
    thread.join(timeout=10)
    return answers[0] if answers else 0


@pytest.mark.parametrize("query", [{"dry_run": "true"}, {"on_error": "reject"}])
def test_more_rows_than_can_be_decided_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
) -> None:
    monkeypatch.setattr(chunks, "MAX_ROWS_AT_ONCE", 2500)
    assert desk.report(ndjson(items(*range(2500))), dry_run="true")["created"] == 2500
    answer = desk.bulk(ndjson(items(*range(2501))), **query)
    assert answer.status_code == 413
    assert "At most 2500 rows can be decided at once" in answer.get_json()["detail"]
    assert desk.count() == 0
    assert desk.clock().tick == 0
