"""A migration must not stop a service that it has to wait for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask_migrate
import sqlalchemy as sa
from flask import Flask

from ecatalog.extensions import db
from tests.robustness.harness.migration import add_migration

SECONDS = 20
READS_SECONDS = 2.5  # of the transaction that the migration has to wait for


def test_others_read_while_a_migration_waits_for_a_long_reader(
    make_app: Callable[..., Flask], new_database: Callable[[], str], tmp_path: Path
) -> None:
    add_migration(tmp_path / "migrations")
    app = make_app(database_url=new_database())
    client = app.test_client()
    ended: list[float] = []

    def migrate() -> None:
        with app.app_context():
            flask_migrate.upgrade(str(tmp_path / "migrations"))
        ended.append(time.monotonic())

    with app.app_context():
        reader = db.engine.connect()
    reader.exec_driver_sql("SELECT count(*) FROM nomenklatura").scalar()
    began = time.monotonic()
    migration = threading.Thread(target=migrate, daemon=True)
    migration.start()
    slowest = 0.0
    while time.monotonic() < began + READS_SECONDS:
        asked = time.monotonic()
        assert client.get(f"/api/v1/nomenklatura/?page={1}").status_code == 200
        slowest = max(slowest, time.monotonic() - asked)
    reader.close()
    migration.join(SECONDS)
    assert ended, "the migration did not end"
    assert slowest < READS_SECONDS / 2
    assert "robustness" in columns(app)


def columns(app: Flask) -> set[Any]:
    with app.app_context():
        return {column["name"] for column in sa.inspect(db.engine).get_columns("nomenklatura")}
