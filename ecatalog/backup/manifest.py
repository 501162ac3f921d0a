"""What a backup holds, counted in the very snapshot that it was made from; a trial restore is held to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection

import ecatalog
from ecatalog.backup.programs import BackupError
from ecatalog.catalog.models import ResourceClock
from ecatalog.extensions import db


@dataclass(frozen=True)
class Manifest:
    """Of one database: the rows of each table, each resource's clock, and the migrations it has seen."""

    engine: str  # "postgresql" or "sqlite"
    release: str
    revisions: tuple[str, ...]
    rows: Mapping[str, int]
    ticks: Mapping[str, int]
    media: str = ""  # the folder of the media among the files of the backup; empty: they are elsewhere

    def as_json(self) -> bytes:
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


def read_manifest(text: bytes) -> Manifest:
    """Raises BackupError for what is no manifest."""
    try:
        stored: dict[str, Any] = orjson.loads(text)
        return Manifest(**{**stored, "revisions": tuple(stored["revisions"])})
    except (ValueError, TypeError, KeyError) as error:
        raise BackupError("the backup's manifest cannot be read") from error


def take(connection: Connection) -> Manifest:
    """Count in the transaction that ``connection`` is in."""
    present = set(sa.inspect(connection).get_table_names())
    tables = [table for table in db.metadata.sorted_tables if table.name in present]
    clocks = sa.select(ResourceClock.resource, ResourceClock.tick).order_by(ResourceClock.resource)
    return Manifest(
        engine=connection.dialect.name,
        release=ecatalog.__version__,
        revisions=tuple(sorted(MigrationContext.configure(connection).get_current_heads())),
        rows={
            str(table.name): connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in tables
        },
        ticks={row.resource: row.tick for row in connection.execute(clocks)},
    )


def differences(expected: Manifest, found: Manifest) -> list[str]:
    """What differs, in words; an empty list when the databases are equal as far as the manifest can tell."""
    lines = []
    if expected.revisions != found.revisions:
        lines.append(f"migrations: {', '.join(expected.revisions)} became {', '.join(found.revisions)}")
    for what, ours, theirs in (
        ("rows of", expected.rows, found.rows),
        ("the tick of", expected.ticks, found.ticks),
    ):
        lines += [
            f"{what} {name}: {ours.get(name)} became {theirs.get(name)}"
            for name in sorted({*ours, *theirs})
            if ours.get(name) != theirs.get(name)
        ]
    return lines
