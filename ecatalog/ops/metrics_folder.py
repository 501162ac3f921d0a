"""Where the workers of one gunicorn add their metrics up: shared memory, under the library's own variable.

This module must not import the library, which looks at the variable when it is imported.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_OWN = "ecatalog-metrics-"


def shared_memory() -> str | None:
    """The folder of files that never reach a disk; None where there is none."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  # nosec B108 - heartbeats, counters


def prepare() -> Path:
    """The folder that the environment names, made if need be; else a new one, which it then names."""
    given = os.environ.get(VARIABLE)
    if not given:
        given = os.environ[VARIABLE] = tempfile.mkdtemp(prefix=_OWN, dir=shared_memory())
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
