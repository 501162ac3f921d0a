"""A storm of writes over HTTP, whose writers know afterwards what they have written."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.concurrency.together import Answer, Caller

SHARED = [f"общий/{number}" for number in range(12)]  # codes of rows that every writer touches


@dataclass
class Writer:
    """A client that creates, changes, moves, deletes and restores items: its own, and the shared ones.

    Afterwards ``written`` holds, by request id, (code, action) of each call that wrote; ``perhaps`` the
    calls that wrote only if somebody had deleted the row before, which the writer cannot know.
    """

    name: str
    call: Caller
    projects: list[int]
    chance: random.Random
    live: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    written: dict[str, tuple[str, str]] = field(default_factory=dict)
    perhaps: dict[str, tuple[str, str]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def write(self, calls: int) -> None:
        for _ in range(calls):
            self._choose()()

    def _choose(self) -> Any:
        weights = {self._create: 5, self._change_shared: 6, self._delete_shared: 2, self._restore_shared: 2}
        if self.live:
            weights |= {self._change: 8, self._move: 4, self._delete: 4}
        if self.deleted:
            weights |= {self._restore: 4}
        return self.chance.choices(list(weights), list(weights.values()))[0]

    def _send(self, action: str, method: str, code: str, body: Any, *expected: int, path: str = "") -> Answer:
        request_id = f"{self.name}-{next(self._numbers)}"
        if isinstance(body, dict):
            body["name"] = f"имя {request_id}"  # never what the row has already
        answer = self.call(method, f"nomenklatura/{path}", body, x_request_id=request_id)
        assert answer.status in expected, (action, code, answer)
        if answer.status < 300:
            kept = self.perhaps if action == "restore" and code in SHARED else self.written
            kept[request_id] = (code, action)
        return answer

    def _create(self) -> None:
        code = f"{self.name} {len(self.live) + len(self.deleted)}"
        price = f"{self.chance.randrange(10**6)}.{self.chance.randrange(100):02}"
        body = {"code_1c": code, "base_price": price, "tags": ["ş", code], "project_id": self._project()}
        self._send("create", "POST", code, body, 201)
        self.live.append(code)

    def _change(self) -> None:
        code = self.chance.choice(self.live)
        body = {"stock_quantity": f"{self.chance.randrange(1000)}.5", "code_1c": code}
        self._send("update", self.chance.choice(["PATCH", "PUT"]), code, body, 200, path=_at(code))

    def _move(self) -> None:
        code = self.chance.choice(self.live)
        self._send("update", "PATCH", code, {"project_id": self._project()}, 200, path=_at(code))

    def _delete(self) -> None:
        code = self.live.pop(self.chance.randrange(len(self.live)))
        self._send("delete", "DELETE", code, None, 204, path=_at(code))
        self.deleted.append(code)

    def _restore(self) -> None:
        code = self.deleted.pop(self.chance.randrange(len(self.deleted)))
        self._send("restore", "POST", code, None, 200, path=f"{_at(code)}restore/")
        self.live.append(code)

    def _change_shared(self) -> None:
        code = self.chance.choice(SHARED)
        body = {"project_id": self._project()}
        self._send("update", "PATCH", code, body, 200, 404, path=_at(code))

    def _delete_shared(self) -> None:
        code = self.chance.choice(SHARED)
        self._send("delete", "DELETE", code, None, 204, 404, path=_at(code))

    def _restore_shared(self) -> None:
        code = self.chance.choice(SHARED)
        self._send("restore", "POST", code, None, 200, path=f"{_at(code)}restore/")

    def _project(self) -> int | None:
        return self.chance.choice([*self.projects, None])


def _at(code: str) -> str:
    return f"{quote(code, safe='')}/"


@dataclass
class Follower:
    """A consumer of the change feed, who keeps a copy of the table by nothing but ``next``."""

    call: Caller
    limit: int
    copy: dict[str, Any] = field(default_factory=dict)  # the row as the API shows it, by code
    states: dict[str, tuple[int, bool]] = field(default_factory=dict)  # (tick, deleted) by code
    delivered: set[tuple[str, int]] = field(default_factory=set)
    cursor: str = ""
    last_tick: int = 0

    def read(self) -> bool:
        """Take one page; False when it was empty and no more was announced."""
        answer = self.call("GET", f"nomenklatura/changes/?limit={self.limit}&since={quote(self.cursor)}")
        assert answer.status == 200, answer
        for entry in answer.body["results"]:
            self._take(entry)
        assert len(answer.body["results"]) == self.limit or not answer.body["more"]
        self.cursor = answer.body["next"]
        return bool(answer.body["results"])

    def _take(self, entry: dict[str, Any]) -> None:
        code, tick = entry["code"], entry["tick"]
        assert (code, tick) not in self.delivered, f"{code} came twice with the same state"
        self.delivered.add((code, tick))
        assert tick >= self.last_tick, f"{code} came after a later change"
        self.last_tick = tick
        assert (entry["row"] is None) == entry["deleted"]
        self.states[code] = (tick, entry["deleted"])
        if entry["deleted"]:
            self.copy.pop(code, None)
        else:
            self.copy[code] = entry["row"]
