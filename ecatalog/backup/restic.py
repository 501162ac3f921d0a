"""A restic repository: snapshots go in as streams or as folders, and come out again."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from ecatalog.backup.programs import BackupError, feed, output, stream
from ecatalog.config import Settings

TAG = "ecatalog"
_NO_REPOSITORY = ("Is there a repository", "repository does not exist")


class NoRepository(BackupError):
    """The place is reachable, or seems to be, but holds no repository."""


@dataclass(frozen=True)
class Snapshot:
    """One of restic's snapshots: ``tags`` tell what it holds and which run made it."""

    id: str
    at: datetime
    host: str
    tags: tuple[str, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Repository:
    """The repository of the settings; ``host`` names this installation in it."""

    location: str
    password_file: str
    host: str

    @classmethod
    def of(cls, settings: Settings, host: str) -> Repository:
        """Raises BackupError, which names the setting, when something is missing."""
        if not settings.backup_repository:
            raise BackupError("BACKUP_REPOSITORY is not set: name a folder or s3:https://host/bucket.")
        if not settings.backup_password_file:
            raise BackupError("BACKUP_PASSWORD_FILE is not set: name the file of the repository's password.")
        if not Path(settings.backup_password_file).is_file():
            raise BackupError(f"BACKUP_PASSWORD_FILE: {settings.backup_password_file} is no file.")
        if shutil.which("restic") is None:
            raise BackupError("restic is not installed: apt install restic.")
        return cls(settings.backup_repository, settings.backup_password_file, host)

    def _command(self, *arguments: str) -> list[str]:
        # A folder needs no cache of it.
        cache = ["--no-cache"] if self.location.startswith("/") else []
        return ["restic", *cache, *arguments]

    @property
    def _environment(self) -> Mapping[str, str]:
        return {"RESTIC_REPOSITORY": self.location, "RESTIC_PASSWORD_FILE": self.password_file}

    def _run(self, *arguments: str) -> bytes:
        try:
            return output(self._command(*arguments), self._environment)
        except BackupError as error:
            if any(words in str(error) for words in _NO_REPOSITORY):
                raise NoRepository(
                    f"there is no repository at {self.location}: run flask backup init, or mount its disk."
                ) from error
            raise

    def init(self) -> bool:
        """Make the repository; False when it is there already. Raises BackupError."""
        try:
            self._run("cat", "config")
        except NoRepository:
            self._run("init")
            return True
        return False

    def unlock(self) -> None:
        """Remove locks of programs that died."""
        self._run("unlock")

    def store(self, blocks: Iterable[bytes], name: str, tags: Sequence[str], at: datetime) -> None:
        """One file called ``name`` with the bytes of ``blocks``; nothing is kept when these raise."""
        options = ("--stdin", "--stdin-filename", name)
        feed(self._command(*self._backup(tags, at), *options), self._environment, blocks)

    def store_folders(self, folders: Sequence[str], tags: Sequence[str], at: datetime) -> None:
        """Files and folders as they are. Raises BackupError also when only a part could be read."""
        self._run(*self._backup(tags, at), "--exclude", ".restore-*", "--", *folders)

    def _backup(self, tags: Sequence[str], at: datetime) -> list[str]:
        moment = at.astimezone().strftime("%Y-%m-%d %H:%M:%S")  # restic reads local time
        return ["backup", "--quiet", "--host", self.host, "--time", moment, "--tag", ",".join((TAG, *tags))]

    def snapshots(self) -> list[Snapshot]:
        """All snapshots of this program, of whatever host, oldest first."""
        found: list[dict[str, Any]] = orjson.loads(self._run("snapshots", "--json", "--tag", TAG)) or []
        snapshots = [
            Snapshot(
                item["id"],
                datetime.fromisoformat(_microseconds(item["time"])),
                item["hostname"],
                tuple(item.get("tags") or ()),
                tuple(item["paths"]),
            )
            for item in found
        ]
        return sorted(snapshots, key=lambda snapshot: snapshot.at)

    def read(self, snapshot: Snapshot) -> Iterator[bytes]:
        """The bytes of a snapshot that :meth:`store` made; BackupError at the end if they broke off."""
        return stream(self._command("dump", snapshot.id, snapshot.paths[0]), self._environment)

    def restore(self, snapshot: Snapshot, target: Path, *, only: str | None = None) -> None:
        """Write its files below ``target``, under their whole paths; ``only``: those below this one."""
        chosen = ["--include", only] if only else []
        self._run("restore", snapshot.id, "--target", str(target), *chosen)

    def check(self, percent: int) -> None:
        """Have restic look at the whole structure, and at ``percent`` of the data. Raises BackupError."""
        self._run("check", *([f"--read-data-subset={percent}%"] if percent else []))

    def thin_out(self, tag: str, keep: Mapping[str, int]) -> set[str]:
        """Forget this host's snapshots with ``tag`` beyond ``keep`` (``daily``, ``weekly``, ``monthly``).

        Returns the ids of those that are forgotten.
        """
        rules = [part for period, count in keep.items() for part in (f"--keep-{period}", str(count))]
        chosen = ("--host", self.host, "--tag", f"{TAG},{tag}", "--group-by", "host")
        groups: list[dict[str, Any]] = orjson.loads(self._run("forget", "--json", *chosen, *rules) or b"[]")
        return {snapshot["id"] for group in groups for snapshot in group["remove"] or ()}

    def forget(self, snapshots: Sequence[Snapshot]) -> None:
        if snapshots:
            self._run("forget", *(snapshot.id for snapshot in snapshots))

    def prune(self) -> None:
        """Delete the data that no snapshot holds any longer."""
        self._run("prune", "--quiet")


def _microseconds(moment: str) -> str:
    """restic tells nanoseconds, which Python does not read."""
    head, dot, tail = moment.partition(".")
    if not dot:
        return moment
    digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
    return f"{head}.{digits[:6].ljust(6, '0')}{tail[len(digits) :]}"
