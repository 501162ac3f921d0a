"""A connection that ends while a change is being saved: the answer says that nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.errors import IN_DOUBT
from ecatalog.extensions import db

PLAIN = "Service temporarily unavailable, try again later."
PATH = "/api/v1/project/"


@contextmanager
def before_commit(app: Flask, action: Callable[[sa.Connection], None]) -> Iterator[None]:
    """Once, ``action`` comes before what ends a write transaction."""
    with app.app_context():
        engine = db.engine
    left = [action]

    def commit(connection: sa.Connection) -> None:
        if left:
            left.pop()(connection)

    sa.event.listen(engine, "commit", commit)
    try:
        yield
    finally:
        sa.event.remove(engine, "commit", commit)


def lose(connection: sa.Connection) -> None:
    """End the connection, from outside where there is an outside."""
    if connection.dialect.name == "postgresql":
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        with connection.engine.connect() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")
        return
    raise sa.exc.OperationalError("COMMIT", None, Exception(), connection_invalidated=True)


def refuse(_connection: sa.Connection) -> None:
    raise sa.exc.OperationalError("COMMIT", None, Exception("no space"))


@pytest.mark.parametrize(("failure", "detail"), [(lose, IN_DOUBT), (refuse, PLAIN)])
def test_a_commit_that_fails(
    app: Flask,
    client: FlaskClient,
    auth: Callable[..., dict[str, str]],
    failure: Callable[[sa.Connection], None],
    detail: str,
) -> None:
    headers = auth()
    row = {"code_1c": "A", "name": "A"}
    with before_commit(app, failure):
        answer = client.post(PATH, json=row, headers=headers)
    assert (answer.status_code, answer.get_json()) == (503, {"detail": detail})
    assert "Retry-After" in answer.headers
    # It heals by itself, and here nothing was saved.
    assert client.post(PATH, json=row, headers=headers).status_code == 201


def test_an_import_tells_what_is_in_doubt(
    app: Flask, client: FlaskClient, auth: Callable[..., dict[str, str]]
) -> None:
    headers, rows = auth(), [{"code_1c": "A", "name": "A"}]
    with before_commit(app, lose):
        answer = client.post(f"{PATH}bulk/", json=rows, headers=headers)
    told: dict[str, Any] = answer.get_json()
    assert answer.status_code == 503
    assert "may have been saved" in told["detail"]
    assert told["written"] == 0
    again = client.post(f"{PATH}bulk/", json=rows, headers=headers)
    assert (again.status_code, again.get_json()["created"]) == (200, 1)
