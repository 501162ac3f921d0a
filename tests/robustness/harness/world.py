"""What every operation of the load works with: callers, what is known of the catalogue, ledger, tally."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.robustness.harness.http import LOST, TIMED_OUT, Answer, Caller
from tests.robustness.harness.ledger import Ledger, Write
from tests.robustness.harness.stack import Stack

CALLERS = 160
HONEST = {429, 503}  # refusals that tell to come back later
BROKEN_HONESTLY = {502, 504}  # nginx: whether it was done is not known; come back later


@dataclass(frozen=True)
class Sample:
    """One answered request. ``began`` and ``ended`` are monotonic; ``began`` is when it was due."""

    kind: str
    began: float
    ended: float
    status: int
    rude: bool
    honest: bool = True  # a refusal says when to come back

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300 or self.status == 304


@dataclass
class Own:
    """A row that the load has made, with what the service last said about it."""

    code: str
    title: str
    deleted: bool = False


@dataclass
class World:
    """The state of one run."""

    stack: Stack
    ledger: Ledger
    chance: random.Random
    callers: list[Caller]
    items: list[dict[str, Any]] = field(default_factory=list)  # some that nobody changes
    pictured: list[int] = field(default_factory=list)  # ids of some that get images, and so new tags
    projects: list[str] = field(default_factory=list)
    free: list[Own] = field(default_factory=list)  # rows that no call is at
    samples: list[Sample] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # answers that are not right
    unsent: int = 0
    images: bool = False

    def record(self, kind: str, began: float, answer: Answer, *, rude: bool, expected: set[int]) -> None:
        """Keep a sample; what is neither a success, nor expected, nor an honest refusal, is wrong."""
        honest = "retry-after" in answer.headers
        status = answer.status
        self.samples.append(Sample(kind, began, time.monotonic(), status, rude, honest))
        if answer.ok or status in expected or status in (LOST, TIMED_OUT) or rude:
            return
        if status in HONEST or (status in BROKEN_HONESTLY and not self.ledger.strict):
            if not honest:
                self.wrong.append(f"{kind}: {status} without Retry-After: {answer.body[:200]!r}")
            self._check_shape(kind, answer)
            return
        self.wrong.append(f"{kind}: {status} {answer.body[:200]!r}")

    def _check_shape(self, kind: str, answer: Answer) -> None:
        try:
            good = isinstance(answer.json()["detail"], str)
        except (ValueError, KeyError, TypeError):
            good = False
        if not good:
            self.wrong.append(f"{kind}: {answer.status} is not in our shape: {answer.body[:200]!r}")

    async def ask(
        self,
        caller: Caller,
        kind: str,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        expected: tuple[int, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One recorded request."""
        began = time.monotonic()
        answer = await caller.call(method, path, body, **(headers or {}))
        self.record(kind, began, answer, rude=caller.rude, expected=set(expected))
        return answer

    async def write(
        self, caller: Caller, kind: str, method: str, path: str, body: bytes, *writes: Write, **headers: str
    ) -> Answer:
        """A recorded request whose writes go into the ledger."""
        self.ledger.expect(*writes)
        headers.setdefault("content_type", "application/json")
        answer = await self.ask(caller, kind, method, path, body, headers=headers)
        self.ledger.settle(answer, *writes)
        return answer

    def check(self, good: bool, what: str) -> None:
        if not good:
            self.wrong.append(what)

    def statuses(self, began: float = 0.0, ended: float = float("inf")) -> Counter[int]:
        """Polite callers' answers by status, of those that ended between the two times."""
        return Counter(
            sample.status for sample in self.samples if not sample.rude and began <= sample.ended <= ended
        )


def make_world(stack: Stack, *, strict: bool, seed: int = 7) -> World:
    """A world of CALLERS callers; every fifth is rude, one in four anonymous."""
    names = list(stack.passwords)
    callers = [
        Caller(
            address=f"127.1.{number // 200}.{number % 200 + 1}",
            port=stack.port,
            name=names[number % len(names)] if number % 4 else "",
            rude=number % 5 == 0,
        )
        for number in range(CALLERS)
    ]
    chance = random.Random(seed)  # noqa: S311  # the same traffic in every run
    return World(stack, Ledger(strict=strict), chance, callers)


async def get_ready(world: World) -> None:
    """Sign everybody in, and look at rows that stay as they are. Raises RuntimeError where that fails."""
    tokens: dict[str, tuple[str, str]] = {}
    for caller in world.callers:
        if caller.name:
            if caller.name not in tokens:
                tokens[caller.name] = await sign_in(world, caller)
            caller.token, caller.refresh = tokens[caller.name]
    caller = next(caller for caller in world.callers if caller.token)
    answer = await caller.call("GET", "/api/v1/nomenklatura/?limit=100&ordering=code_1c&offset=200")
    codes = Counter(row["code_1c"] for row in answer.json()["results"])
    # A code that stands in two projects needs one more word to be found.
    rows = [row for row in answer.json()["results"] if codes[row["code_1c"]] == 1]
    world.items, world.pictured = rows[20:], [row["id"] for row in rows[:20]]
    answer = await caller.call("GET", "/api/v1/project/")
    world.projects = [row["code_1c"] for row in answer.json()["results"]]
    answer = await caller.call("GET", "/api/v1/nomenklatura-image/")
    world.images = answer.ok
    await asyncio.sleep(0)


async def sign_in(world: World, caller: Caller) -> tuple[str, str]:
    """Access and refresh token of the caller's user."""
    from tests.robustness.harness.traffic import credentials

    body = credentials(caller.name, world.stack.passwords[caller.name])
    answer = await caller.call("POST", "/api/token/", body, content_type="application/json")
    if not answer.ok:
        raise RuntimeError(f"sign-in failed: {answer.status} {answer.body[:200]!r}")
    pair = answer.json()
    return pair["access"], pair["refresh"]
