"""Faults one after the other on a stack under load: what clients saw, what was lost, how soon it healed."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.robustness.harness import report
from tests.robustness.harness.clocks import NoClockError, clock
from tests.robustness.harness.disks import NoDiskError, small_disk
from tests.robustness.harness.driver import capacity, closed_loop, open_loop
from tests.robustness.harness.faults import Bench, Fault
from tests.robustness.harness.http import LOST, TIMED_OUT
from tests.robustness.harness.ledger import Audit, Ledger, audit
from tests.robustness.harness.network import NoNetworkError, network
from tests.robustness.harness.stack import Options, stack
from tests.robustness.harness.world import Sample, World, get_ready, make_world

RATE = 25.0  # operations a second at most
SHARE = 0.4  # of what the service can answer, where that is less
MEASURE_SECONDS = 5.0
BEFORE_SECONDS = 3.0
CALM_SECONDS = 4.0  # with good answers and no failure: it has healed
LONGEST_HEALING_SECONDS = 90.0
FEW = 0.1
FAILED = {LOST, TIMED_OUT, 500, 502, 503, 504}
MEDIA_MEGABYTES, DATA_MEGABYTES = 64, 400


@dataclass
class Suffered:
    """One fault, survived or not."""

    fault: Fault
    statuses: Counter[int] = field(default_factory=Counter)
    audit: Audit = field(default_factory=Audit)
    seconds: float = 0.0  # that the fault lasted
    healed: float | None = None  # seconds from its end until nine of ten answers are good; None: never
    wrong: Counter[str] = field(default_factory=Counter)
    why_not: str = ""  # what is missing to inflict it here

    @property
    def failures(self) -> list[str]:
        bad = list(self.audit.faults[:10])
        bad += [f"wrong answer: {what} ({count} times)" for what, count in self.wrong.most_common(10)]
        if self.healed is None and not self.why_not:
            bad.append("it did not heal")
        return [f"{self.fault.name}: {what}" for what in bad]


@contextmanager
def bench() -> Iterator[tuple[Bench, dict[str, str]]]:
    """A stack with all that can be made here, and by part what is missing for the rest."""
    missing: dict[str, str] = {}
    with ExitStack() as ending:
        parts: dict[str, Any] = {}
        makers: dict[str, Callable[[], Any]] = {
            "network": lambda: ending.enter_context(network()),
            "media": lambda: ending.enter_context(small_disk(MEDIA_MEGABYTES)),
            "data": lambda: ending.enter_context(small_disk(DATA_MEGABYTES)),
        }
        for name, make in makers.items():
            try:
                parts[name] = make()
            except (NoNetworkError, NoDiskError) as error:
                missing[name] = str(error)
        options = Options(
            network=parts.get("network"),
            media_folder=getattr(parts.get("media"), "folder", None),
            data_folder=getattr(parts.get("data"), "folder", None),
        )
        made = ending.enter_context(stack(options))
        yield Bench(made, media=parts.get("media"), data=parts.get("data")), missing


def run(faults: Sequence[Fault], rate: float = RATE) -> list[Suffered]:
    """Each fault in turn; those of the clock on a stack of their own, since they need another time of day."""
    plain = [fault for fault in faults if fault.needs != "clock"]
    stepping = [fault for fault in faults if fault.needs == "clock"]
    suffered: list[Suffered] = []
    if plain:
        with bench() as (made, missing):
            suffered += asyncio.run(_run(made, missing, plain, rate))
    if stepping:
        suffered += _run_with_clock(stepping, rate)
    return suffered


def _run_with_clock(faults: Sequence[Fault], rate: float) -> list[Suffered]:
    with tempfile.TemporaryDirectory(prefix="ecatalog-clock-") as name:
        Path(name).chmod(0o755)
        try:
            made_clock = clock(Path(name))
        except NoClockError as error:
            return [Suffered(fault, why_not=str(error)) for fault in faults]
        with stack(Options(preload=made_clock.environment)) as made:
            return asyncio.run(_run(Bench(made, clock=made_clock), {}, faults, rate))


async def _run(made: Bench, missing: dict[str, str], faults: Sequence[Fault], rate: float) -> list[Suffered]:
    world = make_world(made.stack, strict=False)
    await get_ready(world)
    await closed_loop(world, MEASURE_SECONDS / 2)
    rate = min(rate, SHARE * capacity(world, await closed_loop(world, MEASURE_SECONDS)))
    suffered = []
    for fault in faults:
        if fault.needs in missing:
            suffered.append(Suffered(fault, why_not=missing[fault.needs]))
            continue
        suffered.append(await _suffer(world, made, fault, rate))
        print(describe(suffered[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    return suffered


async def _suffer(world: World, made: Bench, fault: Fault, rate: float) -> Suffered:
    world.ledger = Ledger(strict=False, numbers=world.ledger.numbers)
    world.samples, world.wrong, world.free = [], [], []
    enough = asyncio.Event()
    load = asyncio.create_task(open_loop(world, rate, 600, rude=False, enough=enough))
    await asyncio.sleep(BEFORE_SECONDS)
    began = time.monotonic()
    await asyncio.to_thread(fault.inflict, made)
    ended = time.monotonic()
    while time.monotonic() < ended + LONGEST_HEALING_SECONDS:
        await asyncio.sleep(0.5)
        now = time.monotonic()
        failed = _last_failure(world.samples, began)
        if now > max(ended, failed) + CALM_SECONDS and _is_answering(world.samples, now):
            break
    enough.set()
    await load
    done = time.monotonic()
    last = _last_failure(world.samples, began)
    with made.stack.postgresql.connect() as connection:
        found = audit(world.ledger, connection, made.stack.media / "files")
    wrong = Counter(world.wrong)
    result = Suffered(fault, world.statuses(began, done), found, ended - began, wrong=wrong)
    if done - max(last, ended) >= CALM_SECONDS / 2:
        result.healed = max(0.0, last - ended)
    return result


def _is_answering(samples: Sequence[Sample], now: float) -> bool:
    """Whether every second of the calm had a good answer: who says nothing at all has not healed."""
    answered = {int(now - sample.ended) for sample in samples if sample.ok}
    return answered >= set(range(int(CALM_SECONDS)))


def _last_failure(samples: Sequence[Sample], since: float) -> float:
    """The end of the last second in which more than FEW of the answers failed; ``since`` without one."""
    all_answers: Counter[int] = Counter()
    failures: Counter[int] = Counter()
    for sample in samples:
        if sample.ended >= since:
            second = int(sample.ended - since)
            all_answers[second] += 1
            failures[second] += sample.status in FAILED
    bad = [second for second, count in failures.items() if count > FEW * all_answers[second]]
    if not bad:
        return since
    last = max(bad)
    ends = [s.ended for s in samples if s.status in FAILED and int(s.ended - since) == last]
    return max(end for end in ends if end >= since)


def describe(suffered: Sequence[Suffered]) -> str:
    """The table of faults."""
    head = [
        "fault",
        "lasted s",
        "what clients saw",
        "writes accepted",
        "lost",
        "doubled",
        "refused, yet in",
        "in doubt (in)",
        "healed after s",
    ]
    rows = [_row(one) for one in suffered]
    return report.table(head, rows)


def _row(one: Suffered) -> list[str]:
    if one.why_not:
        return [one.fault.name, "–", f"not run: {one.why_not}", *["–"] * 6]
    found = one.audit
    return [
        one.fault.name,
        f"{one.seconds:.1f}",
        report.statuses(one.statuses),
        str(found.accepted),
        str(len(found.lost)),
        str(len(found.doubled)),
        str(len(found.denied)),
        f"{found.unknown} ({found.unknown_in})",
        "not" if one.healed is None else f"{one.healed:.1f}",
    ]
