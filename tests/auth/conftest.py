"""Fixtures of the sign-in tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ecatalog.auth.models import User
from tests.conftest import MakeUser

PASSWORD = "olma-daraxti-7"
Pair = dict[str, str]
Run = Callable[..., Result]


@pytest.fixture
def anvar(make_user: MakeUser) -> User:
    """An editor who can sign in with PASSWORD."""
    return make_user("Anvar", role="editor", password=PASSWORD)


@pytest.fixture
def pair(client: FlaskClient, anvar: User) -> Pair:
    """Anvar's tokens, as sign-in answers them."""
    answer = post(client, "/api/token/", username=anvar.name, password=PASSWORD)
    assert answer.status_code == 200
    return body(answer)


@pytest.fixture
def run(app: Flask) -> Run:
    """Runs a ``flask`` command: ``run("user", "list", input="…")``."""

    def invoke(*arguments: str, input: str | bytes | None = None) -> Result:
        return app.test_cli_runner().invoke(args=list(arguments), input=input)

    return invoke


def post(client: FlaskClient, path: str, **members: Any) -> TestResponse:
    return client.post(path, json=members)


def refresh(client: FlaskClient, pair: Pair) -> TestResponse:
    return post(client, "/api/token/refresh/", refresh=pair["refresh"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def body(answer: TestResponse) -> dict[str, Any]:
    value = answer.get_json()
    assert isinstance(value, dict)
    return value
