"""A private PgBouncer in transaction mode: after a transaction its session is somebody else's."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from tests.servers import ROLE, Process, ServerError, ordinary_user

PORT = 6432  # of the socket in our own folder alone
PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
SESSIONS = 4  # of PostgreSQL for each database: fewer than there are clients, so that they are shared


@dataclass(frozen=True)
class Pooler:
    """Where it listens."""

    folder: Path
    user: str

    def url(self, database_url: str) -> str:
        """The address through the pooler of the database at ``database_url``."""
        through = URL.create(
            "postgresql+psycopg",
            username=self.user,
            database=make_url(database_url).database,
            query={"host": str(self.folder), "port": str(PORT)},
        )
        return through.render_as_string(hide_password=False)

    def copy_settings(self, database_url: str) -> None:
        """Give the role, in this database, what docs/performance.md tells to give it."""
        database = make_url(database_url).database
        with psycopg.connect(_plain(database_url), autocommit=True) as connection:
            for setting in role_settings():
                connection.execute(
                    f'ALTER ROLE "{self.user}" IN DATABASE "{database}" SET {setting}'.encode()
                )


def role_settings() -> list[str]:
    """What the page says of the role, as ``name = value``."""
    return re.findall(r"^ *ALTER ROLE ecatalog SET (\w+ = [^;]+);", PAGE.read_text(), re.MULTILINE)


@contextmanager
def pooler(server_url: str) -> Iterator[Pooler]:
    """PgBouncer before every database of the server; ends with the block. Raises ServerError without it."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        raise ServerError("No pgbouncer found: apt install pgbouncer.")
    with tempfile.TemporaryDirectory(prefix="ecatalog-pooler-") as name:
        folder = Path(name).resolve()
        options = ordinary_user(folder)  # like PostgreSQL, it refuses to run as root
        server = make_url(server_url)
        user = server.username or ROLE
        settings = folder / "pgbouncer.ini"
        settings.write_text(_settings(folder, server, user))
        settings.chmod(0o644)
        made = Pooler(folder, user)

        def is_ready() -> bool:
            try:
                psycopg.connect(_plain(made.url(server_url)), connect_timeout=5).close()
            except psycopg.OperationalError:
                return False
            return True

        process = Process([program, settings], folder / "pgbouncer.log", options)
        try:
            process.start(is_ready)
            yield made
        finally:
            process.stop()


def _settings(folder: Path, server: URL, user: str) -> str:
    """Its configuration: whoever reaches the socket is the user of the server's address."""
    host = server.query.get("host") or server.host or ""
    given = {"host": host, "port": server.query.get("port") or server.port, "user": user}
    given |= {"password": server.password}
    target = " ".join(f"{name}='{value}'" for name, value in given.items() if value)
    return f"""[databases]
* = {target}

[pgbouncer]
pool_mode = transaction
listen_addr =
listen_port = {PORT}
unix_socket_dir = {folder}
auth_type = any
default_pool_size = {SESSIONS}
max_client_conn = 500
"""


def _plain(url: str) -> str:
    """As libpq takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
