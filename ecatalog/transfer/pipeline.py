"""From any source of rows to the catalogue: rows -> schema -> bulk upsert -> report.

Good rows go in chunk by chunk, each chunk a transaction of its own; or all at once, when one bad row shall
keep everything out, or nothing is to be written at all.
"""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import islice, takewhile
from typing import IO, Any

from marshmallow import ValidationError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ecatalog import metrics
from ecatalog.catalog import bulk, service
from ecatalog.catalog.bulk import Action, Batch, Mode, Outcome, Places, Planner
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.service import Origin
from ecatalog.catalog.values import link_value
from ecatalog.database import allow_long_statements, trial_transaction, write_transaction
from ecatalog.errors import flatten_messages
from ecatalog.transfer.ahead import read_ahead
from ecatalog.transfer.chunks import Chunk, Loaded, good_values, spool, unspool
from ecatalog.transfer.loading import RowLoader
from ecatalog.transfer.report import Report
from ecatalog.transfer.rows import SourceError, SourceRow

CHUNK_ROWS = 2000
# Each waits as long as the database lets a statement wait for a lock: an import can stand another one that
# decides 200,000 rows in one transaction.
LOCK_ATTEMPTS = 4
# lock not available, deadlock detected, serialization failure
_LOCK_STATES = {"55P03", "40P01", "40001"}

Watcher = Callable[[SourceRow, Outcome], None]
Fence = Callable[[], None]


class OnError(StrEnum):
    """SKIP: good rows go in, bad ones are reported. REJECT: one bad row keeps all out."""

    SKIP = "skip"
    REJECT = "reject"


@dataclass(frozen=True)
class Options:
    """How an import is to run.

    parent      link values (``{"project_id": 7}``) for rows that name no parent themselves
    chunk_rows  rows of one transaction; of rows with the same code in one chunk only the last is written
    """

    mode: Mode = Mode.UPSERT
    on_error: OnError = OnError.SKIP
    dry_run: bool = False
    parent: Mapping[str, Any] = field(default_factory=dict)
    chunk_rows: int = CHUNK_ROWS

    @property
    def at_once(self) -> bool:
        """Whether all rows are decided in one transaction."""
        return self.dry_run or self.on_error is OnError.REJECT


class InterruptedImport(Exception):
    """The import ended early; ``report`` tells what is in, and ``cause`` why."""

    def __init__(self, report: Report, cause: BaseException) -> None:
        super().__init__(f"interrupted after {report.written} rows were written: {cause}")
        self.report = report
        self.cause = cause


def run(
    resource: Resource,
    rows: Iterable[SourceRow],
    options: Options,
    origin: Origin,
    watch: Watcher | None = None,
    fence: Fence | None = None,
) -> Report:
    """Import ``rows``.

    ``watch`` sees every row with its outcome once its chunk is written (under REJECT and in a dry run before
    it is known whether all of it stands: see ``Report.rejected``). ``fence`` is called inside each writing
    transaction just before its commit; what it raises undoes that transaction and ends the import.

    Raises InterruptedImport when the database, the source or the caller (KeyboardInterrupt) ends it early.
    """
    return _Import(resource, options, origin, watch, fence).run(rows)


class _Import:
    def __init__(
        self,
        resource: Resource,
        options: Options,
        origin: Origin,
        watch: Watcher | None,
        fence: Fence | None,
    ) -> None:
        self.resource = resource
        self.options = options
        self.origin = origin
        self.watch = watch
        self.fence = fence or (lambda: None)
        self.report = Report(dry_run=options.dry_run)
        self.ticks: set[int] = set()

    def run(self, rows: Iterable[SourceRow]) -> Report:
        try:
            if self.options.at_once:
                self._run_at_once(self._chunks(rows))
            else:
                with read_ahead(partial(self._chunks, rows)) as chunks:
                    for chunk in chunks:
                        self._tell(chunk, self._write_chunk(chunk))
        except (DBAPIError, PoolTimeoutError, KeyboardInterrupt, SourceError) as error:
            if self.options.at_once:
                self.report = Report(dry_run=self.options.dry_run, rejected=True)
            raise InterruptedImport(self.report, error) from error
        finally:
            if not (self.report.dry_run or self.report.rejected):
                metrics.count_import(self.resource.name, self.report.counts)
        return self.report

    def _chunks(self, rows: Iterable[SourceRow], stop: threading.Event | None = None) -> Iterator[Chunk]:
        loader = RowLoader(self.resource.patch_schema())
        if stop is not None:
            rows = takewhile(lambda _row: not stop.is_set(), rows)
        loaded = (self._load(loader, row) for row in rows)
        while chunk := list(islice(loaded, self.options.chunk_rows)):
            yield chunk

    def _load(self, loader: RowLoader, row: SourceRow) -> Loaded:
        resource = self.resource
        raw = row.values or {}
        code = raw.get(resource.code)
        told = str(code).strip()[:255] if isinstance(code, (str, int, float)) else ""
        errors = row.errors
        if errors is None and resource.code not in raw:
            errors = {resource.code: ["This field is required."]}
        if errors is not None:
            return Loaded(row, None, Outcome(told, Action.FAILED, errors))
        try:
            values = loader.load(raw)
        except ValidationError as error:
            return Loaded(row, None, Outcome(told, Action.FAILED, flatten_messages(error.messages)))
        if self.options.parent and link_value(resource, values)[1] is None:
            values.update(self.options.parent)
        return Loaded(row, values, None)

    def _write_chunk(self, chunk: Chunk) -> list[Outcome]:
        if all(loaded.values is None for loaded in chunk):
            return []
        for _ in range(LOCK_ATTEMPTS - 1):
            try:
                return self._write_once(chunk)
            except OperationalError as error:
                if not _waited_for_others(error):
                    raise
        return self._write_once(chunk)

    def _write_once(self, chunk: Chunk) -> list[Outcome]:
        with write_transaction(), service.writing(self.resource, self.origin) as write:
            outcomes = bulk.upsert(write, good_values(chunk), self.options.mode, earlier=self.ticks)
            if any(outcome.action in (Action.CREATED, Action.UPDATED) for outcome in outcomes):
                self.fence()
            else:
                write.abandon()  # so the clock stays where it was
        self.ticks.add(write.tick)
        return outcomes

    def _tell(self, chunk: Chunk, outcomes: list[Outcome]) -> None:
        good = iter(outcomes)
        for loaded in chunk:
            outcome = loaded.outcome or next(good)
            self.report.add(loaded.row, outcome)
            if self.watch is not None:
                self.watch(loaded.row, outcome)

    def _run_at_once(self, chunks: Iterator[Chunk]) -> None:
        """All rows in one temporary table and one transaction, which decides.

        They are read and checked before it begins, and wait in a file. Where it is clear by then that nothing
        will be written, the transaction keeps no other writer waiting: it takes no tick and holds no parent.
        """
        with tempfile.TemporaryFile(prefix="ecatalog-import-") as waiting:
            places, all_good = Places(self.resource), True
            for chunk in spool(chunks, waiting):
                for loaded in chunk:
                    if loaded.values is None:
                        all_good = False
                    else:
                        places.note(loaded.values)
            reject = self.options.on_error is OnError.REJECT
            if self.options.dry_run or (reject and not all_good):
                with trial_transaction():
                    self._plan_all(waiting, places, hold=False)
                self.report.rejected = reject and self.report.failed > 0
                return
            with write_transaction(), service.writing(self.resource, self.origin) as write:
                allow_long_statements()
                batch = self._plan_all(waiting, places, hold=True)
                self.report.rejected = self.report.failed > 0
                if self.report.written:
                    batch.write(write)
                    self.fence()
                else:
                    write.abandon()

    def _plan_all(self, waiting: IO[bytes], places: Places, *, hold: bool) -> Batch:
        places.settle(hold=hold)
        fields = self.resource.fields
        batch = Batch(Planner(self.resource, self.options.mode, fields, hold=hold, places=places))
        for chunk in unspool(waiting):
            self._tell(chunk, batch.add(good_values(chunk)))
        return batch


def _waited_for_others(error: OperationalError) -> bool:
    """Whether the database only gave up waiting for another writer."""
    cause = error.orig
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    return getattr(cause, "sqlstate", None) in _LOCK_STATES
