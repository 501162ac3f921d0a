"""What every measurement stands on: a private PostgreSQL, a migrated database, and gunicorn on it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import requests
from sqlalchemy.engine import make_url

from tests.databases import PostgreSQLDatabases
from tests.servers import postgresql_server
from tests.serving import ROOT, gunicorn

PASSWORD = secrets.token_urlsafe(16)
# As servers are run, not as tests run them: what is committed is on the disk.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}
WORKERS = 2
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

    def twin(self) -> str:
        """The URL of another database of the same server, migrated and empty."""
        url = PostgreSQLDatabases(self.database_url).make_empty()
        run_flask({**self.environment, "DATABASE_URL": url}, "db", "upgrade")
        return url

    def beside(self) -> House:
        """The commands of a service with a database of its own, which nobody serves."""
        url = self.twin()
        return replace(self, database_url=url, environment={**self.environment, "DATABASE_URL": url})

    def worker_peak(self) -> float:
        """The most memory, in MB, that the largest gunicorn process of this house has held so far."""
        peaks = [process["VmHWM"] for process in gunicorn_processes(self.environment["SECRET_KEY"]).values()]
        return max((int(peak.split()[0]) / 1024 for peak in peaks), default=0.0)

    def worker_megabytes(self) -> float:
        """The resident memory of the largest gunicorn process of this house."""
        sizes = [process["VmRSS"] for process in gunicorn_processes(self.environment["SECRET_KEY"]).values()]
        return max((int(size.split()[0]) / 1024 for size in sizes), default=0.0)

    def make_clocks_tick(self) -> None:
        """As a write to every resource would: nothing that is kept of lists and counts is true any more."""
        url = make_url(self.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("UPDATE resource_clock SET tick = tick + 1")

    def workers(self) -> list[int]:
        """The ids of the worker processes."""
        return worker_ids(self.environment["SECRET_KEY"])


def gunicorn_processes(key: str) -> dict[int, dict[str, str]]:
    """By id, what Linux tells of the gunicorn processes whose environment holds ``key``."""
    found: dict[int, dict[str, str]] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            environment = status.with_name("environ").read_bytes()
            command = status.with_name("cmdline").read_bytes()
            facts = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it has ended meanwhile
        if key.encode() in environment and b"gunicorn" in command and "VmRSS" in facts:
            found[int(status.parent.name)] = facts
    return found


def worker_ids(key: str) -> list[int]:
    """The workers among them, in order: those whose parent is one of them, too."""
    found = gunicorn_processes(key)
    return sorted(pid for pid, facts in found.items() if int(facts["PPid"]) in found)


def run_flask(environment: dict[str, str], *arguments: str, entered: str = "") -> str:
    """Run ``flask …`` with ``environment``; its standard output. Raises CalledProcessError."""
    command, complete = flask_command(environment, *arguments)
    done = subprocess.run(command, env=complete, input=entered, capture_output=True, text=True, check=True)
    return done.stdout


def flask_command(environment: dict[str, str], *arguments: str) -> tuple[list[str], dict[str, str]]:
    """The command line of ``flask …``, and its whole environment."""
    command = [sys.executable, "-m", "flask", "--app", str(ROOT / "wsgi.py"), *arguments]
    return command, {**os.environ, "PYTHONPATH": str(ROOT), **environment}


def aim(text: str, *, met: bool) -> str:
    """A figure beside its aim, and whether it is met."""
    return f"{text}: {'met' if met else 'MISSED'}"


def timed(work: Callable[[], Any]) -> float:
    """Seconds that ``work`` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def open_house(workers: int = 1, **settings: str) -> Iterator[House]:
    """A service on a fresh PostgreSQL database, gone at the end."""
    with postgresql_server(**DURABLE) as server_url:
        environment = prepare(PostgreSQLDatabases(server_url).make_empty(), **settings)
        with serve(environment, workers) as house:
            yield house


def prepare(database_url: str, **settings: str) -> dict[str, str]:
    """Migrate an empty database; the environment of a service on it."""
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
    return environment


@contextmanager
def serve(environment: dict[str, str], workers: int) -> Iterator[House]:
    """gunicorn on a migrated database, with an admin of its own."""
    name = f"bench-{secrets.token_hex(4)}"
    run_flask(environment, "user", "create", name, "--role", "admin", "--password-stdin", entered=PASSWORD)
    with (
        tempfile.TemporaryDirectory(prefix="ecatalog-bench-") as folder,
        gunicorn(environment, Path(folder), workers, shows_log=False) as url,
    ):
        answer = requests.post(f"{url}/api/token/", json={"username": name, "password": PASSWORD}, timeout=30)
        answer.raise_for_status()
        yield House(url, environment["DATABASE_URL"], environment, answer.json()["access"])
