"""All or nothing, dry runs, and how much a report tells."""

from __future__ import annotations

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
