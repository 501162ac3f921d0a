"""The database as a stream of bytes, and from it again: one form for PostgreSQL, one for SQLite."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from ecatalog.backup.manifest import Manifest

BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Dump:
    """A database at one moment: what it holds, and its bytes."""

    manifest: Manifest
    blocks: Iterator[bytes]


class Database(ABC):
    """The database of the settings. Every method raises BackupError for what stops it."""

    file_name: str  # what the bytes are called in a backup

    def __init__(self, url: sa.URL) -> None:
        self.url = url

    @abstractmethod
    def dump(self) -> AbstractContextManager[Dump]:
        """The database while others write to it, as it is at one moment."""

    @abstractmethod
    def scratch(self, dump: Path) -> AbstractContextManager[sa.Engine]:
        """A database of its own, restored from the file ``dump``; it is gone after the block."""

    @abstractmethod
    def restore(self, dump: Path) -> None:
        """Replace all that the database holds by the file ``dump``: all of it, or nothing."""


def file_blocks(path: Path) -> Iterator[bytes]:
    """The bytes of a file, block by block."""
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def database_of(url: sa.URL, into: str | None = None) -> Database:
    """The one that fits the URL. ``into``: an empty database for trial restores on PostgreSQL."""
    from ecatalog.backup.postgresql import PostgreSQL
    from ecatalog.backup.sqlite import SQLite

    makers: dict[str, Callable[[], Database]] = {
        "postgresql": lambda: PostgreSQL(url, into),
        "sqlite": lambda: SQLite(url),
    }
    return makers[url.get_backend_name()]()
