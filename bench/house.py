"""What every measurement stands on: a private PostgreSQL, a migrated database, and gunicorn on it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.databases import PostgreSQLDatabases
from tests.servers import postgresql_server
from tests.serving import ROOT, gunicorn

PASSWORD = secrets.token_urlsafe(16)
# As servers are run, not as tests run them: what is committed is on the disk.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}
NO_LIMIT = "1000000/second"


@dataclass(frozen=True)
class House:
    """A running service. ``environment`` is that of its commands; ``token`` an admin's."""

    url: str
    database_url: str
    environment: dict[str, str]
    token: str

    def session(self) -> requests.Session:
        """An HTTP session that is signed in."""
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.token}"
        return session

    def flask(self, *arguments: str, entered: str = "") -> str:
        """Run a command of the service; its standard output."""
        return run_flask(self.environment, *arguments, entered=entered)

    def worker_megabytes(self) -> float:
        """The resident memory of the largest gunicorn process of this house."""
        sizes = [0.0]
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                environment = status.with_name("environ").read_bytes()
                command = status.with_name("cmdline").read_bytes()
                facts = dict(line.split(":", 1) for line in status.read_text().splitlines())
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # it has ended meanwhile
            if self.environment["SECRET_KEY"].encode() in environment and b"gunicorn" in command:
                sizes.append(int(facts.get("VmRSS", "0 kB").split()[0]) / 1024)
        return max(sizes)


def run_flask(environment: dict[str, str], *arguments: str, entered: str = "") -> str:
    """Run ``flask …`` with ``environment``; its standard output. Raises CalledProcessError."""
    command = [sys.executable, "-m", "flask", "--app", str(ROOT / "wsgi.py"), *arguments]
    complete = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(command, env=complete, input=entered, capture_output=True, text=True, check=True)
    return done.stdout


@contextmanager
def open_house(workers: int = 1, **settings: str) -> Iterator[House]:
    """A service on a fresh PostgreSQL database, gone at the end."""
    with (
        postgresql_server(**DURABLE) as server_url,
        tempfile.TemporaryDirectory(prefix="ecatalog-bench-") as folder,
    ):
        database_url = PostgreSQLDatabases(server_url).make_empty()
        environment = {
            "SECRET_KEY": secrets.token_urlsafe(64),
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "DATABASE_URL": database_url,
            "RATELIMIT_ANON": NO_LIMIT,
            "RATELIMIT_USER": NO_LIMIT,
            "MAX_IMPORT_MB": "500",
            **settings,
        }
        run_flask(environment, "db", "upgrade")
        run_flask(
            environment, "user", "create", "bench", "--role", "admin", "--password-stdin", entered=PASSWORD
        )
        with gunicorn(environment, Path(folder), workers) as url:
            answer = requests.post(
                f"{url}/api/token/", json={"username": "bench", "password": PASSWORD}, timeout=30
            )
            answer.raise_for_status()
            yield House(url, database_url, environment, answer.json()["access"])
