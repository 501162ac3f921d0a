"""Of any number of writers who hold the same tag, exactly one wins."""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial

import pytest

from ecatalog.catalog import etag, service
from ecatalog.catalog.lookup import Lookup
from ecatalog.errors import PreconditionFailed
from tests.concurrency.conftest import OWN_PROCESS, World
from tests.concurrency.together import CALL_SECONDS, Caller, in_parallel

ROUNDS = 1000
WRITERS = 4
CROWD = 20


def test_one_winner_in_each_of_a_thousand_rounds(world: World) -> None:
    """Writers with a connection each, who start each round together with the newest tag."""
    project = world.resource("project")
    with world.transaction():
        row = service.create(project, {"code_1c": "P", "name": "начало"}, OWN_PROCESS)
        tags = [etag.row_etag(project, row)]
    wins: list[list[str]] = [[] for _ in range(ROUNDS)]
    losses = Counter[int]()
    meeting = threading.Barrier(WRITERS)

    def compete(writer: int) -> None:
        for number in range(ROUNDS):
            meeting.wait(CALL_SECONDS)
            name = f"{number} {writer}"
            held = frozenset([tags[number]])
            try:
                with world.transaction():
                    won = service.change(project, Lookup("P"), {"name": name}, OWN_PROCESS, if_match=held)
                    tag = etag.row_etag(project, won)
                wins[number].append(name)
                tags.append(tag)
            except PreconditionFailed:
                losses[writer] += 1
            except BaseException:
                meeting.abort()
                raise
            meeting.wait(CALL_SECONDS)

    in_parallel([partial(compete, writer) for writer in range(WRITERS)], seconds=240)
    assert [len(winners) for winners in wins] == [1] * ROUNDS
    assert losses.total() == ROUNDS * (WRITERS - 1)
    assert len(losses) == WRITERS
    assert len(set(tags)) == ROUNDS + 1
    assert world.value("SELECT name FROM project") == wins[-1][0]
    assert world.value("SELECT count(*) FROM row_history") == ROUNDS + 1


@pytest.fixture
def crowd(world: World) -> list[Caller]:
    """Twenty clients, and an item in a project."""
    callers = world.callers(CROWD)
    assert callers[0]("POST", "project/", {"code_1c": "P", "name": "лойиҳа"}).status == 201
    item = {"code_1c": "A", "name": "товар", "project": "P"}
    assert callers[0]("POST", "nomenklatura/", item).status == 201
    return callers


def check_one_winner(world: World, statuses: list[int], success: int, losing: int) -> None:
    assert Counter(statuses) == {success: 1, losing: CROWD - 1}
    world.check_live_rows()


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize("same_body", [True, False])
def test_one_of_twenty_changes(world: World, crowd: list[Caller], method: str, same_body: bool) -> None:
    """Also where all ask for the same: the others' tags do not hold any more."""
    tag = crowd[0]("GET", "nomenklatura/A/").tag

    def change(number: int) -> int:
        name = "одно" if same_body else f"имя {number}"
        body = {"code_1c": "A", "name": name}
        return crowd[number](method, "nomenklatura/A/", body, if_match=tag).status

    statuses = in_parallel([partial(change, number) for number in range(CROWD)])
    check_one_winner(world, statuses, 200, 412)
    assert world.value("SELECT count(*) FROM row_history WHERE resource = 'nomenklatura'") == 2
    if not same_body:
        assert world.value("SELECT name FROM nomenklatura") == f"имя {statuses.index(200)}"


def test_one_of_twenty_deletions(world: World, crowd: list[Caller]) -> None:
    """For the others the row is gone, which comes before conditions."""
    tag = crowd[0]("GET", "nomenklatura/A/").tag
    answers = in_parallel([partial(call, "DELETE", "nomenklatura/A/", if_match=tag) for call in crowd])
    check_one_winner(world, [answer.status for answer in answers], 204, 404)
    assert world.value("SELECT count(*) FROM row_history WHERE action = 'delete'") == 1


def test_one_of_twenty_restorers(world: World, crowd: list[Caller]) -> None:
    tag = crowd[0]("DELETE", "nomenklatura/A/").tag
    path = "nomenklatura/A/restore/"
    answers = in_parallel([partial(call, "POST", path, if_match=tag) for call in crowd])
    check_one_winner(world, [answer.status for answer in answers], 200, 412)
    assert world.value("SELECT count(*) FROM row_history WHERE action = 'restore'") == 1


def test_deletion_or_change_but_not_both(world: World, crowd: list[Caller]) -> None:
    """Whichever comes first makes the other's tag false."""
    for number in range(CROWD):
        path = f"nomenklatura/B{number}/"
        tag = crowd[0]("POST", "nomenklatura/", {"code_1c": f"B{number}", "name": "товар"}).tag
        calls = [
            ("DELETE", None),
            ("PATCH", {"name": "другой"}),
            ("DELETE", None),
            ("PATCH", {"name": "иной"}),
        ]
        answers = in_parallel(
            [
                partial(call, method, path, body, if_match=tag)
                for call, (method, body) in zip(crowd, calls, strict=False)
            ]
        )
        winner, *others = sorted(answer.status for answer in answers)
        assert winner in (200, 204)
        assert set(others) <= {404, 412}, others
    world.check_live_rows()
