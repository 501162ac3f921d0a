"""What an import or export shows while it runs and at its end, and how Ctrl-C stops it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ecatalog.cli.output import messages, print_json, print_table, printable
from ecatalog.transfer.report import Report, sentence
from ecatalog.transfer.rows import Rows, SourceInfo, SourceRow

SHOWN_ERRORS = 20
COUNTS = ("created", "updated", "unchanged", "superseded", "failed", "repeated")


class Stop:
    """Set by the first Ctrl-C, and heeded between chunks; the second one ends at once."""

    asked = False

    def heed(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        messages().print("Stopping behind this chunk; press Ctrl-C again to drop it.")

    def check(self) -> None:
        if self.asked:
            raise KeyboardInterrupt

    def watched(self, rows: Rows) -> Iterator[SourceRow]:
        for row in rows:
            self.check()
            yield row


@contextmanager
def stoppable() -> Iterator[Stop]:
    stop = Stop()
    before = signal.signal(signal.SIGINT, stop.heed)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


class _Count(ProgressColumn):
    """How many so far, and how many a second."""

    def __init__(self, noun: str) -> None:
        super().__init__()
        self.noun = noun

    def render(self, task: Task) -> Text:
        rate = "—"
        if task.speed:
            rate = f"{task.speed:,.0f}" if task.speed >= 10 else f"{task.speed:.1f}"
        return Text(f"{int(task.completed):,} {self.noun}, {rate} {self.noun}/s")


@contextmanager
def progress_bar(noun: str = "rows") -> Iterator[Progress]:
    """A progress bar on a terminal, for a number of ``noun``; nothing in a pipe."""
    output = messages()
    columns: tuple[ProgressColumn, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        _Count(noun),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=output, disable=not output.is_terminal, transient=True) as progress:
        yield progress


def tell(report: Report, info: SourceInfo, *, as_json: bool) -> None:
    """Print the report: a table for people, or JSON."""
    shown = report.as_dict()
    if as_json:
        files = {"extra_columns": info.extra_columns, "skipped_sheets": info.skipped_sheets}
        print_json(shown | files)
        return
    print_table(COUNTS, [[f"{shown[name]:,}" for name in COUNTS]], numbers=COUNTS)
    if report.errors:
        cells = [
            (error["line"] or error["index"] + 1, error["code"], sentence(error["errors"]))
            for error in report.errors[:SHOWN_ERRORS]
        ]
        print_table(("row", "code", "error"), cells, numbers=("row",))
    if report.changes:
        changed = [
            (row["code"], row["outcome"], ", ".join(row["fields"])) for row in report.changes[:SHOWN_ERRORS]
        ]
        print_table(("code", "would be", "fields"), changed)
    _tell_more(report, info)


def _tell_more(report: Report, info: SourceInfo) -> None:
    output = messages()
    if report.failed > SHOWN_ERRORS:
        output.print(f"… and {report.failed - SHOWN_ERRORS} more errors; --json lists up to 1,000.")
    if info.extra_columns:
        output.print(f"Columns that are no field were ignored: {_names(info.extra_columns)}.")
    if info.skipped_sheets:
        output.print(f"Sheets with another header were ignored: {_names(info.skipped_sheets)}.")
    if report.rejected:
        output.print("A row was bad: nothing was written.")
    elif report.dry_run:
        output.print("A dry run: nothing was written.")


def _names(names: list[str]) -> str:
    return ", ".join(map(printable, names))
