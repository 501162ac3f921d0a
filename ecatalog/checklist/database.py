"""The database: that it answers, is of our kind, and takes writes."""

from __future__ import annotations

import secrets
import time

import sqlalchemy as sa

from ecatalog.catalog.models import ResourceClock
from ecatalog.checklist.context import Context
from ecatalog.checklist.registry import Finding, bad, check, good, note
from ecatalog.extensions import db
from ecatalog.ops.health import MigrationsBehindError, check_database

SECTION = "database"
OLDEST = 13
SECONDS_APART = 2


def _is_postgresql() -> bool:
    return db.engine.dialect.name == "postgresql"


def _scalar(statement: str) -> str:
    with db.engine.connect() as connection:
        return str(connection.scalar(sa.text(statement)))


@check(SECTION, "reachable")
def reachable(context: Context) -> Finding:
    began = time.monotonic()
    _scalar("SELECT 1")
    return good(f"answers in {(time.monotonic() - began) * 1000:.0f} ms")


@check(SECTION, "version")
def version(context: Context) -> Finding:
    if not _is_postgresql():
        return good(f"SQLite {_scalar('SELECT sqlite_version()')}")
    number = int(_scalar("SHOW server_version_num")) // 10_000
    if number < OLDEST:
        return bad(f"PostgreSQL {number}", f"Upgrade to {OLDEST} or newer.")
    return good(f"PostgreSQL {_scalar('SHOW server_version')}")


@check(SECTION, "migrations")
def migrations(context: Context) -> Finding:
    try:
        check_database(db.engine)
    except MigrationsBehindError as error:
        return bad(str(error), "flask db upgrade")
    return good("all of this release are applied")


@check(SECTION, "encoding")
def encoding(context: Context) -> Finding:
    name = _scalar("SHOW server_encoding" if _is_postgresql() else "PRAGMA encoding").upper()
    if name not in ("UTF8", "UTF-8"):
        return bad(name, "Make the database anew: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.")
    return good("UTF-8")


@check(SECTION, "pg_trgm")
def trigrams(context: Context) -> Finding:
    if not _is_postgresql():
        return note("SQLite searches by its own index", "PostgreSQL for large catalogues.")
    found = _scalar("SELECT extversion FROM pg_extension WHERE extname = 'pg_trgm'")
    if found == "None":
        return bad(
            "not installed: searches read whole tables", "CREATE EXTENSION pg_trgm; then flask db upgrade"
        )
    return good(found)


@check(SECTION, "writing")
def writing(context: Context) -> Finding:
    """One row is written, read, and rolled back."""
    name = f"checklist-{secrets.token_hex(8)}"
    with db.engine.connect() as connection, connection.begin() as transaction:
        row = {"resource": name, "tick": 1, "live_rows": 0, "epoch": ""}
        connection.execute(sa.insert(ResourceClock).values(row))
        ours = sa.select(sa.func.count()).select_from(ResourceClock).where(ResourceClock.resource == name)
        written = connection.scalar(ours)
        transaction.rollback()
    with db.engine.connect() as connection:
        left = connection.scalar(ours)
    if (written, left) != (1, 0):
        return bad(f"a row was written {written} times and {left} stayed", "Look into the database's log.")
    return good("a row was written and rolled back")


@check(SECTION, "connections")
def connections(context: Context) -> Finding:
    if not _is_postgresql():
        return good("SQLite has no limit")
    if context.settings.database_pooler:
        return good("behind a pooler")
    pool = db.engine.pool
    most = int(_scalar("SHOW max_connections"))
    # Two instances run side by side while a release is switched.
    each = pool.size() + pool._max_overflow if isinstance(pool, sa.QueuePool) else 1
    needed = each * context.settings.web_concurrency * 2
    if needed > most - 5:
        cure = f"max_connections = {needed + 20}, fewer workers, or PgBouncer (DATABASE_POOLER=transaction)."
        return note(f"the workers may want {needed} at a deploy, the server has {most}", cure)
    return good(f"at most {needed} of {most}")


@check(SECTION, "clock")
def clock(context: Context) -> Finding:
    if not _is_postgresql():
        return good("the machine's own")
    theirs = float(_scalar("SELECT extract(epoch FROM clock_timestamp())"))
    apart = abs(theirs - time.time())
    if apart > SECONDS_APART:
        return bad(f"{apart:.1f} s away from this machine's", "Run chrony or systemd-timesyncd on both.")
    return good(f"{apart * 1000:.0f} ms from this machine's")
