"""What a fifth of the clients does: lets the service wait, hangs up in the middle, does not listen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from tests.robustness.harness.http import LOST, TIMED_OUT, Answer, Caller, Connection, read_answer
from tests.robustness.harness.ledger import Fate, Write
from tests.robustness.harness.traffic import ITEMS, encode
from tests.robustness.harness.world import World

STEPS = 12  # of something slow
STEP_SECONDS = 0.8
LONGEST_SECONDS = 60.0


async def hang_up_in_body(world: World, caller: Caller) -> None:
    """Half of a body, and gone: nothing of it may be written."""
    code = world.ledger.new_code()
    write = Write("nomenklatura", code, "create", fate=Fate.REFUSED)
    world.ledger.expect(write)
    body = encode({"code_1c": code, "name": "Ярим юк"})
    _, writer = await caller.connect()
    headers = {"content_type": "application/json"}
    writer.write(caller.head("POST", ITEMS, len(body), headers) + body[: len(body) // 2])
    await writer.drain()
    await asyncio.sleep(world.chance.random())
    writer.transport.abort()
    world.record("hang up", time.monotonic(), Answer(LOST), rude=True, expected=set())


async def hang_up_before_answer(world: World, caller: Caller) -> None:
    """A whole request, and gone: whether it is written, only the database knows."""
    code = world.ledger.new_code()
    world.ledger.expect(Write("nomenklatura", code, "create"))
    body = encode({"code_1c": code, "name": "Юк"})
    _, writer = await caller.connect()
    headers = {"content_type": "application/json"}
    writer.write(caller.head("POST", ITEMS, len(body), headers) + body)
    await writer.drain()
    writer.transport.abort()
    world.record("hang up", time.monotonic(), Answer(LOST), rude=True, expected=set())


async def slow_head(world: World, caller: Caller) -> None:
    """The head of a request, a few bytes at a time."""
    head = caller.head("GET", f"{ITEMS}?page_size=5", None, {})
    await _drip(world, caller, "slow head", [head[at : at + 16] for at in range(0, len(head), 16)][:STEPS])


async def slow_body(world: World, caller: Caller) -> None:
    """A body, a few bytes at a time; with all its bytes it counts like any other."""
    await _slow_write(world, caller, ITEMS, "application/json")


async def slow_stream(world: World, caller: Caller) -> None:
    """The same where bodies are streamed to the application."""
    await _slow_write(world, caller, f"{ITEMS}bulk/", "application/x-ndjson")


async def _slow_write(world: World, caller: Caller, path: str, content_type: str) -> None:
    code = world.ledger.new_code()
    write = Write("nomenklatura", code, "create")
    world.ledger.expect(write)
    body = encode({"code_1c": code, "name": "Секин юк " + "." * 60})
    size = len(body) // STEPS + 1
    head = caller.head("POST", path, len(body), {"content_type": content_type})
    steps = [head, *(body[at : at + size] for at in range(0, len(body), size))]
    world.ledger.settle(await _drip(world, caller, "slow body", steps), write)


async def slow_reader(world: World, caller: Caller) -> None:
    """A large answer that is asked for and not read for a while."""
    connection = await caller.connect()
    _, writer = connection
    writer.write(caller.head("GET", f"{ITEMS}?page_size=100", None, {}))
    await writer.drain()
    await asyncio.sleep(STEPS * STEP_SECONDS / 2)
    await _finish(world, connection, "slow reader")


async def _drip(world: World, caller: Caller, kind: str, steps: list[bytes]) -> Answer:
    connection = await caller.connect()
    try:
        for step in steps:
            connection[1].write(step)
            await connection[1].drain()
            await asyncio.sleep(STEP_SECONDS)
    except OSError:  # the service has had enough; it may have said so
        pass
    return await _finish(world, connection, kind)


async def _finish(world: World, connection: Connection, kind: str) -> Answer:
    reader, writer = connection
    began = time.monotonic()
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            answer = await read_answer(reader)
    except TimeoutError:
        answer = Answer(TIMED_OUT)
    except (OSError, asyncio.IncompleteReadError, ValueError):
        answer = Answer(LOST)
    writer.transport.abort()
    world.record(kind, began, answer, rude=True, expected=set())
    return answer


RUDE: tuple[Callable[[World, Caller], Awaitable[None]], ...] = (
    hang_up_in_body,
    hang_up_before_answer,
    slow_head,
    slow_body,
    slow_stream,
    slow_reader,
)
