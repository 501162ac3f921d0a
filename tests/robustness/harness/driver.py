"""Who calls when: as fast as answers come, to learn what can be answered, or at a rate of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field

from tests.robustness.harness.http import Caller
from tests.robustness.harness.rude import RUDE
from tests.robustness.harness.traffic import operation
from tests.robustness.harness.world import World

MOST_OUTSTANDING = 4000  # calls under way at once; more are counted as not sent
CLOSED_CALLERS = 8  # as many as there are threads that work
MEMORY_SECONDS = 2.0


@dataclass
class Phase:
    """A stretch of time with what was measured in it."""

    began: float
    ended: float = 0.0
    memory: list[tuple[float, float]] = field(default_factory=list)  # (when, megabytes)

    @property
    def seconds(self) -> float:
        return self.ended - self.began


async def closed_loop(world: World, seconds: float) -> Phase:
    """CLOSED_CALLERS polite callers, each of whom waits for its answer before it asks again."""
    callers = [caller for caller in world.callers if not caller.rude][:CLOSED_CALLERS]
    phase = Phase(time.monotonic())
    deadline = phase.began + seconds

    async def work(number: int) -> None:
        while time.monotonic() < deadline:
            # The addresses of all polite callers in turn, so that no limit by address is met.
            caller = callers[number]
            await operation(world, caller)(world, caller)

    await asyncio.gather(*(work(number) for number in range(len(callers))))
    phase.ended = time.monotonic()
    return phase


def capacity(world: World, phase: Phase) -> float:
    """Answers a second of a phase."""
    done = [sample for sample in world.samples if phase.began <= sample.ended <= phase.ended and sample.ok]
    return len(done) / phase.seconds


async def open_loop(
    world: World, rate: float, seconds: float, *, rude: bool = True, enough: asyncio.Event | None = None
) -> Phase:
    """``rate`` operations a second, due at random times, whether or not those before are answered.

    Ends early when it is ``enough``; returns when all are answered.
    """
    callers = world.callers if rude else [caller for caller in world.callers if not caller.rude]
    phase = Phase(time.monotonic())
    due, under_way = phase.began, set[asyncio.Task[None]]()
    watch = asyncio.create_task(watch_memory(world, phase))
    while (due := due + world.chance.expovariate(rate)) < phase.began + seconds:
        if enough is not None and enough.is_set():
            break
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if len(under_way) >= MOST_OUTSTANDING:
            world.unsent += 1
            continue
        task = asyncio.create_task(_one(world, world.chance.choice(callers)))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    phase.ended = time.monotonic()
    await asyncio.gather(*under_way)
    watch.cancel()
    return phase


async def _one(world: World, caller: Caller) -> None:
    work: Awaitable[None]
    work = (
        world.chance.choice(RUDE)(world, caller) if caller.rude else operation(world, caller)(world, caller)
    )
    try:
        await work
    except OSError:  # a rude caller whom nobody would talk to
        if not caller.rude:
            raise


async def watch_memory(world: World, phase: Phase) -> None:
    while True:
        try:
            megabytes = await asyncio.to_thread(world.stack.memory)
            phase.memory.append((time.monotonic() - phase.began, megabytes))
        except OSError:  # a worker ended meanwhile
            pass
        await asyncio.sleep(MEMORY_SECONDS)
