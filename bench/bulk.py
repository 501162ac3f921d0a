"""Bulk writes over HTTP beside the bare statements, in short rounds of both; medians are compared."""

from __future__ import annotations

from functools import partial
from statistics import median

from rich.table import Table

from bench.house import House, aim, timed
from bench.reference import Bare
from bench.rows import FIRST_PRICE, SECOND_PRICE, ndjson, post_ndjson, row

ROUNDS = 10


def measure_bulk(house: House, count: int, table: Table) -> None:
    """Insert, repeat and update ``count`` rows, in ROUNDS parts."""
    size = count // ROUNDS
    bares = {
        "the same rows": Bare(house.twin()),
        "with history": Bare(house.twin(), history=True),
        "without search index": Bare(house.twin(), indexed=False),
    }
    before = house.worker_peak()
    seconds: dict[str, list[float]] = {}
    for price, kind in ((FIRST_PRICE, "insert"), (SECOND_PRICE, "update")):
        for part in range(ROUNDS):
            rows = [row(number, price) for number in range(part * size, (part + 1) * size)]
            body = ndjson(rows)
            for name, bare in bares.items():
                seconds.setdefault(f"bare {kind}, {name}", []).append(bare.upsert(rows))
            seconds.setdefault(f"HTTP {kind}", []).append(timed(partial(post_ndjson, house, body)))
            again = timed(partial(post_ndjson, house, body))
            seconds.setdefault(f"HTTP unchanged after {kind}", []).append(again)
    grown = house.worker_peak() - before
    middle = {name: median(values) / size for name, values in seconds.items()}
    reference = middle["bare insert, the same rows"]
    inserts, updates = middle["HTTP insert"], middle["HTTP update"]
    same = middle["HTTP unchanged after update"]
    history = 1 - reference / middle["bare insert, with history"]
    index = 1 - middle["bare insert, without search index"] / reference
    told = {
        "bare insert, the same rows": "reference",
        "bare insert, with history": f"history takes {history:.0%}",
        "bare insert, without search index": f"the search index takes {index:.0%}",
        "HTTP insert": aim(
            f"{reference / inserts:.0%} of the reference (at least 35%)", met=reference / inserts >= 0.35
        ),
        "HTTP update": aim(f"{updates / inserts:.2f} × insert (≤ 1.5)", met=updates <= 1.5 * inserts),
        "HTTP unchanged after update": aim(f"{same / updates:.2f} × update (≤ 1)", met=same <= updates),
    }
    for name, each in middle.items():
        table.add_row(name, f"{1 / each:,.0f} rows/s", told.get(name, ""))
    table.add_row("worker's growth", f"{grown:.0f} MB", aim("under 80 MB", met=grown < 80))
