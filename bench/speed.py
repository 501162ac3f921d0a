"""Requests a second beside a bare Flask: `python -m bench.speed [ROUNDS]`.

Every figure is a ratio to the floor, asked in the same seconds: the two are interleaved in short rounds, and
the median of the rounds' ratios counts. The floor is one route under the same gunicorn that answers the very
bytes of the service's answer, with no limits, no request logs, no metrics and no database.
"""

from __future__ import annotations

import secrets
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
from rich.console import Console
from rich.table import Table

from bench import asked, growth, wrk
from bench.asked import Draw
from bench.house import WORKERS, House, worker_ids
from bench.stock import Stock, open_stock
from bench.wrk import Load, LoadError
from tests.serving import gunicorn

SECONDS = 2.0
FLOOR_SECONDS = 1.0
MOST_A_SECOND = 4_000  # requests that are drawn for a second of load; more cannot be answered here
ROUNDS = 5
SLOW = 8  # connections, as many as threads: who would wait for more than a second is refused
ITEMS = "list page, unchanged"


@dataclass
class Line:
    """One line of the report: what is asked of which house, and at least what part of the floor."""

    title: str
    house: House
    draw: Draw
    target: float
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    is_cold: bool = False  # what the service has kept is made untrue before each round
    most_a_second: int = 1  # different requests; 1: always the same
    connections: int = wrk.CONNECTIONS
    key: str = field(default_factory=lambda: secrets.token_hex(4))  # of the floor's bytes
    rates: list[float] = field(default_factory=list)
    floors: list[float] = field(default_factory=list)
    error: str = ""

    @property
    def failure(self) -> str:
        """Why there are no figures; empty when there are."""
        return self.error if self.error or self.rates else "not measured"

    @property
    def ratio(self) -> float:
        return statistics.median(rate / floor for rate, floor in zip(self.rates, self.floors, strict=True))

    def answer(self) -> requests.Response:
        """One request outside the measurement; raises RuntimeError for another status than expected."""
        path, _, body = self.draw().partition(" ")
        answer = requests.request(
            "POST" if body else "GET",
            f"{self.house.url}{path}",
            data=body.encode() or None,
            headers={"Content-Type": "application/json"} | self.headers,
            timeout=60,
        )
        if answer.status_code != self.status:
            raise RuntimeError(f"{self.title}: {answer.status_code} {answer.text[:300]}")
        return answer

    def body_of_floor(self) -> bytes:
        """What the floor is to answer; nothing where this line fails."""
        try:
            self.refresh_tag()
            return self.answer().content
        except (RuntimeError, requests.RequestException) as error:
            self.error = str(error)
            return b""

    def refresh_tag(self) -> None:
        """The tag as it is now, for a 304: a POST of the round before has changed it."""
        if self.status == 304:
            path = self.draw()
            self.headers["If-None-Match"] = requests.get(f"{self.house.url}{path}", timeout=60).headers[
                "ETag"
            ]

    def measure(self, floor_url: str, floor_workers: list[int]) -> None:
        """One round; a line that fails once is not asked again, and the others go on."""
        if self.error:
            return
        try:
            self._measure(floor_url, floor_workers)
        except (LoadError, RuntimeError, requests.RequestException) as error:
            self.error = str(error)
            print(f"bench: {self.title}: {error}", file=sys.stderr)

    def _measure(self, floor_url: str, floor_workers: list[int]) -> None:
        floor = wrk.run_shared(floor_url, floor_workers, lambda: Load([f"/{self.key}"]), FLOOR_SECONDS)
        if self.is_cold:
            self.house.make_clocks_tick()
        self.refresh_tag()
        self.answer()
        rate = wrk.run_shared(self.house.url, self.house.workers(), self.load, SECONDS, self.connections)
        self.answer()  # still what was expected, a 304 not least
        self.floors.append(floor)
        self.rates.append(rate)

    def load(self) -> Load:
        """Requests for one round."""
        return Load([self.draw() for _ in range(max(1, int(self.most_a_second * SECONDS)))], self.headers)


def lines_of(stock: Stock) -> list[Line]:
    """The lines of the table, in its order."""
    few, many = stock.hundred_thousand, stock.million
    token = {"Authorization": f"Bearer {few.token}"}
    page = asked.same(asked.LIST)
    return [
        Line(ITEMS, few, page, 0.40),
        Line("the same with If-None-Match", few, page, 0.50, status=304),
        Line(
            "list page never asked before",
            few,
            asked.cold_list(100_000),
            0.08,
            most_a_second=1_000,
            is_cold=True,
            connections=SLOW,
        ),
        Line("detail by code", few, asked.detail(100_000), 0.25, most_a_second=MOST_A_SECOND),
        Line(
            "search, few hits, cold, 1,000,000 rows",
            many,
            asked.few_hits(),
            0.04,
            most_a_second=500,
            is_cold=True,
            connections=SLOW,
        ),
        Line(
            "search, no hit, 1,000,000 rows",
            many,
            asked.no_hits(),
            0.01,
            most_a_second=300,
            is_cold=True,
            connections=SLOW,
        ),
        Line(
            "search, 100,000 hits, cold, 1,000,000 rows",
            many,
            asked.common_word(),
            0.005,
            most_a_second=60,
            is_cold=True,
            connections=SLOW,
        ),
        Line("clients list with token", few, asked.same(asked.CLIENT_LIST), 0, token),
        Line("POST of one item", few, asked.creation(), 0.06, token, status=201, most_a_second=2_000),
    ]


@contextmanager
def open_floor(lines: list[Line]) -> Iterator[tuple[str, list[int]]]:
    """The floor, with the bytes that each line is answered with; its URL and its workers."""
    with tempfile.TemporaryDirectory(prefix="ecatalog-floor-") as name:
        folder = Path(name)
        bodies = folder / "bodies"
        bodies.mkdir()
        (bodies / "livez").write_bytes(b"{}")
        page = b""
        for line in lines:
            body = line.body_of_floor()
            page = page or body
            (bodies / line.key).write_bytes(body or page)  # a 304 has none: the page that it stands for
        key = secrets.token_hex(32)
        environment = {"BENCH_BODIES": str(bodies), "SECRET_KEY": key, "ALLOWED_HOSTS": "127.0.0.1"}
        with gunicorn(environment, folder, WORKERS, application="bench.floor:app", shows_log=False) as url:
            yield url, worker_ids(key)


def report(lines: list[Line]) -> tuple[Table, int]:
    """The table, and how many of its targets are met."""
    table = Table("request", "requests/s", "floor/s", "of the floor", "at least", "")
    items = next(line for line in lines if line.title == ITEMS)
    met = 0
    for line in lines:
        beside, target = ("the items list", 0.80) if line.target == 0 else ("the floor", line.target)
        if line.failure or (line.target == 0 and items.failure):
            table.add_row(line.title, "-", "-", "-", f"{target:.1%}", "FAILED")
            continue
        ratio = line.ratio / items.ratio if line.target == 0 else line.ratio
        met += ratio >= target
        table.add_row(
            line.title,
            f"{statistics.median(line.rates):,.0f}",
            f"{statistics.median(line.floors):,.0f}",
            f"{ratio:.1%} of {beside}",
            f"{target:.1%}",
            "met" if ratio >= target else "NOT MET",
        )
    return table, met


def main(rounds: int, part: str = "") -> None:
    """Print the tables; or, the lines whose title holds ``part``, and what they compare with."""
    wrk.require_wrk()
    console = Console(width=120)
    with ExitStack() as stack:
        stock = stack.enter_context(open_stock())
        lines = [line for line in lines_of(stock) if part in line.title or line.title == ITEMS]
        url, workers = stack.enter_context(open_floor(lines))
        for _ in range(rounds):
            for line in lines:
                line.measure(url, workers)
        table, met = report(lines)
        console.print(table, f"{met} of {len(lines)} targets of the table are met")
        if not part:
            console.print(growth.report(stock))
    if met < len(lines):
        sys.exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS, *sys.argv[2:3])
