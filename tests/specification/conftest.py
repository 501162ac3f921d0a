"""Fixtures of the specification tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import ecatalog
from ecatalog.auth import users
from ecatalog.auth.models import Role
from ecatalog.config import Settings
from ecatalog.database import write_transaction
from ecatalog.extensions import db
from tests.conftest import Serve
from tests.specification.stranger import PASSWORD


@pytest.fixture
def url(serve: Serve, new_database: Callable[[], str], settings: Settings) -> str:
    """A served application, with a user for each role."""
    database = new_database()
    app = ecatalog.create_app(replace(settings, database_url=database))
    with app.app_context():
        with write_transaction():
            for role in Role:
                users.create_user(role.value, PASSWORD, role)
        db.engine.dispose()
    return serve({"DATABASE_URL": database, "LOG_LEVEL": "WARNING"}, workers=2)
