"""The resource clock: ticks in the order of commits, never twice, and a true count of live rows."""

from __future__ import annotations

import random
import threading
import time
from functools import partial

import pytest

from ecatalog.catalog import bulk, clock, service
from ecatalog.catalog.lookup import Lookup, find
from ecatalog.errors import InvalidInput
from tests.concurrency.conftest import OWN_PROCESS, World
from tests.concurrency.together import Answer, Caller, Running, in_parallel

HOUR = 3_600_000_000  # microseconds
WRITERS = 6
CALLS = 50  # of each writer


def tick_of(answer: Answer) -> int:
    """The row's own tick, with which its entity tag begins."""
    return int(answer.tag.strip('"').partition("-")[0], 16)


class Undo(Exception):
    """Raised to roll a transaction back."""


def test_ticks_become_visible_in_order(world: World) -> None:
    """Whoever looks, at any moment, sees every tick up to the newest one and none beyond it."""
    over = threading.Event()
    watching = Running(partial(watch, world, over))
    writers = [partial(write_mixed, call, number) for number, call in enumerate(world.callers(WRITERS))]
    bulk_writer = partial(write_bulk, world)
    try:
        written = sum(in_parallel([*writers, bulk_writer], seconds=120))
    finally:
        over.set()
    looks, ticks = watching.result()
    assert looks > 30
    assert len(ticks) == written
    assert ticks == sorted(ticks)
    feed = [row.tick for row in world.query("SELECT tick FROM row_history ORDER BY id")]
    assert list(dict.fromkeys(feed)) == ticks
    world.check_live_rows()


def watch(world: World, over: threading.Event) -> tuple[int, list[int]]:
    """How often it looked, and the ticks of the history in the order in which they could be seen."""
    statement = (
        "SELECT c.tick AS clock, c.live_rows AS live, h.tick AS tick,"
        " (SELECT count(*) FROM project WHERE NOT is_deleted) AS counted"
        " FROM resource_clock c LEFT JOIN row_history h ON h.resource = c.resource"
        " WHERE c.resource = 'project'"
    )
    seen: list[int] = []
    looks = 0
    while True:
        was_over = over.is_set()
        rows = world.query(statement)  # one statement, so one moment
        new = sorted({row.tick for row in rows if row.tick is not None} - set(seen))
        assert not seen or not new or new[0] > seen[-1], "a tick was seen after a later one"
        seen += new
        assert rows[0].clock == (seen[-1] if seen else 0)
        assert rows[0].live == rows[0].counted
        looks += 1
        if was_over:
            return looks, seen
        time.sleep(0.01)


def write_mixed(call: Caller, number: int) -> int:
    """Writes of every kind, some refused and some that change nothing; the number of those that wrote."""
    chance = random.Random(number)  # noqa: S311  # the same choices each time
    written = 0
    for index in range(CALLS):
        code, name = f"{number}-{index}", f"лойиҳа {index}"
        deleted = chance.random() < 0.2
        assert call("POST", "project/", {"code_1c": code, "name": name, "is_deleted": deleted}).status == 201
        assert call("POST", "project/", {"code_1c": code, "name": name}).status == 400
        written += 1
        if deleted:
            assert call("POST", f"project/{code}/restore/").status == 200
            written += 1
        assert call("PATCH", f"project/{code}/", {"name": name}).status == 200  # nothing differs
        if chance.random() < 0.5:
            assert call("PATCH", f"project/{code}/", {"is_deleted": True}).status == 200
            assert call("DELETE", f"project/{code}/").status == 404
            written += 1
    return written


def write_bulk(world: World) -> int:
    """Chunks of rows under one tick each, created and then soft-deleted in part; the number of ticks."""
    for chunk in range(10):
        rows = [
            world.values("project", code_1c=f"bulk {chunk}-{n}", name="тўплам", is_deleted=n % 3 == 0)
            for n in range(40)
        ]
        with world.transaction(), service.writing(world.resource("project"), OWN_PROCESS) as write:
            outcomes = bulk.upsert(write, rows)
        assert {outcome.action for outcome in outcomes} == {bulk.Action.CREATED}
    return 10


def test_later_writer_waits_for_an_open_one(world: World) -> None:
    """Nobody can commit a later tick while an earlier one is under way, and nobody sees half of it."""
    reader, writer = world.callers(2)
    taken = threading.Event()
    may_end = threading.Event()

    def hold() -> int:
        with world.transaction(), service.writing(world.resource("project"), OWN_PROCESS) as write:
            write.create({"code_1c": "A", "name": "биринчи"})
            taken.set()
            assert may_end.wait(20)
        return write.tick

    holding = Running(hold)
    assert taken.wait(20)
    waiting = Running(partial(writer, "POST", "project/", {"code_1c": "B", "name": "иккинчи"}))
    waiting.wait(0.7)
    assert not waiting.has_ended
    assert reader("GET", "project/changes/").body["results"] == []
    may_end.set()
    tick = holding.result()
    assert waiting.result().status == 201
    entries = reader("GET", "project/changes/").body["results"]
    assert [entry["code"] for entry in entries] == ["A", "B"]
    assert tick == entries[0]["tick"] < entries[1]["tick"]


def test_writers_of_other_resources_do_not_wait(world: World, database_kind: str) -> None:
    """On PostgreSQL an import of items does not hold up projects; SQLite has one writer at all."""
    writer = world.caller()
    writer("GET", "project/")
    with world.transaction():
        clock.take_tick(world.resource("nomenklatura"))
        waiting = Running(partial(writer, "POST", "project/", {"code_1c": "B", "name": "лойиҳа"}))
        waiting.wait(20 if database_kind == "postgresql" else 0.7)
        assert waiting.has_ended == (database_kind == "postgresql")
    assert waiting.result().status == 201


def test_rolled_back_write_leaves_no_trace(world: World) -> None:
    """No row, no history, no count, and its tick belongs to nobody."""
    call = world.caller()
    project = world.resource("project")
    assert call("POST", "project/", {"code_1c": "A", "name": "қолади"}).status == 201
    for failure in (Undo(), KeyboardInterrupt()):
        before = state(world)
        with pytest.raises(type(failure)), world.transaction():
            with service.writing(project, OWN_PROCESS) as write:
                write.create({"code_1c": "B", "name": "йўқолади"})
                row = find(project, Lookup("A"))
                write.update(row, {"name": "ўзгаради", "is_deleted": True})
            assert clock.read(["project"])["project"].live_rows == 1  # within: one came, one went
            raise failure
        assert state(world) == before
        answer = call("PATCH", "project/A/", {"name": f"кейин {write.tick}"})
        assert tick_of(answer) > write.tick
    assert world.query("SELECT tick FROM row_history WHERE tick = :tick", tick=write.tick) == []
    world.check_live_rows()


def test_refused_writes_leave_no_trace(world: World) -> None:
    """A row of a transaction that is refused takes those before it along; so does an error in the answer."""
    call = world.caller()
    assert call("POST", "project/", {"code_1c": "A", "name": "бор"}).status == 201
    before = state(world)
    writing = service.writing(world.resource("project"), OWN_PROCESS)
    with pytest.raises(InvalidInput), world.transaction(), writing as write:
        write.create({"code_1c": "B", "name": "янги"})
        write.create({"code_1c": "A", "name": "банд"})
    assert call("POST", "project/", {"code_1c": "A", "name": "банд"}).status == 400
    assert call("PATCH", "project/A/", {"name": "бошқа"}, if_match='"0"').status == 412
    assert call("PATCH", "project/A/", {"name": "бор"}).status == 200  # nothing differs
    assert call("POST", "nomenklatura/", {"code_1c": "N", "name": "товар", "project": "йўқ"}).status == 400
    assert state(world) == before


def state(world: World) -> list[object]:
    """Everything that a write would change."""
    tables = ("project", "nomenklatura", "row_history", "resource_clock")
    return [sorted(map(repr, world.query(f"SELECT * FROM {table}"))) for table in tables]


def test_ticks_are_the_time_in_microseconds(world: World) -> None:
    """Which is why a tick does not come back after a crash or a restore."""
    call = world.caller()
    for number in range(3):
        before = time.time_ns() // 1000
        answer = call("POST", "project/", {"code_1c": f"P{number}", "name": "лойиҳа"})
        assert before <= tick_of(answer) <= time.time_ns() // 1000


def test_clock_that_was_set_back(world: World) -> None:
    """The last tick lies an hour ahead: ticks go on from it, one by one, and the feed loses nothing."""
    call = world.caller()
    assert call("POST", "project/", {"code_1c": "A", "name": "эски"}).status == 201
    ahead = world.tick("project") + HOUR
    world.execute("UPDATE resource_clock SET tick = :tick WHERE resource = 'project'", tick=ahead)
    cursor = call("GET", "project/changes/").body["next"]
    bodies = [{"code_1c": f"P{n}", "name": "янги"} for n in range(8)]
    answers = in_parallel(
        [partial(call, "POST", "project/", body) for call, body in zip(world.callers(8), bodies, strict=True)]
    )
    ticks = sorted(tick_of(answer) for answer in answers)
    assert ticks == list(range(ahead + 1, ahead + 9))
    changes = call("GET", f"project/changes/?since={cursor}").body["results"]
    assert [entry["tick"] for entry in changes] == ticks
    assert world.tick("project") == ahead + 8


def test_touch_counts_anew(world: World) -> None:
    """After writes around the application."""
    call = world.caller()
    for code in ("A", "B", "C"):
        assert call("POST", "project/", {"code_1c": code, "name": "лойиҳа"}).status == 201
    tag = call("GET", "project/").tag
    world.execute("DELETE FROM project WHERE code_1c = 'B'")
    with world.transaction():
        reading = clock.touch(world.resource("project"))
    assert reading.live_rows == 2
    world.check_live_rows()
    page = call("GET", "project/", if_none_match=tag)
    assert page.status == 200
    assert (page.body["count"], [row["code_1c"] for row in page.body["results"]]) == (2, ["C", "A"])
