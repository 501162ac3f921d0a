"""Where the workers of one gunicorn add their metrics up: shared memory, under the library's own variable.

This module must not import the library, which looks at the variable when it is imported.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_OWN = "ecatalog-metrics-"
_OWNER = "owner"  # locked by the processes that use the folder


def shared_memory() -> str | None:
    """The folder of files that never reach a disk; None where there is none."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  # nosec B108 - heartbeats, counters


def prepare() -> Path:
    """The folder that the environment names, made if need be; else a new one, which it then names."""
    given = os.environ.get(VARIABLE)
    if not given:
        given = os.environ[VARIABLE] = tempfile.mkdtemp(prefix=_OWN, dir=shared_memory())
        _own(Path(given))
    folder = Path(given)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def clear(folder: Path) -> None:
    """An instance begins to count at zero, whatever the one before it left."""
    for path in folder.glob("*.db"):
        path.unlink()


def remove(folder: Path) -> None:
    """At the end: a folder that :func:`prepare` made goes, one that was given stays."""
    if folder.name.startswith(_OWN):
        shutil.rmtree(folder, ignore_errors=True)


def remove_stale() -> None:
    """What gunicorns that were killed have left behind: folders of this user whose processes are all gone."""
    for folder in Path(shared_memory() or tempfile.gettempdir()).glob(f"{_OWN}*"):
        if _is_stale(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _own(folder: Path) -> None:
    """Hold a lock in the folder for as long as this process or one of its workers lives, however they end.

    A number of a process would not do: it is given again, and means nothing in another container. The file
    gets its name once it is locked, so that nobody finds it unlocked in between.
    """
    new = folder / f"{_OWNER}.new"
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # open to the end of the process
    fcntl.flock(handle, fcntl.LOCK_EX)
    new.rename(folder / _OWNER)


def _is_stale(folder: Path) -> bool:
    """Whether this user's process made it and none uses it. Without a lock in it, nobody can tell: False."""
    try:
        if folder.lstat().st_uid != os.geteuid():
            return False
        handle = os.open(folder / _OWNER, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:  # it has just gone, or was made by a release that locked nothing
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
