"""Twenty clients create the same code at one moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.concurrency.conftest import World
from tests.concurrency.together import Answer, in_parallel

CROWD = 20
CODE_FIELDS = {"project": "code_1c", "client": "client_code_1c", "nomenklatura": "code_1c"}

Body = Callable[[int], dict[str, Any]]


def create_at_once(world: World, resource: str, body: Body) -> list[Answer]:
    """Everybody's answer to POST; ``body`` gives theirs by number."""
    callers = world.callers(CROWD)
    for call in callers:
        assert call("GET", f"{resource}/").status == 200  # connected, so that all arrive together
    return in_parallel([partial(call, "POST", f"{resource}/", body(n)) for n, call in enumerate(callers)])


def check_one_created(world: World, resource: str, answers: list[Answer]) -> None:
    field = CODE_FIELDS[resource]
    taken = {field: [f"{resource} with this {field.replace('_', ' ')} already exists."]}
    assert Counter(answer.status for answer in answers) == {201: 1, 400: CROWD - 1}
    assert all(answer.body == taken for answer in answers if answer.status == 400)
    (made,) = (answer.body for answer in answers if answer.status == 201)
    where = "WHERE resource = :name AND row_id = :row_id"
    assert world.value(f"SELECT count(*) FROM {resource}") == 1
    assert world.value(f"SELECT count(*) FROM row_history {where}", name=resource, row_id=made["id"]) == 1
    assert world.value("SELECT count(*) FROM row_history WHERE resource = :name", name=resource) == 1
    world.check_live_rows()


@pytest.mark.parametrize("resource", CODE_FIELDS)
def test_one_creates_and_the_others_are_told(world: World, resource: str) -> None:
    field = CODE_FIELDS[resource]
    answers = create_at_once(world, resource, lambda n: {field: "Бир / 1", "name": f"номи {n}"})
    check_one_created(world, resource, answers)


def test_within_a_project_and_across_projects(world: World) -> None:
    """One row in one project; one in each of twenty."""
    call = world.caller()
    for number in range(CROWD):
        assert call("POST", "project/", {"code_1c": f"P{number}", "name": "лойиҳа"}).status == 201
    same = create_at_once(world, "nomenklatura", lambda n: {"code_1c": "X", "name": "товар", "project": "P0"})
    check_one_created(world, "nomenklatura", same)
    answers = create_at_once(
        world, "nomenklatura", lambda n: {"code_1c": "Y", "name": "товар", "project": f"P{n}"}
    )
    assert [answer.status for answer in answers] == [201] * CROWD
    assert [answer.body["project"]["code_1c"] for answer in answers] == [f"P{n}" for n in range(CROWD)]
    assert len({answer.tag for answer in answers}) == CROWD
    world.check_live_rows()


def test_moves_into_one_project(world: World) -> None:
    """Twenty rows of one code, all moved into the same project: the first one stays, the others may not."""
    call = world.caller()
    for number in range(CROWD):
        project = {"code_1c": f"P{number}", "name": "лойиҳа"}
        assert call("POST", "project/", project).status == 201
        item = {"code_1c": "X", "name": "товар", "project": f"P{number}"}
        assert call("POST", "nomenklatura/", item).status == 201
    target = call("POST", "project/", {"code_1c": "T", "name": "цель"}).body["id"]
    moves = [
        partial(call, "PATCH", f"nomenklatura/X/?project=P{n}", {"project_id": target})
        for n, call in enumerate(world.callers(CROWD))
    ]
    answers = in_parallel(moves)
    assert Counter(answer.status for answer in answers) == {200: 1, 400: CROWD - 1}
    taken = {"code_1c": ["nomenklatura with this code 1c already exists."]}
    assert all(answer.body == taken for answer in answers if answer.status == 400)
    assert world.value("SELECT count(*) FROM nomenklatura WHERE project_id = :id", id=target) == 1
