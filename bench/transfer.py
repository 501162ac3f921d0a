"""Imports and exports: `python -m bench.transfer [--rows 100000] [--million 1000000] [PART …]`.

Each part has a service and a PostgreSQL of its own, whose commits are on the disk when they end:

    bulk      inserts, updates and unchanged rows over HTTP beside bare COPY and INSERT … ON CONFLICT
    history   what the history costs
    sheet     a workbook of 40 columns beside reading it and the bulk upsert of its rows
    round     a workbook in and out, over HTTP and on the command line: the exports are equal
    million   exports of a million rows, and what the processes grow by
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.bulk import measure_bulk
from bench.files import measure_round, measure_sheet
from bench.history import measure_history
from bench.house import House, open_house
from bench.million import measure_million

Measure = Callable[[House, int, Table], None]
PARTS: dict[str, Measure] = {
    "bulk": measure_bulk,
    "history": measure_history,
    "sheet": measure_sheet,
    "round": measure_round,
    "million": measure_million,
}


class Told(Table):
    """A table whose rows are also told on stderr as they come: a part takes minutes."""

    missed = 0

    def add_row(self, *cells: Any, **options: Any) -> None:
        super().add_row(*cells, **options)
        self.missed += str(cells[-1]).endswith("MISSED")
        print(*cells, sep=" | ", file=sys.stderr, flush=True)


def main() -> int:
    """Print a table for each part; the exit status is 1 when an aim was missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[[], *PARTS], default=[])
    parser.add_argument("--rows", type=int, default=100_000, help="of all parts but the last")
    parser.add_argument("--million", type=int, default=1_000_000, help="rows of the part of that name")
    chosen = parser.parse_args()
    missed = 0
    for name in chosen.parts or PARTS:
        count: int = chosen.million if name == "million" else chosen.rows
        table = Told("what", "measured", "ratio", title=f"{name}: {count:,} rows")
        with open_house() as house:
            PARTS[name](house, count, table)
        Console(width=110).print(table)
        missed += table.missed
    print(f"{missed} aims were missed." if missed else "All aims were met.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
