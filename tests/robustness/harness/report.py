"""What was measured, as Markdown."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from tests.robustness.harness.driver import Phase
from tests.robustness.harness.http import LOST, TIMED_OUT
from tests.robustness.harness.ledger import Audit
from tests.robustness.harness.world import Sample, World

NAMES = {LOST: "lost", TIMED_OUT: "no answer"}


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def percentile(values: Sequence[float], percent: int) -> float:
    if len(values) < 2:
        return values[0] if values else 0.0
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def milliseconds(values: Sequence[float]) -> list[str]:
    """p50, p95, p99 and the greatest."""
    if not values:
        return ["–"] * 4
    return [f"{percentile(values, p) * 1000:.0f}" for p in (50, 95, 99)] + [f"{max(values) * 1000:.0f}"]


def statuses(counts: Counter[int]) -> str:
    return ", ".join(f"{NAMES.get(status, status)}: {count}" for status, count in sorted(counts.items()))


def latency_table(world: World, phase: Phase) -> str:
    """By kind of request: answers by status, and the time of those that were accepted."""
    head = ["request", "answers", "p50 ms", "p95 ms", "p99 ms", "max ms"]
    polite = [s for s in world.samples if not s.rude and phase.began <= s.began <= phase.ended]
    rows = [_latency_row("all polite", polite)]
    rows += [
        _latency_row(kind, [s for s in polite if s.kind == kind]) for kind in sorted({s.kind for s in polite})
    ]
    refused = [s.ended - s.began for s in polite if s.status in (429, 503)]
    rows.append(["refused (429, 503)", f"{len(refused)}", *milliseconds(refused)])
    rude = Counter(s.status for s in world.samples if s.rude and phase.began <= s.began <= phase.ended)
    rows.append(["rude clients", statuses(rude), "", "", "", ""])
    return table(head, rows)


def _latency_row(kind: str, samples: Sequence[Sample]) -> list[str]:
    counts = Counter(sample.status for sample in samples)
    return [kind, statuses(counts), *milliseconds([s.ended - s.began for s in samples if s.ok])]


def memory_line(phase: Phase) -> str:
    """Memory of the application at the beginning, in the middle and at the end."""
    sizes = [size for _, size in phase.memory]
    if not sizes:
        return "not measured"
    third = max(1, len(sizes) // 3)
    parts = (sizes[:third], sizes[third : 2 * third] or sizes, sizes[2 * third :] or sizes)
    return (
        " → ".join(f"{statistics.median(part):.0f}" for part in parts) + f" MB, at most {max(sizes):.0f} MB"
    )


def audit_line(found: Audit) -> str:
    return (
        f"{found.accepted} accepted: {len(found.lost)} lost, {len(found.doubled)} doubled; "
        f"{found.refused} refused: {len(found.denied)} in all the same; "
        f"{found.unknown} without an answer to rely on: {found.unknown_in} in; "
        f"{len(found.broken)} clocks or histories that do not fit"
    )
