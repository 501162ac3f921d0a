"""The database behind SQLAlchemy: column types that mean the same on both engines, and transactions.

Reads see one snapshot for a whole request (WAL on SQLite, REPEATABLE READ on PostgreSQL). Every write goes
through :func:`write_transaction`, which starts afresh, sees what is committed, and queues behind others.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import DBAPIError

import ecatalog
from ecatalog import connections
from ecatalog.config import Settings
from ecatalog.errors import LostInCommit
from ecatalog.extensions import db
from ecatalog.migrating import Migrations

log = logging.getLogger(__name__)

BUSY_SECONDS = 15  # how long a SQLite writer waits for another one before the answer is 503
STATEMENT_MILLISECONDS = 30_000
LONG_STATEMENT_MILLISECONDS = 600_000
LOCK_MILLISECONDS = 15_000
# A server that is cut off says nothing: after these the connection counts as lost, and the answer is 503.
TCP_SETTINGS = {
    "tcp_user_timeout": 10_000,  # milliseconds that what was sent may stay unacknowledged
    "keepalives": 1,
    "keepalives_idle": 10,  # seconds
    "keepalives_interval": 3,  # seconds
    "keepalives_count": 3,
}
_WRITING = "ecatalog_writing"  # key in the session's ``info`` within a write transaction

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers only INTEGER keys by itself
JSONType = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def utc_now() -> datetime:
    """Now, aware, in UTC. The database's own clock is not asked, so both engines round alike."""
    return datetime.now(UTC)


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """Aware datetimes in UTC; SQLite, which has no time zones, keeps them naive."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place in the database")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ExactDecimal(sa.types.TypeDecorator[Decimal]):
    """``NUMERIC(precision, scale)``; scaled integers on SQLite, whose NUMERIC is binary floating point."""

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        super().__init__(precision, scale)
        self.precision = precision
        self.scale = scale

    @property
    def python_type(self) -> type[Decimal]:
        return Decimal

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.BigInteger())
        return dialect.type_descriptor(sa.Numeric(self.precision, self.scale))

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | int | None:
        if value is None or dialect.name != "sqlite":
            return value
        return int((Decimal(value) * 10**self.scale).to_integral_value())

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None or dialect.name != "sqlite":
            return value  # type: ignore[no-any-return]  # psycopg gives Decimal
        return Decimal(int(value)).scaleb(-self.scale)


def migrations_folder() -> Path:
    """Where Alembic's scripts are: inside the installed package, or beside it in a checkout."""
    package = Path(ecatalog.__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def init_database(app: Flask, settings: Settings) -> None:
    """Bind ``db`` to the application, and tell migrations where they are."""
    url = sa.make_url(settings.database_url)
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = _engine_options(url, settings)
    db.init_app(app)
    app.teardown_appcontext(_end_session)  # before Flask-SQLAlchemy's, which then finds nothing to do
    app.extensions["migrate"] = Migrations(db, str(migrations_folder()))
    with app.app_context():
        connections.init_lent(app, db.engine)
        if url.get_backend_name() == "sqlite":
            _prepare_sqlite(db.engine)
        else:
            connections.watch(db.engine)


def _end_session(_error: BaseException | None) -> None:
    """Give back what was read with. A connection that is lost by now must not take the answer with it."""
    if not db.session.registry.has():
        return
    try:
        db.session.remove()
    except DBAPIError:
        log.warning("a connection was lost after it was read from")
        db.session.registry.clear()


def _engine_options(url: sa.URL, settings: Settings) -> dict[str, Any]:
    # Parameters are people's data: they stay out of traces.
    options = connections.pool_options(settings) | {"hide_parameters": True}
    options["json_deserializer"] = orjson.loads  # as bodies are read: a twentieth of a list's time is this
    if url.get_backend_name() == "sqlite":
        return options | {"connect_args": {"timeout": BUSY_SECONDS}}
    connect_args: dict[str, Any] = {"connect_timeout": 5, "application_name": "ecatalog", **TCP_SETTINGS}
    if settings.database_pooler == "transaction":
        connect_args["prepare_threshold"] = None
    else:
        connect_args["options"] = (
            f"-c statement_timeout={STATEMENT_MILLISECONDS} -c lock_timeout={LOCK_MILLISECONDS}"
            " -c timezone=UTC -c jit=off"  # compiling costs more than any statement here gains by it
        )
    return options | {
        "isolation_level": "REPEATABLE READ",
        "connect_args": connect_args,
        "pool_reset_on_return": None,  # connections.watch sees to it
    }


def _prepare_sqlite(engine: Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        # SQLite's own lower() knows ASCII only; names here are Cyrillic as often as not.
        connection.create_function("lower", 1, _lower, deterministic=True)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


@contextmanager
def write_transaction() -> Iterator[None]:
    """Everything inside is one transaction that is committed at the end, or rolled back on any error.

    Raises LostInCommit where it cannot be known whether it was committed.

    Ends the transaction that reading may have begun: a writer must not work from an old snapshot. Objects
    loaded before stay usable as plain values, but are no longer part of the session.
    """
    db.session.close()
    if db.engine.dialect.name == "sqlite":
        db.session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
    else:
        db.session.connection(execution_options={"isolation_level": "READ COMMITTED"})
    db.session.info[_WRITING] = True
    try:
        yield
        db.session.flush()
        _commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        db.session.info.pop(_WRITING, None)


@contextmanager
def trial_transaction() -> Iterator[None]:
    """Everything inside sees one snapshot and is undone at the end; no writer has to wait for it.

    It may fill temporary tables, and nothing else.
    """
    db.session.close()
    try:
        yield
    finally:
        db.session.rollback()


def allow_long_statements() -> None:
    """Let statements of the present transaction take as long as many rows at once need."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(sa.text(f"SET LOCAL statement_timeout = {LONG_STATEMENT_MILLISECONDS}"))


def _commit() -> None:
    """Raises LostInCommit where the connection ends before the database has said what became of it."""
    try:
        db.session.commit()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise LostInCommit.of(error) from error
        raise


def in_write_transaction() -> bool:
    """Whether what is read now may be rolled back: nothing of it may be kept."""
    return db.session.registry.has() and _WRITING in db.session.info
