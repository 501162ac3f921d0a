"""Mixed traffic at twice what can be answered, a fifth of it rude; then the books are checked."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.robustness.harness import report
from tests.robustness.harness.driver import Phase, capacity, closed_loop, open_loop
from tests.robustness.harness.ledger import Audit, audit
from tests.robustness.harness.stack import Stack, stack
from tests.robustness.harness.world import World, get_ready, make_world

OVERLOAD = 2.0
MEASURE_SECONDS = 12.0
RECOVERY_SECONDS = 6.0
# What must hold on any machine, however slow: without a gate the wait grows to half of the storm and more.
BOUND_P95_SECONDS = 10.0
FIRST_ANSWER_SECONDS = 5.0
MEMORY_GROWTH = 1.3  # last third over the middle one


@dataclass
class LoadResult:
    """A whole run."""

    world: World
    capacity: float  # answers a second
    rate: float  # operations a second that were due
    calm: Phase
    storm: Phase
    after: Phase
    first_answer: float  # seconds from the end of the storm to an answer
    audit: Audit
    failures: list[str] = field(default_factory=list)


def run(seconds: float, *, measure_seconds: float = MEASURE_SECONDS) -> LoadResult:
    """Start a stack, measure it, storm it, look at what is left."""
    with stack() as made:
        return asyncio.run(_run(made, seconds, measure_seconds))


async def _run(made: Stack, seconds: float, measure_seconds: float) -> LoadResult:
    world = make_world(made, strict=True)
    await get_ready(world)
    await closed_loop(world, 3)  # warm: pools, caches, plans
    calm = await closed_loop(world, measure_seconds)
    can = capacity(world, calm)
    rate = can * OVERLOAD
    storm = await open_loop(world, rate, seconds)
    ended = time.monotonic()
    probe = world.callers[1]
    while not (await world.ask(probe, "probe", "GET", "/api/v1/")).ok and time.monotonic() - ended < 30:
        await asyncio.sleep(0.05)
    first_answer = time.monotonic() - ended
    after = await closed_loop(world, RECOVERY_SECONDS)
    with made.postgresql.connect() as connection:
        found = audit(world.ledger, connection, made.media / "files")
    result = LoadResult(world, can, rate, calm, storm, after, first_answer, found)
    result.failures = failures(result)
    return result


def failures(result: LoadResult) -> list[str]:
    """What did not hold, each in a line."""
    bad = [f"{what}" for what in result.audit.faults[:20]]
    bad += [
        f"wrong answer: {what} ({count} times)" for what, count in Counter(result.world.wrong).most_common(20)
    ]
    polite = [s for s in result.world.samples if not s.rude and s.began >= result.storm.began]
    unanswered = [s for s in polite if s.status <= 0]
    if len(unanswered) > len(polite) / 1000:
        bad.append(f"{len(unanswered)} of {len(polite)} polite requests got no answer")
    times = [s.ended - s.began for s in polite if s.ok and s.kind in ("list", "detail", "search", "change")]
    if (p95 := report.percentile(times, 95)) > BOUND_P95_SECONDS:
        bad.append(f"95 % of accepted requests took up to {p95:.1f} s, more than {BOUND_P95_SECONDS:g} s")
    sizes = [size for _, size in result.storm.memory]
    third = len(sizes) // 3
    if third and max(sizes[2 * third :]) > MEMORY_GROWTH * max(sizes[third : 2 * third]):
        bad.append(f"memory grew: {report.memory_line(result.storm)}")
    if result.first_answer > FIRST_ANSWER_SECONDS:
        bad.append(f"the first answer after the storm took {result.first_answer:.1f} s")
    if (again := capacity(result.world, result.after)) < result.capacity / 2:
        bad.append(f"afterwards {again:.0f} answers a second, before {result.capacity:.0f}")
    return bad


def describe(result: LoadResult) -> str:
    """The run as Markdown."""
    world, storm = result.world, result.storm
    count = len([s for s in world.samples if storm.began <= s.began <= storm.ended])
    calm = [
        s.ended - s.began for s in world.samples if result.calm.began <= s.began <= result.calm.ended and s.ok
    ]
    after = [
        s.ended - s.began
        for s in world.samples
        if result.after.began <= s.began <= result.after.ended and s.ok
    ]
    lines = [
        f"- It can answer {result.capacity:.0f} requests a second (8 callers who wait for their answers;"
        f" p50, p95, p99: {', '.join(report.milliseconds(calm)[:3])} ms).",
        f"- {result.rate:.0f} operations a second were due for {storm.seconds:.0f} s, {count} requests"
        f" in all, a fifth of the callers rude; {world.unsent} could not be sent.",
        f"- Writes: {report.audit_line(result.audit)}.",
        f"- Wrong answers: {len(world.wrong)}.",
        f"- Memory of gunicorn with its workers: {report.memory_line(storm)}.",
        f"- Afterwards: first answer after {result.first_answer * 1000:.0f} ms,"
        f" {capacity(world, result.after):.0f} requests a second, p50, p95, p99:"
        f" {', '.join(report.milliseconds(after)[:3])} ms.",
    ]
    return "\n".join([*lines, "", report.latency_table(world, storm)])
