"""Where the files of images are kept: a folder of this machine, or an S3-compatible store.

All files of an image stand in one folder of the store, which is written once, as a whole, and never changed:
so its files may be cached for ever, and what is there is complete.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from ecatalog.config import current_settings
from ecatalog.images.sizes import FOLDER, MEDIA_TYPES

CACHE_CONTROL = "public, max-age=31536000, immutable"


class StorageError(Exception):
    """The store cannot be reached, is full, or refuses."""


@dataclass(frozen=True)
class StoredFolder:
    """A folder of the store, with the time of its files, aware."""

    name: str
    modified: datetime


class Storage(ABC):
    """The store. Names are relative, with slashes; every method may raise StorageError."""

    @abstractmethod
    def new_folder(self, name: str) -> AbstractContextManager[Path]:
        """A folder of this machine to fill. It is in the store, durably, once the block has ended.

        Nothing of it stays when the block raises. The name must be new.
        """

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """A file to read. Raises FileNotFoundError."""

    @abstractmethod
    def delete(self, folder: str) -> None:
        """Delete a folder; it need not be there."""

    @abstractmethod
    def folders(self) -> Iterator[StoredFolder]:
        """The folders of images, in no order."""

    def local_path(self, name: str) -> Path | None:
        """The file's path, where files of the store are files of this machine."""
        return None

    def abandoned(self, before: datetime) -> list[str]:
        """What writers that were killed before that time have left behind."""
        return []


@contextmanager
def _told() -> Iterator[None]:
    """Failures of the file system as StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(str(error)) from error


class LocalStorage(Storage):
    """A folder of this machine, which may be one that several machines share."""

    _INCOMING = ".incoming"  # on the same file system, so that a rename is one step

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def new_folder(self, name: str) -> Iterator[Path]:
        incoming, final = self.root / self._INCOMING / uuid4().hex, self.root / name
        try:
            with _told():
                incoming.mkdir(parents=True)
                yield incoming
                for file in incoming.iterdir():
                    _sync(file)
                _sync(incoming)
                final.parent.mkdir(parents=True, exist_ok=True)
                incoming.rename(final)
                for folder in (final.parent, final.parent.parent, final.parent.parent.parent):
                    _sync(folder)  # those that are new, too
        except BaseException:
            shutil.rmtree(incoming, ignore_errors=True)
            shutil.rmtree(final, ignore_errors=True)
            raise

    def open(self, name: str) -> BinaryIO:
        try:
            return (self.root / name).open("rb")
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StorageError(str(error)) from error

    def delete(self, folder: str) -> None:
        with _told(), suppress(FileNotFoundError):
            shutil.rmtree(self.root / folder)

    def folders(self) -> Iterator[StoredFolder]:
        with _told():
            for path in self.root.glob("*/*/*/*/"):
                name = path.relative_to(self.root).as_posix()
                if FOLDER.fullmatch(name):
                    yield StoredFolder(name, _modified(path))

    def local_path(self, name: str) -> Path | None:
        return self.root / name

    def abandoned(self, before: datetime) -> list[str]:
        with _told():
            left = (self.root / self._INCOMING).glob("*")
            return [f"{self._INCOMING}/{path.name}" for path in left if _modified(path) < before]


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _sync(path: Path) -> None:
    """Have the file system keep it over a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class S3Storage(Storage):
    """A bucket of an S3-compatible store, below a prefix.

    Keys, region and address are those of every S3 program: AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL …
    """

    def __init__(self, address: str) -> None:
        import s3fs  # an optional dependency

        self.root = address.removeprefix("s3://").rstrip("/")
        self._files = s3fs.S3FileSystem(
            use_listings_cache=False,  # others write, too
            skip_instance_cache=True,
            config_kwargs={"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 0}},
        )
        self._files.retries = 2  # a caller waits

    @contextmanager
    def new_folder(self, name: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="ecatalog-image-") as folder:
            try:
                with self._told():
                    yield Path(folder)
                    for file in Path(folder).iterdir():
                        about = {"ContentType": MEDIA_TYPES[file.suffix], "CacheControl": CACHE_CONTROL}
                        self._files.put_file(str(file), f"{self.root}/{name}/{file.name}", **about)
            except BaseException:
                with suppress(StorageError):
                    self.delete(name)
                raise

    def open(self, name: str) -> BinaryIO:
        missing = None
        with self._told():
            try:
                opened: BinaryIO = self._files.open(f"{self.root}/{name}", "rb", cache_type="readahead")
                return opened
            except FileNotFoundError as error:
                missing = error
        raise missing

    def delete(self, folder: str) -> None:
        with self._told(), suppress(FileNotFoundError):
            self._files.rm(f"{self.root}/{folder}", recursive=True)

    def folders(self) -> Iterator[StoredFolder]:
        with self._told():
            found = self._files.find(self.root, detail=True)
        newest: dict[str, datetime] = {}
        for key, facts in found.items():
            name = key.removeprefix(f"{self.root}/").rpartition("/")[0]
            if FOLDER.fullmatch(name):
                newest[name] = max(facts["LastModified"], newest.get(name, facts["LastModified"]))
        yield from (StoredFolder(name, modified) for name, modified in newest.items())

    @contextmanager
    def _told(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (OSError, BotoCoreError, ClientError) as error:
            raise StorageError(str(error)) from error


@lru_cache(maxsize=8)
def _storage(address: str) -> Storage:
    return S3Storage(address) if address.startswith("s3://") else LocalStorage(Path(address))


def current_storage() -> Storage:
    """The store that MEDIA_STORAGE names."""
    return _storage(current_settings().media_storage)
