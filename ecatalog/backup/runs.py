"""Runs: each is a database, files and a manifest; without a manifest it was never finished."""

from __future__ import annotations

import fcntl
import secrets
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa

from ecatalog.backup.databases import Database, database_of
from ecatalog.backup.manifest import Manifest, differences, read_manifest, take
from ecatalog.backup.programs import BackupError
from ecatalog.backup.restic import Repository, Snapshot
from ecatalog.config import Settings

DATABASE, FILES, MANIFEST = "database", "files", "manifest"
_RUN = "run="
LATEST = "latest"


@dataclass(frozen=True)
class Run:
    """What one call of :func:`create` put into the repository, by kind."""

    id: str
    at: datetime
    host: str
    snapshots: Mapping[str, Snapshot]

    @property
    def complete(self) -> bool:
        return MANIFEST in self.snapshots


def installation(settings: Settings) -> str:
    """What this installation is called in a repository: its public name, else the machine's."""
    return urlsplit(settings.public_url).hostname or socket.gethostname()


def open_repository(settings: Settings) -> Repository:
    """The repository. Raises BackupError when settings or restic are missing."""
    return Repository.of(settings, installation(settings))


def create(settings: Settings) -> str:
    """Back up the database and the files; returns the run's id.

    Raises BackupError; what was begun then is no backup.
    """
    with _alone(settings):
        repository = open_repository(settings)
        repository.unlock()
        at = datetime.now(UTC).replace(microsecond=0)
        run_id = f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        mark = _RUN + run_id
        database = _database(settings)
        with database.dump() as dump:
            repository.store(dump.blocks, f"/{database.file_name}", (DATABASE, mark), at)
        # After the database: what it names is there. Files are written once and never changed.
        media = _media_folder(settings)
        if folders := [*([media] if media else []), *settings.backup_paths]:
            repository.store_folders(folders, (FILES, mark), at)
        manifest = replace(dump.manifest, media=media)
        repository.store([manifest.as_json()], f"/{MANIFEST}.json", (MANIFEST, mark), at)
        return run_id


def thin_out(settings: Settings) -> None:
    """Forget this installation's runs beyond those to keep, and what was left of unfinished ones."""
    with _alone(settings):
        repository = open_repository(settings)
        keep = {
            "daily": settings.backup_keep_daily,
            "weekly": settings.backup_keep_weekly,
            "monthly": settings.backup_keep_monthly,
        }
        ours = [run for run in all_runs(repository) if run.host == repository.host]
        gone = repository.thin_out(MANIFEST, keep)
        useless = [run for run in ours if not run.complete or run.snapshots[MANIFEST].id in gone]
        parts = [
            snapshot for run in useless for snapshot in run.snapshots.values() if snapshot.id not in gone
        ]
        repository.forget(parts)
        if useless:
            repository.prune()


def all_runs(repository: Repository) -> list[Run]:
    """Oldest first, of every installation that uses the repository, unfinished ones included."""
    return sorted(_by_id(repository).values(), key=lambda run: (run.at, run.id))


def find(repository: Repository, run_id: str) -> Run:
    """A finished run by its id, or this installation's newest one. Raises BackupError."""
    runs = all_runs(repository)
    if run_id != LATEST:
        found = [run for run in runs if run.id == run_id]
        if not found:
            raise BackupError(f"there is no backup {run_id}: see flask backup list.")
        if not found[0].complete:
            raise BackupError(f"the backup {run_id} was never finished.")
        return found[0]
    ours = [run for run in runs if run.complete and run.host == repository.host]
    if not ours:
        others = ", ".join(sorted({run.host for run in runs})) or "nobody"
        raise BackupError(
            f"there is no backup of {repository.host} (but of {others}): name one of flask backup list."
        )
    return ours[-1]


def manifest_of(repository: Repository, run: Run) -> Manifest:
    return read_manifest(b"".join(repository.read(run.snapshots[MANIFEST])))


@contextmanager
def fetched(repository: Repository, run: Run) -> Iterator[Path]:
    """The run's database as a file, read to its end."""
    with tempfile.TemporaryDirectory(prefix="ecatalog-backup-") as folder:
        path = Path(folder) / "database"
        with path.open("wb") as file:
            for block in repository.read(run.snapshots[DATABASE]):
                file.write(block)
        yield path


def verify(settings: Settings, run_id: str = LATEST, into: str | None = None) -> tuple[Run, Manifest]:
    """Restore a run into a scratch database, and hold it to the manifest.

    Raises BackupError when it cannot be restored or differs.
    """
    repository = open_repository(settings)
    run = find(repository, run_id)
    expected = manifest_of(repository, run)
    database = _database(settings, into)
    _check_engine(expected, database)
    with (
        fetched(repository, run) as dump,
        database.scratch(dump) as engine,
        engine.connect() as connection,
    ):
        found = take(connection)
    if differing := differences(expected, found):
        raise BackupError(f"the backup {run.id} differs from its manifest: {'; '.join(differing)}")
    return run, expected


def _check_engine(manifest: Manifest, database: Database) -> None:
    engine = database.url.get_backend_name()
    if manifest.engine != engine:
        raise BackupError(f"the backup is of {manifest.engine}, but DATABASE_URL is {engine}.")


def _database(settings: Settings, into: str | None = None) -> Database:
    return database_of(sa.make_url(settings.database_url), into)


def _media_folder(settings: Settings) -> str:
    """The folder of the media; empty when they are in another store or there are none yet."""
    storage = settings.media_storage
    return storage if "://" not in storage and Path(storage).is_dir() else ""


def _by_id(repository: Repository) -> dict[str, Run]:
    runs: dict[str, Run] = {}
    for snapshot in repository.snapshots():
        run_id = next((tag.removeprefix(_RUN) for tag in snapshot.tags if tag.startswith(_RUN)), None)
        kind = next((tag for tag in snapshot.tags if tag in (DATABASE, FILES, MANIFEST)), None)
        if run_id is None or kind is None:
            continue
        before = runs.get(run_id) or Run(run_id, snapshot.at, snapshot.host, {})
        runs[run_id] = replace(before, snapshots={**before.snapshots, kind: snapshot})
    return runs


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Raises BackupError while another backup of this machine runs."""
    path = Path(settings.backup_state_file + ".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError("another backup is running; wait for its end.") from None
        yield
