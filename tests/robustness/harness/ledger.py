"""What was written and what the service said to it; afterwards the database is held against it."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import psycopg

from tests.robustness.harness.http import Answer

PREFIX = "L-"  # of every code that the load writes
TABLES = {"nomenklatura": "code_1c", "client": "client_code_1c", "project": "code_1c"}


class Fate(Enum):
    """What the service said: it is in, it is not in, or nothing that can be relied on."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass
class Write:
    """One row that one call writes: a new row, or ``marker`` as the title of a row that is there."""

    resource: str
    code: str
    action: str  # "create", "update", "delete" or "restore"
    marker: str = ""
    fate: Fate = Fate.UNKNOWN


@dataclass
class Upload:
    """An image that one call sends."""

    note: str
    content: bytes
    fate: Fate = Fate.UNKNOWN


def fate_of(answer: Answer, *, strict: bool) -> Fate:
    """What an answer says; with ``strict`` every 503 means that nothing was written."""
    if answer.ok:
        return Fate.ACCEPTED
    if answer.status in (500, 502, 504) or answer.status <= 0:
        return Fate.UNKNOWN
    if answer.status == 503 and not strict and b"may have been saved" in answer.body:
        return Fate.UNKNOWN
    return Fate.REFUSED


@dataclass
class Ledger:
    """``strict`` as in :func:`fate_of`."""

    strict: bool = False
    writes: list[Write] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def new_code(self) -> str:
        return f"{PREFIX}{next(self.numbers)}"

    def expect(self, *writes: Write) -> None:
        self.writes += writes

    def settle(self, answer: Answer, *writes: Write | Upload) -> None:
        fate = fate_of(answer, strict=self.strict)
        for write in writes:
            write.fate = fate


@dataclass
class Audit:
    """What the database holds of a ledger."""

    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    unknown_in: int = 0  # of the unknown: those that are in
    lost: list[str] = field(default_factory=list)  # accepted, and not there
    doubled: list[str] = field(default_factory=list)  # there more than once
    denied: list[str] = field(default_factory=list)  # refused, and there all the same
    broken: list[str] = field(default_factory=list)  # clocks and counts that do not fit

    @property
    def faults(self) -> list[str]:
        return self.lost + self.doubled + self.denied + self.broken

    def count(self, what: str, fate: Fate, times: int) -> None:
        """Note that something of that fate is there ``times``."""
        match fate:
            case Fate.ACCEPTED:
                self.accepted += 1
                if times == 0:
                    self.lost.append(what)
            case Fate.REFUSED:
                self.refused += 1
                if times > 0:
                    self.denied.append(what)
            case Fate.UNKNOWN:
                self.unknown += 1
                self.unknown_in += times > 0
        if times > 1:
            self.doubled.append(f"{what}, {times} times")


def audit(ledger: Ledger, connection: psycopg.Connection[Any], media: Path) -> Audit:
    """Hold the database against the ledger: rows by code, the history of each, images with their files."""
    found = Audit()
    by_row: dict[tuple[str, str], list[Write]] = defaultdict(list)
    for write in ledger.writes:
        by_row[write.resource, write.code].append(write)
    for resource, code_column in TABLES.items():
        rows, history = _read(connection, resource, code_column)
        for (name, code), writes in by_row.items():
            if name == resource:
                _check_row(found, code, writes, rows[code], history)
        _check_clock(found, connection, resource)
    _check_uploads(found, ledger.uploads, connection, media)
    return found


def _check_uploads(
    found: Audit, uploads: list[Upload], connection: psycopg.Connection[Any], media: Path
) -> None:
    """Each image by its note; its original is on the disk byte for byte."""
    folders: dict[str, list[str]] = defaultdict(list)
    select = "SELECT note, folder FROM nomenklatura_image WHERE note LIKE %s AND deleted_at IS NULL"
    for note, folder in connection.execute(select, [f"{PREFIX}%"]):
        folders[note].append(folder)
    for upload in uploads:
        found.count(f"image {upload.note}", upload.fate, len(folders[upload.note]))
        for folder in folders[upload.note]:
            original = media / folder / "original.jpg"
            if not original.exists() or original.read_bytes() != upload.content:
                found.broken.append(f"image {upload.note}: {original} is not what was sent")


def _read(
    connection: psycopg.Connection[Any], resource: str, code_column: str
) -> tuple[dict[str, list[tuple[int, int, bool]]], dict[int, list[tuple[str, int, Any]]]]:
    """(id, tick, is_deleted) of rows by code; (action, tick, new title) of changes by row, oldest first."""
    rows: dict[str, list[tuple[int, int, bool]]] = defaultdict(list)
    select = f"SELECT {code_column}, id, tick, is_deleted FROM {resource} WHERE {code_column} LIKE %s"
    for code, *row in connection.execute(select, [f"{PREFIX}%"]):
        rows[code].append((row[0], row[1], row[2]))
    history: dict[int, list[tuple[str, int, Any]]] = defaultdict(list)
    entries = connection.execute(
        "SELECT row_id, action, tick, fields FROM row_history WHERE resource = %s ORDER BY id", [resource]
    )
    for row_id, action, tick, fields in entries:
        title = (fields.get("title") or fields.get("notes") or {}).get("new")
        history[row_id].append((action, tick, title))
    return rows, history


def _check_row(
    found: Audit,
    code: str,
    writes: list[Write],
    rows: list[tuple[int, int, bool]],
    history: dict[int, list[tuple[str, int, Any]]],
) -> None:
    changes = [change for row_id, _, _ in rows for change in history[row_id]]
    for row_id, tick, _ in rows:
        ticks = [entry[1] for entry in history[row_id]]
        if ticks != sorted(set(ticks)) or (ticks and ticks[-1] > tick):
            found.broken.append(f"{code}: tick {tick} after history {ticks}")
    actions = Counter(action for action, _, _ in changes)
    titles = Counter(title for _, _, title in changes)
    for write in writes:
        what = f"{write.action} {code} {write.marker}".strip()
        if write.action == "create":
            times = len(rows)
            found.count(what, write.fate, times)
            if times and actions["create"] != 1:
                found.broken.append(f"{code}: created {actions['create']} times in its history")
        elif write.marker:
            found.count(what, write.fate, titles[write.marker])
    for action in ("delete", "restore"):
        _check_tally(found, code, action, [w for w in writes if w.action == action], actions[action])


def _check_tally(found: Audit, code: str, action: str, writes: list[Write], times: int) -> None:
    """Deletions and restorations look alike: their number must fit."""
    fates = Counter(write.fate for write in writes)
    accepted, unknown = fates[Fate.ACCEPTED], fates[Fate.UNKNOWN]
    found.accepted += accepted
    found.refused += fates[Fate.REFUSED]
    found.unknown += unknown
    found.unknown_in += min(max(times - accepted, 0), unknown)
    if times < accepted:
        found.lost.append(f"{action} {code}: {accepted} accepted, {times} there")
    if times > accepted + unknown:
        found.denied.append(f"{action} {code}: {accepted} accepted, {times} there")


def _check_clock(found: Audit, connection: psycopg.Connection[Any], resource: str) -> None:
    """The count of live rows is kept, and no row is ahead of its clock."""
    checked = connection.execute(
        f"SELECT live_rows, (SELECT count(*) FROM {resource} WHERE NOT is_deleted), tick,"
        f" (SELECT max(tick) FROM {resource}) FROM resource_clock WHERE resource = %s",
        [resource],
    ).fetchone()
    assert checked is not None
    live, counted, tick, newest = checked
    if live != counted:
        found.broken.append(f"{resource}: live_rows {live}, counted {counted}")
    if newest is not None and newest > tick:
        found.broken.append(f"{resource}: a row of tick {newest} is ahead of the clock, {tick}")
