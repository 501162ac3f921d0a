"""The parts of the stack as processes that can be killed, and a keeper that starts them again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests import servers
from tests.servers import ServerError

KEEPER_SECONDS = 0.5  # between two looks at what should run
STOP_SECONDS = 20
# Durable as in production: what is acknowledged must survive kill -9.
POSTGRESQL_OPTIONS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "log_line_prefix": "%m [%p] ",
}


@dataclass
class Daemon:
    """A process in the background that may be killed and is started again while it is ``wanted``."""

    name: str
    command: Sequence[str | Path]
    log: Path
    options: dict[str, Any] = field(default_factory=dict)
    wanted: bool = False
    starts: int = 0
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, is_ready: Callable[[], bool] | None = None, seconds: float = 30) -> None:
        """Start; with ``is_ready``, wait for it. Raises ServerError, with the log, if that does not come."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self.options,
            )
        self.wanted = True
        self.starts += 1
        deadline = time.monotonic() + seconds
        while is_ready is not None and not is_ready():
            if not self.is_running or time.monotonic() > deadline:
                self.stop()
                raise ServerError(
                    f"{self.name} did not start:\n{self.log.read_text(errors='replace')[-4000:]}"
                )
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL, and no word to the keeper: it will find the process gone."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.wanted = False
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def children(self) -> list[int]:
        """Process ids of its direct children."""
        text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(number) for number in text.split()]


class Keeper:
    """Starts daemons again that should run and do not: ``Restart=always`` of systemd."""

    def __init__(self, daemons: Sequence[Daemon]) -> None:
        self._daemons = daemons
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._ended.wait(KEEPER_SECONDS):
            for daemon in self._daemons:
                if daemon.wanted and not daemon.is_running:
                    with suppress(OSError, ServerError):  # tried again at the next look
                        daemon.start()


@dataclass
class PostgreSQL:
    """A durable PostgreSQL with data in ``data``, on a socket in ``folder`` and, with ``address``, on TCP.

    ``wrapper`` is put before the program (``ip netns exec …``, ``faketime …``).
    """

    folder: Path
    data: Path
    address: str = ""
    wrapper: Sequence[str] = ()
    environment: dict[str, str] = field(default_factory=dict)
    daemon: Daemon = field(init=False)

    PORT = 5432

    def __post_init__(self) -> None:
        options = servers.ordinary_user(self.folder)
        programs = servers.reachable_programs(servers.postgresql_programs(), self.folder, options)
        if os.geteuid() == 0:
            os.chown(self.data.parent, options["user"], options["group"])
        servers.make_cluster(programs, self.data, options)
        if self.address:
            with (self.data / "pg_hba.conf").open("a") as file:
                file.write("host all all 0.0.0.0/0 trust\n")
        settings = {
            **POSTGRESQL_OPTIONS,
            "unix_socket_directories": str(self.folder),
            "listen_addresses": self.address,
        }
        flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        command: list[str | Path] = [programs / "postgres", "-D", self.data, *flags]
        if self.wrapper:  # entering a namespace needs root, serving does not
            as_user = [
                "setpriv",
                f"--reuid={options['user']}",
                f"--regid={options['group']}",
                "--clear-groups",
            ]
            command = [*self.wrapper, *as_user, *command]
            options = {"cwd": self.folder}
        options["env"] = {**os.environ, **self.environment}
        self.daemon = Daemon("PostgreSQL", command, self.folder / "server.log", options)

    def start(self) -> None:
        self.daemon.start(self._is_ready)
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE ROLE {servers.ROLE} LOGIN CREATEDB")
            connection.execute(f"CREATE DATABASE {servers.ROLE} OWNER {servers.ROLE}")

    def restart(self) -> None:
        """As ``systemctl restart``: a fast shutdown, which ends open sessions, and a start."""
        self.daemon.stop(signal.SIGINT)
        self.daemon.start()

    def stop(self) -> None:
        self.daemon.stop(signal.SIGINT)

    def connect(self, database: str = servers.ROLE) -> psycopg.Connection[Any]:
        """A session of the superuser, on the socket."""
        return psycopg.connect(
            f"postgresql://postgres@/{database}?host={self.folder}", autocommit=True, connect_timeout=5
        )

    def backends(self) -> list[int]:
        """Process ids of the application's sessions."""
        with self.connect() as connection:
            rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'ecatalog'")
            return [int(pid) for (pid,) in rows]

    @property
    def url(self) -> str:
        host = self.address or str(self.folder)
        return f"postgresql://{servers.ROLE}@/{servers.ROLE}?host={host}&port={self.PORT}"

    def _is_ready(self) -> bool:
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True


def gunicorn(folder: Path, environment: dict[str, str], *arguments: str) -> Daemon:
    """The application with the project's own ``gunicorn.conf.py``."""
    config = Path(__file__).resolve().parents[3] / "gunicorn.conf.py"
    command: list[str | Path] = [sys.executable, "-m", "gunicorn", "--config", config, *arguments]
    options = {"cwd": folder, "env": environment}
    return Daemon("gunicorn", command, folder / "gunicorn.log", options)


def worker_pids(log: Path) -> list[int]:
    """Processes that gunicorn's log names as workers, oldest first, dead ones included."""
    return [
        int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", log.read_text(errors="replace"))
    ]


def memory_megabytes(pids: Sequence[int]) -> float:
    """Memory of these processes together; what they share with others counts in part (PSS)."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
            total += int(found[1]) if found else 0
    return total / 1024
