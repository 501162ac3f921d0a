"""The memory of the workers after many requests: `python -m bench.soak [REQUESTS]`.

Lists with random filters and details by code, nearly none of them twice, so that the cache is always full.
"""

from __future__ import annotations

import sys

from rich.console import Console

from bench import asked, wrk
from bench.stock import open_stock_of
from bench.wrk import Load

MOST_MEGABYTES = 150
SECONDS = 20.0
DRAWN = 40_000  # requests of each kind


def main(requests: int) -> None:
    """Print what the larger worker took, now and then, and at the end."""
    wrk.require_wrk()
    console = Console(width=100)
    with open_stock_of(100_000) as house:
        page, row = asked.cold_list(100_000), asked.detail(100_000)
        asked_so_far = 0.0
        while asked_so_far < requests:
            load = Load([draw() for _ in range(DRAWN) for draw in (row, asked.same(asked.LIST), page)])
            asked_so_far += SECONDS * wrk.run(house.url, load, SECONDS)
            console.print(f"{asked_so_far:,.0f} requests: {house.worker_megabytes():.0f} MB")
        met = "met" if house.worker_megabytes() < MOST_MEGABYTES else "NOT MET"
        console.print(f"worker memory under {MOST_MEGABYTES} MB: {met}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
