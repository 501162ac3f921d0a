"""The feed of changes: everything after a cursor, in order, each row once with its newest state."""

from __future__ import annotations

from typing import Any

from flask import Flask

from ecatalog.catalog import clock
from ecatalog.catalog.paging import pack
from ecatalog.database import write_transaction
from tests.contract.catalogue import Catalogue, Row, ok, refused

BROKEN = {"since": ["Invalid cursor."]}


def follow(rows: Catalogue, since: str | None = None, limit: int = 2) -> tuple[list[Row], str]:
    """Every entry after a cursor, and the cursor at the end."""
    entries: list[Row] = []
    while True:
        page = rows.changes(limit=limit, **({"since": since} if since else {}))
        assert len(page["results"]) <= limit
        entries += page["results"]
        since = page["next"]
        if not page["more"]:
            return entries, str(since)


def test_empty_feed(rows: Catalogue) -> None:
    page = rows.changes()
    assert (page["results"], page["more"]) == ([], False)
    rows.create("A")
    assert [entry["code"] for entry in rows.changes(since=page["next"])["results"]] == ["A"]


def test_entries(rows: Catalogue) -> None:
    row = rows.create("A")
    gone = rows.create("B")
    rows.delete("B")
    first, second = rows.changes()["results"]
    assert first == {"id": row["id"], "code": "A", "tick": first["tick"], "deleted": False, "row": row}
    assert second == {"id": gone["id"], "code": "B", "tick": second["tick"], "deleted": True, "row": None}
    assert 0 < first["tick"] < second["tick"]


def test_order_of_writes_newest_state_once(rows: Catalogue) -> None:
    for code in "ABCD":
        rows.create(code)
    rows.patch("B", {"name": "1"})
    rows.patch("A", {"name": "2"})
    rows.delete("C")
    rows.patch("B", {"name": "3"})
    rows.delete("D")
    restored = ok(rows.restore("D"))
    entries, _ = follow(rows)
    assert [entry["code"] for entry in entries] == ["A", "C", "B", "D"]
    assert [entry["deleted"] for entry in entries] == [False, True, False, False]
    assert entries[2]["row"]["name"] == "3"
    assert entries[3]["row"] == restored
    ticks = [entry["tick"] for entry in entries]
    assert ticks == sorted(set(ticks))


def test_a_consumer_misses_nothing(rows: Catalogue) -> None:
    copy: dict[str, Any] = {}
    since: str | None = None
    for step in range(12):
        rows.create(f"R-{step}")
        rows.patch(f"R-{step // 2}", {"name": f"step {step}"})
        if step % 3 == 2:
            rows.delete(f"R-{step - 1}")
        if step % 4 == 3:
            entries, since = follow(rows, since, limit=3)
            for entry in entries:
                copy[entry["code"]] = entry["row"]
    entries, since = follow(rows, since)
    copy |= {entry["code"]: entry["row"] for entry in entries}
    live = {code: row for code, row in copy.items() if row is not None}
    assert live == {row[rows.code]: row for row in rows.page(page_size=100)["results"]}
    assert len(copy) == 12
    assert follow(rows, since) == ([], since)


def test_next_stays_at_the_end(rows: Catalogue) -> None:
    rows.create("A")
    end = rows.changes()["next"]
    assert rows.changes(since=end) == {"results": [], "next": end, "more": False}
    rows.patch("A", {"name": "x"})
    assert [entry["code"] for entry in rows.changes(since=end)["results"]] == ["A"]


def test_limit_and_more(rows: Catalogue) -> None:
    for code in "ABC":
        rows.create(code)
    for limit, count, more in ((1, 1, True), (2, 2, True), (3, 3, False), (10**9, 3, False)):
        page = rows.changes(limit=limit)
        assert (len(page["results"]), page["more"]) == (count, more)
    integer = "A valid integer is required."
    smallest = "Ensure this value is greater than or equal to 1."
    for text, message in (("x", integer), ("1.5", integer), ("0", smallest), ("-1", smallest)):
        answer = rows.call("GET", f"{rows.base}changes/", query_string={"limit": text})
        refused(answer, {"limit": [message]})


def test_rows_show_their_project(children: Catalogue, projects: Catalogue) -> None:
    owner = projects.create("P")
    row = children.create("C", project_id=owner["id"])
    assert children.changes()["results"][0]["row"] == row


def test_other_resources_are_not_in_it(children: Catalogue, projects: Catalogue) -> None:
    projects.create("P")
    assert children.changes()["results"] == []


def test_malformed_cursors(rows: Catalogue) -> None:
    rows.create("A")
    cursor = rows.changes()["next"]
    epoch = "0" * 16
    made_up: list[Any] = [None, 1, "x", [], {}, [1, 2], [epoch, 1], [1, 1, 1], [None, 1, 1], [epoch, 1, 1, 1]]
    made_up += [[epoch, "1", 1], [epoch, 1.5, 1], [epoch, True, 1], [epoch, -1, 0], [epoch, 0, -1]]
    made_up += [[epoch, 2**63, 0], [epoch, 1, 2**63]]
    texts = ["x", "!!!", "й", cursor[:-4], cursor + "AAAA", "a" * 900, *(pack(value) for value in made_up)]
    for text in texts:
        refused(rows.call("GET", f"{rows.base}changes/", query_string={"since": text}), BROKEN)
    refused(
        rows.call("GET", f"{rows.base}changes/", query_string={"since": "\0"}),
        {"since": ["Null characters are not allowed."]},
    )


def test_410_after_a_restore(rows: Catalogue, app: Flask) -> None:
    rows.create("A")
    old = rows.changes()["next"]
    with app.app_context(), write_transaction():
        clock.renew_epoch(rows.resource)
    answer = rows.call("GET", f"{rows.base}changes/", query_string={"since": old})
    assert answer.status_code == 410
    assert "detail" in answer.get_json()
    page = rows.changes()
    assert [entry["code"] for entry in page["results"]] == ["A"]
    assert rows.changes(since=page["next"])["results"] == []


def test_touch_keeps_cursors_and_renews_lists(rows: Catalogue, app: Flask) -> None:
    rows.create("A")
    end = rows.changes()["next"]
    before = rows.call("GET", rows.base).headers["ETag"]
    with app.app_context(), write_transaction():
        clock.touch(rows.resource)
    assert rows.call("GET", rows.base).headers["ETag"] != before
    assert rows.changes(since=end)["results"] == []
    assert rows.page()["count"] == 1
