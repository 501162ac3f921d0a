"""The change feed and the history, while eight writers write."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from functools import partial
from typing import Any

from ecatalog.catalog import service
from tests.concurrency.conftest import OWN_PROCESS, World
from tests.concurrency.storm import SHARED, Follower, Writer
from tests.concurrency.together import Caller, Running, in_parallel

WRITERS = 8
CALLS = 256  # of each writer: 2,048 in all


def test_feed_and_history_of_a_storm(world: World) -> None:
    """Followers who read beside the writers end with the exact table, and each write left one entry."""
    writers = _writers(world)
    first_entries = world.value("SELECT count(*) FROM row_history")
    followers = [Follower(world.caller("follower"), limit) for limit in (7, 1000)]
    over = threading.Event()
    following = [Running(partial(_follow, follower, over)) for follower in followers]
    try:
        in_parallel([partial(writer.write, CALLS) for writer in writers], seconds=240)
    finally:
        over.set()
    pages = [one.result() for one in following]
    assert min(pages) > 30, "the followers did not read beside the writers"
    table = _table(world, writers[0].call)
    for follower in [*followers, _late(world)]:
        assert follower.copy == table
        assert follower.states == _states(world)
    world.check_live_rows()
    _check_history(world, writers, first_entries)


def _writers(world: World) -> list[Writer]:
    call = world.caller("starter")
    projects = [call("POST", "project/", {"code_1c": f"P{n}", "name": "лойиҳа"}).body["id"] for n in range(3)]
    for code in SHARED:
        assert call("POST", "nomenklatura/", {"code_1c": code, "name": "общий"}).status == 201
    return [
        Writer(
            name=f"writer-{number}",
            call=world.caller(f"writer-{number}"),
            projects=projects,
            chance=random.Random(number),  # noqa: S311  # the same choices each time
        )
        for number in range(WRITERS)
    ]


def _follow(follower: Follower, over: threading.Event) -> int:
    """Read until the writers are done and nothing is left; the number of pages with something on them."""
    pages = 0
    while True:
        was_over = over.is_set()
        if follower.read():
            pages += 1
        elif was_over:
            return pages
        else:
            time.sleep(0.03)


def _late(world: World) -> Follower:
    """One who begins when all is over."""
    follower = Follower(world.caller("follower"), 100)
    while follower.read():
        pass
    return follower


def _table(world: World, call: Caller) -> dict[str, Any]:
    """The live rows, as the list shows them."""
    rows: dict[str, Any] = {}
    path: str | None = "nomenklatura/?cursor=&limit=100"
    while path is not None:
        page = call("GET", path).body
        rows |= {row["code_1c"]: row for row in page["results"]}
        path = page["next"] and page["next"].partition("/api/v1/")[2]
        assert page["count"] == world.value("SELECT count(*) FROM nomenklatura WHERE NOT is_deleted")
    assert len(rows) == page["count"]
    return rows


def _states(world: World) -> dict[str, tuple[int, bool]]:
    rows = world.query("SELECT code_1c, tick, is_deleted FROM nomenklatura")
    return {code: (tick, bool(deleted)) for code, tick, deleted in rows}


def _check_history(world: World, writers: list[Writer], first_entries: int) -> None:
    written = {rid: (w.name, *what) for w in writers for rid, what in w.written.items()}
    perhaps = {rid: (w.name, *what) for w in writers for rid, what in w.perhaps.items()}
    entries = world.query(
        "SELECT h.request_id, h.user_name, r.code_1c, h.action, h.source, h.tick, h.id FROM row_history h"
        " JOIN nomenklatura r ON r.id = h.row_id"
        " WHERE h.resource = 'nomenklatura' AND h.user_name <> 'starter' ORDER BY h.id"
    )
    assert {entry.source for entry in entries} == {"api"}
    told = {entry.request_id: (entry.user_name, entry.code_1c, entry.action) for entry in entries}
    assert len(told) == len(entries)
    assert told.items() >= written.items()
    assert told.items() <= (written | perhaps).items()
    assert world.value("SELECT count(*) FROM row_history") == first_entries + len(entries)
    ticks = [entry.tick for entry in entries]
    assert ticks == sorted(set(ticks)), "each write has a tick of its own, in the order of the entries"
    newest = "SELECT count(*) FROM nomenklatura r WHERE tick <> (SELECT max(h.tick) FROM row_history h"
    assert world.value(f"{newest} WHERE h.resource = 'nomenklatura' AND h.row_id = r.id)") == 0
    assert min(Counter(action for _, _, action in told.values()).values()) > WRITERS  # of every kind many
    assert len(entries) > 0.8 * WRITERS * CALLS


def test_rows_of_one_transaction_are_split_over_pages(world: World) -> None:
    """Rows that share a tick come in the order of their ids, each once, whatever the size of a page."""
    resource = world.resource("nomenklatura")
    with world.transaction(), service.writing(resource, OWN_PROCESS) as write:
        for number in range(25):
            write.create(world.values("nomenklatura", code_1c=f"B{number}", name="пачка"))
    follower = Follower(world.caller(), limit=4)
    while follower.read():
        pass
    assert sorted(follower.copy) == sorted(f"B{number}" for number in range(25))
    assert {tick for tick, _ in follower.states.values()} == {write.tick}
