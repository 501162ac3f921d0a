"""The stack as a whole: what it is made of, where its parts are, and who may sign in."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.robustness.harness import servers
from tests.robustness.harness.network import INSIDE, Network
from tests.robustness.harness.nginx import nginx
from tests.robustness.harness.servers import Daemon, Keeper, PostgreSQL
from tests.servers import RedisServer, ServerError, free_port
from tests.serving import INHERITED, ROOT

USERS = 12
WORKERS = 2


@dataclass
class Stack:
    """A running service. ``folder`` holds logs and sockets, ``media`` uploads, ``spool`` temporary files."""

    folder: Path
    media: Path
    spool: Path
    postgresql: PostgreSQL
    redis: RedisServer
    environment: dict[str, str]
    gunicorn: Daemon
    nginx: Daemon
    port: int
    network: Network | None = None
    passwords: dict[str, str] = field(default_factory=dict)  # by user name

    def workers(self) -> list[int]:
        """Process ids of the workers that run."""
        return self.gunicorn.children()

    def memory(self) -> float:
        """Megabytes of gunicorn's processes."""
        return servers.memory_megabytes([self.gunicorn.pid, *self.workers()])

    def log(self) -> list[dict[str, object]]:
        """The application's log; lines that are no JSON as ``{"text": line}``."""
        entries: list[dict[str, object]] = []
        for line in self.gunicorn.log.read_text(errors="replace").splitlines():
            try:
                entries.append(json.loads(line))
            except ValueError:
                entries.append({"text": line})
        return entries


@dataclass(frozen=True)
class Options:
    """How a stack differs from the plain one: the database behind a network, places on small disks."""

    network: Network | None = None
    data_folder: Path | None = None  # PostgreSQL's
    media_folder: Path | None = None
    settings: dict[str, str] = field(default_factory=dict)  # for the application
    preload: dict[str, str] = field(default_factory=dict)  # environment of PostgreSQL and the application


@contextmanager
def stack(options: Options | None = None) -> Iterator[Stack]:
    """Everything started, migrated and filled with demo data; ended with the block."""
    options = options or Options()
    with tempfile.TemporaryDirectory(prefix="ecatalog-stack-") as name, ExitStack() as ending:
        made = _make(Path(name).resolve(), options)
        ending.callback(made.redis.stop)
        made.redis.start()
        made.environment["REDIS_URL"] = made.redis.url
        ending.callback(made.postgresql.stop)
        made.postgresql.start()
        _fill(made)
        ending.callback(made.gunicorn.stop)
        made.gunicorn.start(lambda: (made.folder / "http.sock").exists())
        ending.callback(made.nginx.stop)
        made.nginx.start(lambda: is_ready(made))
        with Keeper([made.postgresql.daemon, made.gunicorn, made.nginx]):
            yield made


def _make(folder: Path, options: Options) -> Stack:
    folder.chmod(0o755)
    places = {name: folder / name for name in ("postgresql", "redis", "media", "spool")}
    for place in places.values():
        place.mkdir()
    network = options.network
    postgresql = PostgreSQL(
        places["postgresql"],
        (options.data_folder or places["postgresql"]) / "data",
        address=INSIDE if network else "",
        wrapper=network.wrapper if network else (),
        environment=options.preload,
    )
    media = options.media_folder or places["media"]
    spool = media / "spool" if options.media_folder else places["spool"]
    spool.mkdir(exist_ok=True)
    environment = {
        **{name: os.environ[name] for name in INHERITED if name in os.environ},
        "PYTHONPATH": str(ROOT),
        "FLASK_APP": "wsgi",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "DATABASE_URL": postgresql.url,
        "MEDIA_STORAGE": str(media / "files"),
        "TMPDIR": str(spool),
        "BIND": f"unix:{folder / 'http.sock'}",
        "WEB_CONCURRENCY": str(WORKERS),
        "RATELIMIT_USER": "1000000/hour",
        "RATELIMIT_ANON": "120/hour",
        **options.settings,
        **options.preload,
    }
    port = free_port()
    return Stack(
        folder=folder,
        media=media,
        spool=spool,
        postgresql=postgresql,
        redis=RedisServer(places["redis"]),
        environment=environment,
        gunicorn=servers.gunicorn(folder, environment),
        nginx=nginx(folder, port, folder / "http.sock", media / "files"),
        port=port,
        network=network,
    )


def _fill(made: Stack) -> None:
    run_flask(made, "db", "upgrade")
    run_flask(made, "demo", "seed", "--force", "--no-users")
    made.passwords = {f"load-{number}": secrets.token_urlsafe(16) for number in range(USERS)}
    _run(made, "tests.robustness.harness.users", entered=json.dumps(made.passwords))


def run_flask(made: Stack, *arguments: str) -> str:
    """Run ``flask …`` on the stack's settings; its output. Raises ServerError."""
    return _run(made, "flask", *arguments)


def _run(made: Stack, module: str, *arguments: str, entered: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        input=entered,
        env=made.environment,
        cwd=made.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServerError(f"{module} {' '.join(arguments)}: {done.stderr[-4000:]}")
    return done.stdout


def is_ready(made: Stack, path: str = "/readyz") -> bool:
    """Whether the service says through nginx that it can serve."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{made.port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_until_ready(made: Stack, seconds: float = 60) -> float:
    """Seconds until the service says that it can serve; raises TimeoutError."""
    began = time.monotonic()
    while not is_ready(made):
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"not ready after {seconds:g} seconds")
        time.sleep(0.1)
    return time.monotonic() - began


__all__: Sequence[str] = ("Options", "Stack", "is_ready", "run_flask", "stack", "wait_until_ready")
