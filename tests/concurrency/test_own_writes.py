"""No staleness is traded for speed: who has written reads it, on whichever worker."""

from __future__ import annotations

from functools import partial

from tests.concurrency.conftest import World
from tests.concurrency.together import Caller, in_parallel

CLIENTS = 8
WRITES = 125  # of each client: a thousand in all


def test_each_of_a_thousand_writes_is_read_at_once(world: World) -> None:
    """In the detail, the list and a filtered list of the other worker, all of them kept and tagged."""

    def work(number: int, write: Caller, read: Caller) -> None:
        code, tag = f"K{number}", ""
        created = write("POST", "nomenklatura/", {"code_1c": code, "name": "бошида"})
        assert created.status == 201
        for turn in range(WRITES):
            name = f"ном {number} {turn}"
            assert write.row("PATCH", "nomenklatura", code, {"name": name}).status == 200
            answers = (
                read.row("GET", "nomenklatura", code, if_none_match=tag or '"none"'),
                read("GET", f"nomenklatura/?code_1c={code}", if_none_match=tag or '"none"'),
                read("GET", "nomenklatura/"),
            )
            assert [answer.status for answer in answers] == [200, 200, 200]
            detail, filtered, everything = (answer.body for answer in answers)
            assert detail["name"] == name
            assert [row["name"] for row in filtered["results"]] == [name]
            assert [row["name"] for row in everything["results"] if row["code_1c"] == code] == [name]
            tag = f"{answers[0].tag}, {answers[1].tag}"

    pairs = [(world.caller(server=n % 2), world.caller(server=1 - n % 2)) for n in range(CLIENTS)]
    in_parallel((partial(work, number, *pair) for number, pair in enumerate(pairs)), seconds=300)
