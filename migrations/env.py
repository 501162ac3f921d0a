"""Alembic's environment: runs the migrations on the application's own engine.

Migrations go forwards only. Each runs in a transaction of its own, so that one can leave it
(``op.get_context().autocommit_block()``) to build an index with CONCURRENTLY on a live table.
"""

from __future__ import annotations

import re
import time
from typing import Any, Literal

from alembic import context
from flask import current_app
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from ecatalog.database import ExactDecimal, UTCDateTime

ALTERS = re.compile(r"\s*(ALTER|DROP) TABLE (IF EXISTS )?(ONLY )?(?P<table>[\w.\"]+)", re.IGNORECASE)
LOCK_MILLISECONDS = 500
PAUSE_SECONDS = 1.0
PATIENCE_SECONDS = 600.0
LOCK_NOT_AVAILABLE = "55P03"

migrate = current_app.extensions["migrate"]
database = migrate.db


def _include(_object: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    """Indexes of trigrams are made by each database's own statements (``ecatalog.search.ddl``)."""
    if name is None:
        return True
    return not (kind == "table" and name.startswith("sqlite_")) and "_trigrams" not in name


def _render(kind: str, item: Any, _autogenerate: Any) -> str | Literal[False]:
    """Column types in words of SQLAlchemy alone: an old migration must not change with the application."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, ExactDecimal):
        return f'sa.Numeric({item.precision}, {item.scale}).with_variant(sa.BigInteger(), "sqlite")'
    return False


def _lock_politely(connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
    """Before a table is altered: lock it, in short tries.

    ALTER TABLE waits for every transaction that uses the table, and whoever comes after waits behind it: with
    one export under way, the whole service. So it waits LOCK_MILLISECONDS at a time, and lets the others by.
    """
    found = ALTERS.match(statement)
    if found is None or connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
                connection.exec_driver_sql(f"LOCK TABLE {found['table']} IN ACCESS EXCLUSIVE MODE")
                connection.exec_driver_sql("SET LOCAL lock_timeout = DEFAULT")
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return


def run() -> None:
    """Migrate the database that DATABASE_URL names."""
    engine = database.engine
    # PostgreSQL: reading the catalogue in one old snapshot would hide what the migration before has made.
    options = {"isolation_level": "READ COMMITTED"} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(**options) as connection:
        if engine.dialect.name == "postgresql":
            event.listen(connection, "before_cursor_execute", _lock_politely)
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            include_object=_include,
            render_item=_render,
            transaction_per_migration=True,
            **migrate.configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Migrations need the database: they look at what is there.")
run()
