"""Alembic's environment: runs the migrations on the application's own engine.

Migrations go forwards only. Each runs in a transaction of its own, so that one can leave it
(``op.get_context().autocommit_block()``) to build an index with CONCURRENTLY on a live table.
"""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from flask import current_app

from ecatalog.database import ExactDecimal, UTCDateTime

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


def run() -> None:
    """Migrate the database that DATABASE_URL names."""
    engine = database.engine
    # PostgreSQL: reading the catalogue in one old snapshot would hide what the migration before has made.
    options = {"isolation_level": "READ COMMITTED"} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(**options) as connection:
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
