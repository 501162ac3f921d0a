"""The whole service for a test: gunicorn with its own configuration file, on a free port."""

from __future__ import annotations

import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers import Process

ROOT = Path(__file__).resolve().parent.parent
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV")

NOT_SOURCE = {".git", ".venv", ".venv-deploy", ".env", "instance", "build", "dist", "node_modules"}


def source_files() -> Iterator[Path]:
    """The repository's own files, relative to ROOT, with or without git: nothing made or installed."""
    for folder, names, files in os.walk(ROOT):
        names[:] = [
            name
            for name in names
            if name not in NOT_SOURCE and not name.endswith(("cache", "cache__", ".egg-info"))
        ]
        yield from (Path(folder, name).relative_to(ROOT) for name in files if name not in NOT_SOURCE)


@contextmanager
def gunicorn(
    environment: Mapping[str, str],
    folder: Path,
    workers: int = 1,
    threads: int = 4,
    application: str = "wsgi:app",
    shows_log: bool = True,
) -> Iterator[str]:
    """Serve ``application`` from ``folder`` (where no ``.env`` interferes); gives the base URL.

    Raises ServerError with gunicorn's log when ``/livez`` does not answer.
    """
    log = folder / "gunicorn.log"
    with socket.create_server(("127.0.0.1", 0)) as listener:  # handed over open: nobody can take the port
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [
            *(sys.executable, "-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py")),
            *("--bind", f"fd://{listener.fileno()}", "--workers", str(workers)),
            application,
        ]
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        options = {
            "cwd": folder,
            "env": {**inherited, "PYTHONPATH": str(ROOT), "WEB_THREADS": str(threads), **environment},
            "pass_fds": [listener.fileno()],
        }
        process = Process(command, log, options)
        try:
            process.start(lambda: _answers(f"{base_url}/livez"))
            yield base_url
        finally:
            process.stop(signal.SIGTERM)
            if shows_log:
                print(f"gunicorn {' '.join(command[3:])}\n{process.read_log()}")  # pytest shows it on failure


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
