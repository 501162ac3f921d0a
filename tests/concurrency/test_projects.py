"""Projects and their rows written at once: everything ends, without deadlocks, and no orphan is born."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from functools import partial

import pytest

from ecatalog.catalog import bulk, service
from ecatalog.catalog.lookup import Among, Lookup, find
from tests.concurrency.conftest import OWN_PROCESS, World
from tests.concurrency.together import CALL_SECONDS, Caller, Running, in_parallel

PROJECTS = [f"P{number}" for number in range(4)]
ITEMS = [f"товар {number}" for number in range(24)]
OWN_ITEMS = [f"жами {number}" for number in range(6)]  # which nobody moves out of "no project"
CODE_FIELDS = {"client": "client_code_1c", "nomenklatura": "code_1c"}
CALLS = 40  # of each single writer
TRANSACTIONS = 12  # of each writer of many rows

Done = Counter[object]  # answers by status, rows by what became of them


@pytest.fixture
def stocked(world: World) -> World:
    """Four projects, and in no project as many items as clients."""
    with world.transaction():
        for name, field in CODE_FIELDS.items():
            rows = [world.values(name, **{field: code}, name=code) for code in ITEMS]
            with service.writing(world.resource(name), OWN_PROCESS) as write:
                assert {outcome.action for outcome in bulk.upsert(write, rows)} == {bulk.Action.CREATED}
        with service.writing(world.resource("project"), OWN_PROCESS) as write:
            bulk.upsert(write, [world.values("project", code_1c=code, name=code) for code in PROJECTS])
    return world


def rename(call: Caller, chance: random.Random) -> Done:
    """Project names, which every row of the project shows."""
    return Counter(
        call("PATCH", f"project/{chance.choice(PROJECTS)}/", {"name": f"номи {number}"}).status
        for number in range(CALLS)
    )


def remove(call: Caller, chance: random.Random) -> Done:
    """Projects deleted and brought back."""
    done: Done = Counter()
    for _ in range(CALLS):
        method, word = chance.choice([("DELETE", ""), ("POST", "restore/"), ("POST", "restore/")])
        done[call(method, f"project/{chance.choice(PROJECTS)}/{word}").status] += 1
    return done


def move(call: Caller, chance: random.Random) -> Done:
    """Rows moved from project to project, and out of all."""
    done: Done = Counter()
    for _ in range(CALLS):
        resource = chance.choice(list(CODE_FIELDS))
        body = {"project": chance.choice([*PROJECTS, None])}
        done[call.row("PATCH", resource, chance.choice(ITEMS), body).status] += 1
    return done


def change(call: Caller, chance: random.Random) -> Done:
    """Rows changed where they are, in turn deleted and restored."""
    done: Done = Counter()
    for number in range(CALLS):
        resource, code = chance.choice(list(CODE_FIELDS)), chance.choice(ITEMS)
        body = {"name": f"{code} {number}", "is_deleted": False}
        done[call.row("PATCH", resource, code, body).status] += 1
    return done


def many_items(world: World, chance: random.Random) -> Done:
    """Items upserted into several projects at once, in two parts of one transaction."""
    done: Done = Counter()
    for number in range(TRANSACTIONS):
        with world.transaction(), service.writing(world.resource("nomenklatura"), OWN_PROCESS) as write:
            for _ in range(2):
                rows = [
                    world.values("nomenklatura", code_1c=f"кўп {n}", name=f"{number}", project=project)
                    for n, project in enumerate(chance.choices(PROJECTS, k=6))
                ]
                done.update(outcome.action for outcome in bulk.upsert(write, rows))
                time.sleep(0.01)
    return done


def many_projects(world: World, chance: random.Random) -> Done:
    """Several projects renamed under one tick, in any order."""
    done: Done = Counter()
    for number in range(TRANSACTIONS):
        with world.transaction(), service.writing(world.resource("project"), OWN_PROCESS) as write:
            for code in chance.sample(PROJECTS, 3):
                row = find(world.resource("project"), Lookup(code), Among.LIVE_THEN_DELETED)
                done[write.update(row, {"name": f"{code} {number}"})] += 1
                time.sleep(0.005)
    return done


def everything(world: World, chance: random.Random) -> Done:
    """Clients, items and projects in one transaction, their clocks taken in the order of the names."""
    done: Done = Counter()
    for number in range(TRANSACTIONS):
        with world.transaction():
            for name in (*CODE_FIELDS, "project"):
                resource = world.resource(name)
                codes = PROJECTS if name == "project" else OWN_ITEMS
                rows = [
                    world.values(name, **{resource.code: code}, name=f"жами {code} {number}")
                    for code in chance.sample(codes, 3)
                ]
                with service.writing(resource, OWN_PROCESS) as write:
                    done.update(outcome.action for outcome in bulk.upsert(write, rows))
    return done


def test_all_writers_end(stocked: World) -> None:
    """Single writers of projects and rows, beside writers of many rows in one transaction."""
    singles = [rename, remove, move, move, change, change]
    tasks = [
        partial(task, stocked.caller(), random.Random(seed))  # noqa: S311  # the same choices each time
        for seed, task in enumerate(singles)
    ]
    tasks += [
        partial(task, stocked, random.Random(seed))  # noqa: S311
        for seed, task in enumerate([many_items, many_projects, everything])
    ]
    *answers, items, projects, mixed = in_parallel(tasks, seconds=150)
    for counted in answers:
        assert set(counted) <= {200, 204, 400, 404}, answers
        assert counted[200] + counted[204] > CALLS / 4
    assert items[bulk.Action.CREATED] + items[bulk.Action.UPDATED] > TRANSACTIONS
    assert projects[True] == 3 * TRANSACTIONS
    assert mixed[bulk.Action.CREATED] + mixed[bulk.Action.UPDATED] == 9 * TRANSACTIONS
    stocked.check_live_rows()


def test_many_rows_against_many_projects(stocked: World) -> None:
    """Each needs a project that the other one has already, so without an order both would wait for ever."""
    item, project = stocked.resource("nomenklatura"), stocked.resource("project")
    item_written, project_written = threading.Event(), threading.Event()

    def write_items() -> None:
        with stocked.transaction(), service.writing(item, OWN_PROCESS) as write:
            write.create(stocked.values("nomenklatura", code_1c="A", name="товар", project="P1"))
            item_written.set()
            project_written.wait(1)  # in vain where projects must wait for us
            write.create(stocked.values("nomenklatura", code_1c="A", name="товар", project="P0"))

    def write_projects() -> None:
        assert item_written.wait(CALL_SECONDS)
        with stocked.transaction(), service.writing(project, OWN_PROCESS) as write:
            for code in ("P0", "P1"):
                write.update(find(project, Lookup(code)), {"is_deleted": True})
                project_written.set()

    in_parallel([write_items, write_projects])
    assert stocked.value("SELECT count(*) FROM project WHERE is_deleted") == 2
    assert stocked.value("SELECT count(*) FROM nomenklatura WHERE project_id IS NOT NULL") == 2
    stocked.check_live_rows()


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_row_waits_for_the_deletion_of_its_project(stocked: World, method: str) -> None:
    """Created in it or moved into it: refused when the deletion is committed, and not before."""
    call = stocked.caller()
    project = stocked.resource("project")
    path = "nomenklatura/" if method == "POST" else "nomenklatura/товар 1/"
    body = {"code_1c": "янги", "name": "товар", "project": "P0"}
    with stocked.transaction():
        service.delete(project, Lookup("P0"), OWN_PROCESS)
        waiting = Running(partial(call, method, path, body))
        waiting.wait(0.7)
        assert not waiting.has_ended
    answer = waiting.result()
    assert (answer.status, list(answer.body)) == (400, ["project"])
    assert stocked.value("SELECT count(*) FROM nomenklatura WHERE project_id IS NOT NULL") == 0


def test_deletion_of_a_project_waits_for_its_new_row(stocked: World) -> None:
    """Which was there first, and stays."""
    call = stocked.caller()
    values = stocked.values("nomenklatura", code_1c="янги", name="товар", project="P0")
    with stocked.transaction():
        service.create(stocked.resource("nomenklatura"), values, OWN_PROCESS)
        waiting = Running(partial(call, "DELETE", "project/P0/"))
        waiting.wait(0.7)
        assert not waiting.has_ended
    assert waiting.result().status == 204
    row = call("GET", "nomenklatura/янги/").body
    assert row["project"]["code_1c"] == "P0"


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_row_that_is_moved_away_meanwhile_is_not_written(stocked: World, method: str) -> None:
    """A call that names a project means the row in it, also when it had to wait for its turn."""
    call = stocked.caller()
    item = stocked.resource("nomenklatura")
    assert call("PATCH", "nomenklatura/товар 1/", {"project": "P0"}).status == 200
    with stocked.transaction():
        moved = service.change(item, Lookup("товар 1"), {"project": "P1"}, OWN_PROCESS)
        body = None if method == "DELETE" else {"code_1c": "товар 1", "name": "бошқа"}
        waiting = Running(partial(call, method, "nomenklatura/товар 1/?project=P0", body))
        waiting.wait(0.7)
        assert not waiting.has_ended
    assert waiting.result().status == 404
    row = call("GET", "nomenklatura/товар 1/").body
    assert (row["name"], row["project"]["code_1c"]) == ("товар 1", "P1")
    assert stocked.value("SELECT max(tick) FROM nomenklatura") == moved.tick


def test_code_that_becomes_ambiguous_meanwhile(stocked: World) -> None:
    """A call that names no project is refused once there are two rows, also when it had to wait."""
    call = stocked.caller()
    item = stocked.resource("nomenklatura")
    with stocked.transaction():
        values = stocked.values("nomenklatura", code_1c="товар 1", name="иккинчи", project="P0")
        service.create(item, values, OWN_PROCESS)
        waiting = Running(partial(call, "PATCH", "nomenklatura/товар 1/", {"name": "бошқа"}))
        waiting.wait(0.7)
        assert not waiting.has_ended
    assert waiting.result().status == 409
    assert stocked.value("SELECT count(*) FROM nomenklatura WHERE name = 'бошқа'") == 0


def test_no_row_is_created_in_a_deleted_project(stocked: World) -> None:
    """Writers fill a project until they are refused; from the deletion's answer on, all of them are."""
    for project in PROJECTS:
        deleted_at: list[float] = []

        def fill(writer: int, call: Caller, project: str = project, deleted: list[float] = deleted_at) -> int:
            for number in range(1000):
                begun = time.monotonic()
                body = {"code_1c": f"{writer} {number}", "name": "товар", "project": project}
                answer = call("POST", "nomenklatura/", body)
                if answer.status == 400:
                    assert list(answer.body) == ["project"]
                    return number
                assert answer.status == 201, answer
                assert not deleted or begun < deleted[0], "created after the deletion was answered"
            raise AssertionError("never refused")

        def delete(call: Caller, project: str = project, deleted: list[float] = deleted_at) -> int:
            time.sleep(0.3)
            status = call("DELETE", f"project/{project}/").status
            deleted.append(time.monotonic())
            return status

        writers = [partial(fill, number, call) for number, call in enumerate(stocked.callers(4))]
        *created, status = in_parallel([*writers, partial(delete, stocked.caller())])
        assert status == 204
        assert sum(created) > 0
        of_project = "FROM nomenklatura r JOIN project p ON p.id = r.project_id WHERE p.code_1c = :code"
        assert stocked.value(f"SELECT count(*) {of_project}", code=project) == sum(created)
    stocked.check_live_rows()
