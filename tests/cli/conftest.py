"""Fixtures of the command tests."""

from __future__ import annotations

from typing import Any, Protocol

import pytest
from click.testing import Result
from flask import Flask

from ecatalog.catalog import service
from ecatalog.catalog.lookup import Lookup
from ecatalog.catalog.schemas import load
from ecatalog.catalog.service import Origin
from ecatalog.database import write_transaction

ORIGIN = Origin(source="test")


class Run(Protocol):
    def __call__(self, *arguments: str) -> Result: ...


class WriteRows(Protocol):
    def __call__(self, resource_name: str, *rows: dict[str, Any]) -> None: ...


@pytest.fixture
def run(app: Flask) -> Run:
    """Run ``flask …`` on ``app``: ``run("catalog", "stats")``."""
    return lambda *arguments: app.test_cli_runner().invoke(args=list(arguments))


@pytest.fixture
def write_rows(app: Flask) -> WriteRows:
    """Write rows as any source does; one with ``"is_deleted": True`` is created and then deleted."""

    def write(resource_name: str, *rows: dict[str, Any]) -> None:
        resource = app.extensions["ecatalog_resources"][resource_name]
        with app.app_context(), write_transaction():
            for row in rows:
                alive = {key: value for key, value in row.items() if key != "is_deleted"}
                created = service.create(resource, load(resource.write_schema(), alive), ORIGIN)
                if row.get("is_deleted"):
                    choice = {resource.link_column: created.project_id} if resource.parent else {}
                    service.delete(resource, Lookup(getattr(created, resource.code), choice), ORIGIN)

    return write
