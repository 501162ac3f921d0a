"""Lists that each worker keeps: never stale, never from an open transaction, 304 only when unchanged."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson
import pytest
from flask import Flask

from ecatalog.catalog import clock, listing, service
from ecatalog.catalog.building import ListRequest
from ecatalog.catalog.lookup import Lookup
from ecatalog.extensions import db
from tests.concurrency import restores
from tests.concurrency.conftest import OWN_PROCESS, World
from tests.concurrency.test_clock import HOUR, Undo
from tests.concurrency.together import Caller, in_parallel

CLIENTS = 6
WRITES = 45  # of each client
LISTS = ("project/", "project/?name_contains=а", "nomenklatura/?page_size=3", "nomenklatura/?cursor=")


def names(call: Caller, path: str = "project/?page_size=100") -> list[str]:
    """The names on a page, whose count says as many."""
    page = call("GET", path).body
    assert page["count"] == len(page["results"])
    return [row["name"] for row in page["results"]]


def create(call: Caller, code: str, name: str, resource: str = "project", **values: Any) -> None:
    assert call("POST", f"{resource}/", {"code_1c": code, "name": name, **values}).status == 201


def test_everybody_reads_their_own_writes(world: World) -> None:
    """Whichever worker wrote, and whichever is asked: the list shows the write as soon as it is answered."""

    def work(number: int, *calls: Caller) -> None:
        chance = random.Random(number)  # noqa: S311  # the same choices each time
        for index in range(WRITES):
            write, read = chance.sample(calls, 2) if chance.random() < 0.7 else (calls[0], calls[0])
            code = f"{number}-{index // 3}"
            name = f"{code} {index}"
            method, path, body = [
                ("POST", "project/", {"code_1c": code, "name": name}),
                ("PATCH", f"project/{code}/", {"name": name}),
                ("DELETE", f"project/{code}/", None),
            ][index % 3]
            assert write(method, path, body).status in (200, 201, 204)
            page = read("GET", "project/?ordering=-updated_at&page_size=50").body
            shown = [row["name"] for row in page["results"] if row["code_1c"] == code]
            assert shown == ([] if method == "DELETE" else [name]), (method, code)
            # A filter's count is kept by itself.
            counted = read("GET", f"project/?code_contains={number}-&page_size=1").body["count"]
            assert counted == (0 if method == "DELETE" else 1), (method, code)

    tasks = [
        partial(work, number, world.caller(server=0), world.caller(server=1)) for number in range(CLIENTS)
    ]
    in_parallel(tasks, seconds=120)
    world.check_live_rows()


def test_open_write_is_not_seen_and_not_kept(world: World) -> None:
    """Pages that are built while a write is under way stay true; after it, all show it."""
    calls = [world.caller(server=0), world.caller(server=1)]
    create(calls[0], "A", "биринчи")
    before = calls[0]("GET", "project/")
    with world.transaction():
        service.change(world.resource("project"), Lookup("A"), {"name": "ўзгарган"}, OWN_PROCESS)
        service.create(world.resource("project"), {"code_1c": "B", "name": "иккинчи"}, OWN_PROCESS)
        for call in calls:
            assert names(call) == ["биринчи"]
            assert names(call, "project/?search=и") == ["биринчи"]
        assert calls[0]("GET", "project/", if_none_match=before.tag).status == 304
    for call in calls:
        assert names(call) == ["иккинчи", "ўзгарган"]
        assert names(call, "project/?search=и") == ["иккинчи"]
    assert calls[0]("GET", "project/", if_none_match=before.tag).status == 200


def test_rolled_back_write_is_never_shown(world: World) -> None:
    """Not by those who looked while it was open, nor under the tick of the write that comes next."""
    calls = [world.caller(server=0), world.caller(server=1)]
    create(calls[0], "A", "қолади")
    before = [calls[0]("GET", "project/"), calls[1]("GET", "project/")]
    with pytest.raises(Undo), world.transaction():
        service.change(world.resource("project"), Lookup("A"), {"is_deleted": True}, OWN_PROCESS)
        service.create(world.resource("project"), {"code_1c": "B", "name": "йўқолади"}, OWN_PROCESS)
        assert [names(call) for call in calls] == [["қолади"]] * 2
        raise Undo
    for call, page in zip(calls, before, strict=True):
        assert call("GET", "project/").body == page.body
        assert call("GET", "project/", if_none_match=page.tag).status == 304
    create(calls[0], "C", "янги")
    assert [names(call) for call in calls] == [["янги", "қолади"]] * 2


def test_list_within_a_write_is_not_kept(world: World) -> None:
    """Its tick may come again after a rollback, where the time was set back: what was seen there must not."""
    project = world.resource("project")
    create(world.caller(), "A", "эски")
    ahead = world.tick("project") + HOUR
    world.execute("UPDATE resource_clock SET tick = :tick WHERE resource = 'project'", tick=ahead)
    with pytest.raises(Undo), world.transaction():
        service.create(project, {"code_1c": "B", "name": "йўқолади"}, OWN_PROCESS)
        assert own_names(world.app, {}) == ["йўқолади", "эски"]
        assert own_names(world.app, {"name": "йўқолади"}) == ["йўқолади"]
        raise Undo
    with world.transaction():
        row = service.create(project, {"code_1c": "C", "name": "янги"}, OWN_PROCESS)
    assert row.tick == ahead + 1
    with world.app.app_context():
        assert own_names(world.app, {}) == ["янги", "эски"]
        assert own_names(world.app, {"name": "йўқолади"}) == []


def own_names(app: Flask, values: dict[str, Any]) -> list[str]:
    """The names in the list, as this process answers it."""
    resource = app.extensions["ecatalog_resources"]["project"]
    body = listing.list_rows(resource, ListRequest(values, "http://localhost/", sorted(values.items()))).body
    assert body is not None
    page = orjson.loads(body)
    assert page["count"] == len(page["results"])
    return [row["name"] for row in page["results"]]


def test_deleted_and_restored(world: World) -> None:
    calls = [world.caller(server=0), world.caller(server=1)]
    for code in ("A", "B"):
        create(calls[0], code, f"лойиҳа {code}")
    for number in range(6):
        assert calls[number % 2]("DELETE", "project/A/").status == 204
        assert [names(call) for call in calls] == [["лойиҳа B"]] * 2
        assert [names(call, "project/?name=лойиҳа A") for call in calls] == [[], []]
        assert calls[(number + 1) % 2]("POST", "project/A/restore/").status == 200
        assert [names(call) for call in calls] == [["лойиҳа B", "лойиҳа A"]] * 2


def test_304_exactly_when_nothing_changed(world: World) -> None:
    """Every write of a shown resource changes the tags, and nothing else does."""
    calls = [world.caller(server=0), world.caller(server=1)]
    create(calls[0], "P", "лойиҳа")
    create(calls[0], "A", "товар", "nomenklatura", project="P")
    client = {"client_code_1c": "K", "name": "мижоз"}
    # What is sent, its answer, and whether it changes lists of projects and of items.
    writes: list[tuple[str, str, Any, int, bool, bool]] = [
        ("POST", "nomenklatura/", {"code_1c": "B", "name": "а"}, 201, False, True),
        ("POST", "nomenklatura/", {"code_1c": "B", "name": "б"}, 400, False, False),
        ("PATCH", "nomenklatura/A/", {"name": "янги"}, 200, False, True),
        ("PATCH", "nomenklatura/A/", {"name": "янги"}, 200, False, False),
        ("PATCH", "nomenklatura/A/", {"project": "йўқ"}, 400, False, False),
        ("POST", "client/", client, 201, False, False),
        ("PATCH", "project/P/", {"name": "бошқа"}, 200, True, True),
        ("PATCH", "project/P/", {"name": "бошқа"}, 200, False, False),
        ("DELETE", "nomenklatura/B/", None, 204, False, True),
        ("DELETE", "nomenklatura/B/", None, 404, False, False),
        ("POST", "nomenklatura/B/restore/", None, 200, False, True),
        ("POST", "nomenklatura/B/restore/", None, 200, False, False),
        ("DELETE", "project/P/", None, 204, True, True),
    ]
    for index, (method, path, body, status, *changed) in enumerate(writes):
        before = {(call.base_url, shown): call("GET", shown) for call in calls for shown in LISTS}
        assert calls[index % 2](method, path, body).status == status
        for (base_url, shown), page in before.items():
            (call,) = (call for call in calls if call.base_url == base_url)
            expected = 200 if changed[shown.startswith("nomenklatura")] else 304
            assert call("GET", shown, if_none_match=page.tag).status == expected, (method, path, body, shown)
            if expected == 304:
                assert call("GET", shown).body == page.body


@pytest.fixture
def backup(world: World) -> Iterator[Backup]:
    kept = Backup(world)
    yield kept
    kept.forget()


class Backup:
    """A copy of the database, for processes that know nothing of its coming back."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.saved = ""

    def save(self) -> None:
        self._disconnect()
        self.saved = restores.save(self.world.url)

    def put_back(self) -> None:
        self._disconnect()
        restores.put_back(self.world.url, self.saved)

    def forget(self) -> None:
        if self.saved:
            restores.forget(self.world.url, self.saved)

    def _disconnect(self) -> None:
        with self.world.app.app_context():
            db.engine.dispose()


@pytest.mark.parametrize("renewed", [False, True])
def test_pages_after_a_database_restore(world: World, backup: Backup, renewed: bool) -> None:
    """Workers keep pages of a future that did not happen, and must not show them."""
    calls = [world.caller(server=0), world.caller(server=1)]
    create(calls[0], "A", "эски")
    assert names(calls[0]) == ["эски"]  # the other worker does not know this state
    backup.save()
    saved_cursor = calls[0]("GET", "project/changes/").body["next"]
    create(calls[0], "B", "йўқолади")
    assert calls[0]("PATCH", "project/A/", {"name": "йўқолган"}).status == 200
    lost = [call("GET", "project/?page_size=100") for call in calls]
    lost_cursor = calls[0]("GET", "project/changes/").body["next"]
    backup.put_back()
    if renewed:
        with world.transaction():
            clock.renew_epoch(world.resource("project"))
    assert [names(call) for call in calls] == [["эски"]] * 2
    for call, page in zip(calls, lost, strict=True):
        assert call("GET", "project/?page_size=100", if_none_match=page.tag).status == 200
    create(calls[1], "C", "янги")
    assert [names(call) for call in calls] == [["янги", "эски"]] * 2
    world.check_live_rows()
    if renewed:
        for cursor in (saved_cursor, lost_cursor):
            assert calls[0]("GET", f"project/changes/?since={cursor}").status == 410
        assert [entry["code"] for entry in calls[0]("GET", "project/changes/").body["results"]] == ["A", "C"]


def test_renewed_epoch_when_ticks_come_again(world: World, backup: Backup) -> None:
    """A clock that runs ahead of the time counts one by one: after a restore, the same ticks come again."""
    calls = [world.caller(server=0), world.caller(server=1)]
    create(calls[0], "A", "эски")
    ahead = world.tick("project") + HOUR
    world.execute("UPDATE resource_clock SET tick = :tick WHERE resource = 'project'", tick=ahead)
    backup.save()
    for number in range(4):
        create(calls[0], f"B{number}", "йўқолади")
        for call in calls:
            names(call)
    backup.put_back()
    with world.transaction():
        clock.renew_epoch(world.resource("project"))
    expected = ["эски"]
    for number in range(4):
        assert [names(call) for call in calls] == [expected] * 2
        create(calls[number % 2], f"C{number}", f"янги {number}")
        expected.insert(0, f"янги {number}")
    assert [names(call) for call in calls] == [expected] * 2
    assert world.tick("project") == ahead + 5
