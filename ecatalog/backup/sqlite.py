"""SQLite by its own backup interface, which copies a database in use as it is at one moment."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from ecatalog.backup.databases import Database, Dump, file_blocks
from ecatalog.backup.manifest import take
from ecatalog.backup.programs import BackupError

_BUSY_SECONDS = 60


class SQLite(Database):
    file_name = "database.sqlite3"

    @property
    def _path(self) -> Path:
        return Path(self.url.database or "")

    @contextmanager
    def dump(self) -> Iterator[Dump]:
        with tempfile.TemporaryDirectory(prefix="ecatalog-backup-") as folder:
            copy = Path(folder) / self.file_name
            if not self._path.is_file():
                raise BackupError(f"there is no database {self._path}")
            _copy(self._path, copy)
            with _open(copy) as engine, engine.connect() as connection:
                manifest = take(connection)
            yield Dump(manifest, file_blocks(copy))

    @contextmanager
    def scratch(self, dump: Path) -> Iterator[sa.Engine]:
        with tempfile.TemporaryDirectory(prefix="ecatalog-verify-") as folder:
            copy = Path(folder) / self.file_name
            _copy(dump, copy)
            with _open(copy) as engine:
                yield engine

    def restore(self, dump: Path) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        _copy(dump, self._path)


def _copy(source: Path, target: Path) -> None:
    """Replace what ``target`` holds, in one transaction; programs that have it open see the new content."""
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=_BUSY_SECONDS)) as old,
            closing(sqlite3.connect(target, timeout=_BUSY_SECONDS)) as new,
        ):
            found = old.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise BackupError(f"{source.name} is damaged: {found}")
            old.backup(new)
    except sqlite3.Error as error:
        raise BackupError(f"SQLite cannot copy {source.name}: {error}") from error


@contextmanager
def _open(path: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)), poolclass=NullPool)
    try:
        yield engine
    finally:
        engine.dispose()
