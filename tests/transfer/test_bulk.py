"""Upsert by code: what goes in, what stays as it was, and what everything else in the service sees of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.transfer.conftest import Desk, items, ndjson

CODES = {"project": "code_1c", "client": "client_code_1c", "nomenklatura": "code_1c"}


@pytest.mark.parametrize("name", CODES)
def test_new_rows_are_created_with_defaults(desk: Desk, name: str) -> None:
    code = CODES[name]
    desk = desk.of(name)
    assert desk.report([{code: "007", "name": "Бир"}, {code: " 7 ", "name": "Икки"}])["created"] == 2
    by_bulk, single = (
        desk.row("7"),
        desk.client.post(desk.base, json={code: "8", "name": "Икки"}, headers=desk.headers).get_json(),
    )
    own = {"id", code, "created_at", "updated_at"}
    assert {k: v for k, v in by_bulk.items() if k not in own} == {
        k: v for k, v in single.items() if k not in own
    }
    assert list(by_bulk) == list(single)
    desk.check_live_rows()


def test_known_rows_change_in_the_fields_that_are_present(desk: Desk) -> None:
    desk.report(items(1, brand="Nestle", base_price="10", metadata={"a": 1}))
    before = desk.row("00001")
    report = desk.report([{"code_1c": "00001", "base_price": "12.50"}])
    assert (report["created"], report["updated"], report["unchanged"]) == (0, 1, 0)
    after = desk.row("00001")
    changed = {key for key in after if after[key] != before[key]}
    assert changed == {"base_price", "updated_at"}
    assert after["base_price"] == "12.50"
    assert after["metadata"] == {"a": 1}


def test_rows_of_one_call_may_bring_different_fields(desk: Desk) -> None:
    desk.report([*items(1, brand="A", sku="1"), *items(2, sku="2", color="red")])
    report = desk.report(
        [{"code_1c": "00001", "color": "blue"}, {"code_1c": "00002", "brand": "B"}, *items(3, title="T")]
    )
    assert (report["created"], report["updated"]) == (1, 2)
    one, two, three = desk.row("00001"), desk.row("00002"), desk.row("00003")
    assert (one["brand"], one["sku"], one["color"]) == ("A", "1", "blue")
    assert (two["brand"], two["sku"], two["color"]) == ("B", "2", "red")
    assert (three["brand"], three["title"], three["currency"]) == (None, "T", "UZS")


def test_a_null_clears_a_field_and_an_absent_one_does_not(desk: Desk) -> None:
    desk.report(items(1, brand="A", tags=["x"]))
    desk.report([{"code_1c": "00001", "brand": None, "tags": None}])
    row = desk.row("00001")
    assert (row["brand"], row["tags"], row["name"]) == (None, [], "Товар 1")


def test_unchanged_rows_and_the_clock_stay_as_they_are(desk: Desk) -> None:
    rows = items(*range(10), base_price="10.00", stock_quantity=1.5, metadata={"b": 1, "a": [True]})
    desk.report(rows)
    before = desk.clock(), desk.row("00003"), desk.stored("00003").tick
    etag = desk.get().headers["ETag"]
    # The same values, written otherwise.
    report = desk.report([row | {"base_price": 10, "metadata": {"a": [True], "b": 1}} for row in rows])
    assert (report["unchanged"], report["created"], report["updated"]) == (10, 0, 0)
    assert (desk.clock(), desk.row("00003"), desk.stored("00003").tick) == before
    assert desk.get().headers["ETag"] == etag
    assert len(desk.history("00003")) == 1


def test_among_changed_rows_the_unchanged_keep_time_and_tick(desk: Desk) -> None:
    desk.report(items(1, 2))
    tick, shown = desk.stored("00001").tick, desk.row("00001")
    report = desk.report([*items(1), *items(2, brand="New")])
    assert (report["unchanged"], report["updated"]) == (1, 1)
    assert desk.stored("00001").tick == tick
    assert desk.row("00001") == shown
    assert desk.stored("00002").tick > tick


def test_deleted_rows_come_back(desk: Desk) -> None:
    desk.report(items(1, 2, brand="A"))
    assert desk.client.delete(f"{desk.base}00001/", headers=desk.headers).status_code == 204
    assert desk.clock().live_rows == 1
    report = desk.report([{"code_1c": "00001", "brand": "B"}])
    assert report["updated"] == 1
    assert desk.row("00001")["brand"] == "B"
    assert [entry.action for entry in desk.history("00001")] == ["create", "delete", "restore"]
    desk.check_live_rows()
    assert desk.clock().live_rows == 2


def test_rows_can_be_deleted(desk: Desk) -> None:
    desk.report(items(1, 2))
    assert desk.report([{"code_1c": "00001", "is_deleted": True}])["updated"] == 1
    assert desk.codes() == ["00002"]
    desk.check_live_rows()
    assert desk.report([{"code_1c": "00001", "is_deleted": True}])["unchanged"] == 1
    # Created as deleted: it counts, but nobody sees it.
    assert desk.report([{"code_1c": "9", "name": "x", "is_deleted": True}])["created"] == 1
    desk.check_live_rows()


def test_the_last_of_several_rows_with_one_code_counts(desk: Desk) -> None:
    rows = [*items(1, brand="A"), *items(2), *items(1, brand="B"), *items(1, brand="C")]
    report = desk.report(rows)
    assert (report["created"], report["superseded"], report["repeated"]) == (2, 2, 2)
    assert report["repeats"] == [
        {"index": 2, "line": None, "code": "00001"},
        {"index": 3, "line": None, "code": "00001"},
    ]
    assert desk.row("00001")["brand"] == "C"
    assert len(desk.history("00001")) == 1


def test_a_repeat_in_a_later_chunk_is_told(desk: Desk) -> None:
    rows = [*items(0, brand="first"), *items(*range(1, 2100)), *items(0, brand="last")]
    report = desk.report(ndjson(rows))
    assert (report["created"], report["updated"], report["repeated"]) == (2100, 1, 1)
    assert report["repeats"] == [{"index": 2100, "line": 2101, "code": "00000"}]
    assert desk.row("00000")["brand"] == "last"
    desk.check_live_rows()


def test_a_repeat_counts_in_every_mode(desk: Desk) -> None:
    rows = [*items(0, brand="first"), *items(*range(1, 2100)), *items(0, brand="last")]
    report = desk.report(ndjson(rows), mode="create")
    assert (report["created"], report["updated"], report["failed"]) == (2100, 1, 0)


def test_create_reports_codes_that_exist(desk: Desk) -> None:
    desk.report(items(1))
    report = desk.report([*items(1, brand="X"), *items(2)], mode="create")
    assert (report["created"], report["failed"]) == (1, 1)
    (error,) = report["errors"]
    assert error["code"] == "00001"
    assert error["errors"] == {"code_1c": ["nomenklatura with this code 1c already exists."]}
    assert desk.row("00001")["brand"] is None


def test_update_never_inserts(desk: Desk) -> None:
    desk.report(items(1))
    report = desk.report([*items(1, brand="X"), *items(2)], mode="update")
    assert (report["updated"], report["created"], report["failed"]) == (1, 0, 1)
    assert report["errors"][0]["errors"] == {"code_1c": ["No nomenklatura with this code 1c exists."]}
    assert desk.codes() == ["00001"]
    desk.check_live_rows()


def test_bad_rows_are_told_by_field_and_good_ones_go_in(desk: Desk) -> None:
    rows: list[Any] = [
        {"code_1c": "1", "name": "ok"},
        {"name": "no code"},
        {"code_1c": "2"},
        {"code_1c": "3", "name": "x" * 256, "base_price": "abc"},
        {"code_1c": "4", "name": "x", "base_price": "1.005"},
        {"code_1c": None, "name": "x"},
        {"code_1c": " ", "name": "x"},
        [],
        "text",
        None,
        {"code_1c": "5", "name": "ok", "unknown": 1, "id": 999, "images": []},
        {"code_1c": "a\u0000b", "name": "x"},
        {"code_1c": "6", "name": "x", "metadata": []},
    ]
    report = desk.report(rows)
    assert (report["created"], report["failed"]) == (2, 11)
    errors = {error["index"]: error["errors"] for error in report["errors"]}
    assert errors[1] == {"code_1c": ["This field is required."]}
    assert errors[2] == {"name": ["This field is required."]}
    assert errors[3] == {
        "name": ["Ensure this field has no more than 255 characters."],
        "base_price": ["A valid number is required."],
    }
    assert errors[4] == {"base_price": ["Ensure that there are no more than 2 decimal places."]}
    assert errors[5] == {"code_1c": ["This field may not be null."]}
    assert errors[6] == {"code_1c": ["This field may not be blank."]}
    for index, kind in ((7, "list"), (8, "str"), (9, "NoneType")):
        assert errors[index] == {
            "non_field_errors": [f"Invalid data. Expected a dictionary, but got {kind}."]
        }
    assert set(errors[11]) == {"code_1c"}
    assert set(errors[12]) == {"metadata"}
    assert desk.codes() == ["1", "5"]
    assert desk.row("5")["id"] != 999


@pytest.mark.usefixtures("projects")
def test_rows_belong_to_the_project_that_they_name(desk: Desk, projects: dict[str, int]) -> None:
    rows = [
        {"code_1c": "1", "name": "a", "project": "P1"},
        {"code_1c": "1", "name": "b", "project_id": projects["P2"]},
        {"code_1c": "1", "name": "c"},
        {"code_1c": "1", "name": "d", "project": {"id": 5, "code_1c": "P2", "name": "x"}, "brand": "P2"},
        {"code_1c": "2", "name": "e", "project": "P9"},
        {"code_1c": "3", "name": "f", "project_id": 10**9},
    ]
    report = desk.report(rows)
    assert (report["created"], report["superseded"], report["failed"]) == (3, 1, 2)
    assert [error["errors"] for error in report["errors"]] == [
        {"project": ['No project matches "P9".']},
        {"project_id": ['No project matches "1000000000".']},
    ]
    assert desk.row("1", project="P1")["name"] == "a"
    assert desk.row("1", project="P2")["name"] == "d"
    assert desk.row("1", project_id="null")["name"] == "c"


def test_a_project_for_rows_that_name_none(desk: Desk, projects: dict[str, int]) -> None:
    rows = [
        *items(1),
        {"code_1c": "2", "name": "x", "project": "P2"},
        {"code_1c": "3", "name": "x", "project": None},
    ]
    assert desk.report(rows, project="P1")["created"] == 3
    assert desk.codes(project="P1") == ["00001", "3"]
    assert desk.codes(project="P2") == ["2"]
    assert desk.report(items(1), project_id=projects["P1"])["unchanged"] == 1


@pytest.mark.parametrize("query", [{"project": "P9"}, {"project_id": 10**9}, {"project": "P2"}])
def test_a_project_that_is_not_there_is_refused(
    desk: Desk, projects: dict[str, int], query: dict[str, Any]
) -> None:
    assert desk.client.delete("/api/v1/project/P2/", headers=desk.headers).status_code == 204
    answer = desk.bulk(items(1), **query)
    assert answer.status_code == 400
    assert list(answer.get_json()) == list(query)
    assert desk.count() == 0
    assert desk.report([{"code_1c": "1", "name": "x", "project_id": projects["P2"]}])["failed"] == 1


def test_history_says_who_when_and_what(desk: Desk) -> None:
    desk.report(items(1, brand="A", base_price="1"))
    answer = desk.bulk([{"code_1c": "00001", "brand": "B", "base_price": 1}])
    created, changed = desk.history("00001")
    assert (created.action, created.fields, created.source) == ("create", {}, "bulk")
    assert (changed.action, changed.source) == ("update", "bulk")
    assert changed.fields == {"brand": {"old": "A", "new": "B"}}
    assert changed.user_name == "editor-1"
    assert changed.request_id == answer.headers["X-Request-ID"]
    assert changed.tick == desk.stored("00001").tick


def test_search_finds_imported_rows(desk: Desk) -> None:
    desk.report([{"code_1c": "1", "name": "Шоколад", "brand": "Alpen"}])
    assert desk.codes(search="шоколад alpen") == ["1"]
    desk.report([{"code_1c": "1", "name": "Чай"}])
    assert desk.codes(search="шоколад") == []
    assert desk.codes(search="чай alpen") == ["1"]


def test_the_feed_carries_imported_rows(desk: Desk) -> None:
    desk.report(items(1, 2, 3))
    start = desk.get("changes/").get_json()["next"]
    desk.report([*items(1), *items(2, brand="X"), {"code_1c": "00003", "is_deleted": True}])
    told = desk.get("changes/", since=start).get_json()["results"]
    assert [(entry["code"], entry["deleted"]) for entry in told] == [("00002", False), ("00003", True)]
    assert len({entry["tick"] for entry in told}) == 1


AWKWARD = [
    "\\",
    "\\N",
    "a\\nb",
    "\\.",
    "a\tb",
    "a\nb\r\nc",
    "'\"`;--",
    "a\u2028|\x7f",
    "{}",
    "NULL",
    "№ ў\U0001f36b",
]


def test_texts_that_databases_could_take_for_something_else(desk: Desk) -> None:
    rows = [
        {"code_1c": f"{number}", "name": text, "notes": f"{text}\\", "metadata": {text: [text, '\\"']}}
        for number, text in enumerate(AWKWARD)
    ]
    assert desk.report(rows)["created"] == len(AWKWARD)
    changed = [row | {"notes": f"\\{row['notes']}", "metadata": {"x": row["notes"]}} for row in rows]
    for sent, counted in ((rows, "unchanged"), (changed, "updated"), (changed, "unchanged")):
        assert desk.report(sent)[counted] == len(AWKWARD)
        for row in sent:
            stored = desk.row(str(row["code_1c"]))
            assert {name: stored[name] for name in row} == row
    told = desk.history("1")[-1].fields["notes"]
    assert told == {"old": rows[1]["notes"], "new": changed[1]["notes"]}
