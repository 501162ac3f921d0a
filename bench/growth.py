"""What a hundred times the rows cost: the first page, deep cursors, deep pages."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

import requests
from rich.table import Table

from bench import asked, wrk
from bench.house import House
from bench.stock import Stock
from bench.wrk import Load

ROUNDS = 5
SECONDS = 1.0
DRAWN = 3_000
CONNECTIONS = 2
DEPTH = 50_000
PAGE = 100


@dataclass
class Page:
    """A page that is asked for over and over, under addresses that no cache has seen."""

    title: str
    house: House
    path: str
    rates: list[float] = field(default_factory=list)

    def measure(self) -> None:
        draw = asked.again(self.path)
        load = Load([draw() for _ in range(DRAWN)])
        self.rates.append(wrk.run(self.house.url, load, SECONDS, CONNECTIONS))

    @property
    def milliseconds(self) -> float:
        """The median time of one."""
        return 1000 * CONNECTIONS / statistics.median(self.rates)


def deep_cursor(house: House) -> str:
    """The address of a page that begins DEPTH rows in, found by following the cursors."""
    url = f"{house.url}{asked.LIST}?cursor=&page_size={PAGE}"
    with requests.Session() as session:
        for _ in range(DEPTH // PAGE):
            url = session.get(url, timeout=60).json()["next"]
    return url.removeprefix(house.url).replace(f"page_size={PAGE}", "page_size=20")


def report(stock: Stock) -> Table:
    """Measure, and the table."""
    few = Page("first page, 10,000 rows", stock.ten_thousand, asked.LIST)
    many = Page("first page, 1,000,000 rows", stock.million, asked.LIST)
    cursor = Page(f"cursor at depth {DEPTH:,}", stock.million, deep_cursor(stock.million))
    deep = Page("page=5000", stock.million, f"{asked.LIST}?page=5000")
    pages = (few, many, cursor, deep)
    for _ in range(ROUNDS):
        for page in pages:
            page.measure()
    table = Table("page, cache cold", "milliseconds", "times", "at most", "")
    table.add_row(few.title, f"{few.milliseconds:.2f}", "", "", "")
    for page, reference, most in ((many, few, 1.2), (cursor, many, 1.2), (deep, many, 10.0)):
        times = statistics.median(
            there / here for here, there in zip(page.rates, reference.rates, strict=True)
        )
        table.add_row(
            page.title,
            f"{page.milliseconds:.2f}",
            f"{times:.2f} × {reference.title}",
            f"{most:g}",
            "met" if times <= most else "NOT MET",
        )
    return table
