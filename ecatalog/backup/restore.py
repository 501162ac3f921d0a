"""Back from a backup: the database in one step, the media beside what is there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import flask_migrate
import sqlalchemy as sa

from ecatalog.backup.databases import database_of
from ecatalog.backup.manifest import Manifest, differences, take
from ecatalog.backup.programs import BackupError
from ecatalog.backup.restic import Repository
from ecatalog.backup.runs import FILES, Run, fetched, manifest_of
from ecatalog.catalog import clock
from ecatalog.catalog.resource import Resource
from ecatalog.config import Settings
from ecatalog.database import migrations_folder, write_transaction
from ecatalog.extensions import db
from ecatalog.migrating import read_revisions


@dataclass(frozen=True)
class Restored:
    """What came back: rows of all tables, files written, and what does not match the manifest."""

    rows: int
    differences: list[str]


def restore_database(
    settings: Settings, repository: Repository, run: Run, resources: Iterable[Resource]
) -> Restored:
    """Replace the database by the run's, all or nothing; then migrate it, and void old cursors of the feed.

    Raises BackupError, before anything is touched, for a backup of another engine or of a newer release.
    """
    url = sa.make_url(settings.database_url)
    manifest = manifest_of(repository, run)
    if manifest.engine != url.get_backend_name():
        raise BackupError(f"the backup is of {manifest.engine}, but DATABASE_URL is another engine.")
    _refuse_newer(manifest)
    db.session.remove()
    db.engine.dispose()
    with fetched(repository, run) as dump:
        database_of(url).restore(dump)
    with db.engine.connect() as connection:
        found = take(connection)
    flask_migrate.upgrade()
    with write_transaction():
        for resource in sorted(resources, key=lambda resource: resource.name):
            clock.renew_epoch(resource)
    return Restored(sum(found.rows.values()), differences(manifest, found))


def _refuse_newer(manifest: Manifest) -> None:
    unknown = set(manifest.revisions) - read_revisions(migrations_folder()).known
    if unknown:
        raise BackupError(
            f"the backup was made by release {manifest.release}, whose migrations this one does not know: "
            "install that release first."
        )


def restore_media(settings: Settings, repository: Repository, run: Run) -> int | None:
    """Bring back the media that are missing or of another length; none is deleted.

    Returns how many files were written; None when the backup holds no media. Raises BackupError.
    """
    manifest = manifest_of(repository, run)
    if not manifest.media or FILES not in run.snapshots:
        return None
    if "://" in settings.media_storage:
        raise BackupError("MEDIA_STORAGE is no folder: restore with --files-to, and upload the files.")
    folder = Path(settings.media_storage)
    folder.mkdir(parents=True, exist_ok=True)
    # Inside, so that files come into place by being renamed.
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=folder) as place:
        repository.restore(run.snapshots[FILES], Path(place), only=manifest.media)
        source = Path(place) / manifest.media.lstrip("/")
        return _merge(source, folder) if source.is_dir() else 0


def _merge(source: Path, target: Path) -> int:
    written = 0
    for path in source.iterdir():
        place = target / path.name
        if path.is_dir() and not path.is_symlink():
            if not place.exists():
                place.mkdir()
                shutil.copymode(path, place)
            written += _merge(path, place)
        elif not place.exists() or place.stat().st_size != path.stat().st_size:
            path.replace(place)
            written += 1
    return written


def restore_files(repository: Repository, run: Run, target: Path) -> None:
    """Write all files of the run, media and BACKUP_PATHS, below ``target`` under their whole paths."""
    if FILES not in run.snapshots:
        raise BackupError(f"the backup {run.id} holds no files.")
    target.mkdir(parents=True, exist_ok=True)
    repository.restore(run.snapshots[FILES], target)
