"""PostgreSQL by its own programs: pg_dump, in the snapshot that the manifest is counted in, and back."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from ecatalog.backup.databases import Database, Dump
from ecatalog.backup.manifest import take
from ecatalog.backup.programs import BackupError, feed, output, stream

SCRATCH_PREFIX = "ecatalog_verify_"
# What belongs to a role of one server makes no sense on another.
_PORTABLE = ("--no-owner", "--no-privileges")
# Whoever uses the tables has this long to let go of them.
_LOCK_SECONDS = 60
_REPLACE = f"SET lock_timeout = '{_LOCK_SECONDS}s';\nDROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n"


class PostgreSQL(Database):
    file_name = "database.dump"

    def __init__(self, url: sa.URL, into: str | None = None) -> None:
        super().__init__(url)
        self._into = into

    @contextmanager
    def dump(self) -> Iterator[Dump]:
        with _connected(self.url, "REPEATABLE READ") as connection:
            # However long it takes to count and to copy: the snapshot lives as long as this transaction.
            for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
                connection.exec_driver_sql(f"SET LOCAL {name} = 0")
            snapshot = connection.scalar(sa.text("SELECT pg_export_snapshot()"))
            manifest = take(connection)
            command = ["pg_dump", "--format=custom", *_PORTABLE, f"--snapshot={snapshot}", _target(self.url)]
            yield Dump(manifest, stream(command, _password(self.url)))

    @contextmanager
    def scratch(self, dump: Path) -> Iterator[sa.Engine]:
        with self._empty() as url:
            command = ["pg_restore", "--exit-on-error", *_PORTABLE, f"--dbname={_target(url)}", str(dump)]
            output(command, _password(url))
            engine = sa.create_engine(url, poolclass=NullPool)
            try:
                yield engine
            finally:
                engine.dispose()

    def restore(self, dump: Path) -> None:
        statements = stream(["pg_restore", *_PORTABLE, "--file=-", str(dump)], _password(self.url))
        command = ["psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        feed([*command, _target(self.url)], _password(self.url), _after(_REPLACE.encode(), statements))

    @contextmanager
    def _empty(self) -> Iterator[sa.URL]:
        """The URL of an empty database for a trial."""
        if self._into is not None:
            url = sa.make_url(self._into).set(drivername="postgresql+psycopg")
            with _connected(url, "AUTOCOMMIT") as connection:
                if sa.inspect(connection).get_table_names():
                    raise BackupError(f"the database {url.database} is not empty")
            yield url
            return
        name = SCRATCH_PREFIX + secrets.token_hex(6)
        with _connected(self.url, "AUTOCOMMIT") as connection:
            _drop_leftovers(connection)
            try:
                connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
            except DBAPIError as error:
                raise BackupError(
                    f"no scratch database can be made: {_cause(error)}. Give the role CREATEDB "
                    f'(ALTER ROLE "{self.url.username}" CREATEDB), or an empty database with --into.'
                ) from error
        try:
            yield self.url.set(database=name)
        finally:
            with _connected(self.url, "AUTOCOMMIT") as connection:
                connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _drop_leftovers(connection: sa.Connection) -> None:
    """Scratch databases of trials that were killed: ours, and nobody uses them."""
    left = connection.scalars(
        sa.text(
            "SELECT datname FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba "
            "WHERE datname LIKE :pattern AND rolname = current_user "
            "AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname)"
        ),
        {"pattern": SCRATCH_PREFIX.replace("_", r"\\_") + "%"},
    ).all()
    for name in left:
        connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}"')


@contextmanager
def _connected(url: sa.URL, isolation: Any) -> Iterator[sa.Connection]:
    connect_args: dict[str, Any] = {"connect_timeout": 10, "prepare_threshold": None}
    engine = sa.create_engine(url, poolclass=NullPool, isolation_level=isolation, connect_args=connect_args)
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise BackupError(f"the database refused: {_cause(error)}") from error
    finally:
        engine.dispose()


def _cause(error: DBAPIError) -> str:
    return (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]


def _target(url: sa.URL) -> str:
    """The database as PostgreSQL's programs take it; the password, which others could see, is left out."""
    return url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)


def _password(url: sa.URL) -> Mapping[str, str]:
    return {"PGPASSWORD": str(url.password)} if url.password else {}


def _after(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
