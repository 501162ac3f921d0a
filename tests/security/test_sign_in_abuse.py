"""Sign-in tells nobody who exists, and locks nobody else out."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.auth import users
from ecatalog.database import write_transaction
from tests.conftest import MakeUser

PASSWORD = "olma-daraxti-7"


def attempt(client: FlaskClient, name: str, password: str, address: str = "203.0.113.7") -> int:
    body = {"username": name, "password": password}
    return client.post("/api/token/", json=body, environ_base={"REMOTE_ADDR": address}).status_code


@pytest.fixture
def people(app: Flask, make_user: MakeUser) -> None:
    make_user("Anvar", password=PASSWORD)
    make_user("Nodir", password=PASSWORD)
    with app.app_context(), write_transaction():
        users.disable("Nodir")


def test_refusals_take_the_same_time_whatever_was_wrong(client: FlaskClient, people: None) -> None:
    """Each failure is written down, too, so the trail must not tell either."""
    wrong = {"known": ("Anvar", "wrong"), "unknown": ("Nobody", "wrong"), "disabled": ("Nodir", PASSWORD)}
    for name, password in wrong.values():
        assert attempt(client, name, password) == 401
    seconds: dict[str, list[float]] = {kind: [] for kind in wrong}
    for _ in range(7):  # turn by turn: what else the machine does befalls all alike
        for kind, (name, password) in wrong.items():
            begun = time.perf_counter()
            attempt(client, name, password)
            seconds[kind].append(time.perf_counter() - begun)
    medians = {kind: statistics.median(values) for kind, values in seconds.items()}
    assert max(medians.values()) < 2 * min(medians.values()), medians


def test_throttling_does_not_tell_who_exists(make_app: Callable[..., Flask], people: None) -> None:
    client = make_app(ratelimit_signin="2/hour").test_client()
    for name in ("Anvar", "Nobody", "Nodir"):
        assert [attempt(client, name, "wrong") for _ in range(4)] == [401, 401, 429, 429]


def test_an_attacker_locks_out_themselves_alone(make_app: Callable[..., Flask], make_user: MakeUser) -> None:
    client = make_app(ratelimit_signin="2/hour", ratelimit_signin_address="3/hour").test_client()
    make_user("Anvar", password=PASSWORD)
    for name in ("Anvar", "Anvar", "Anvar", "x", "y", "z"):
        attempt(client, name, "wrong", address="198.51.100.66")
    assert attempt(client, "Anvar", PASSWORD, address="198.51.100.66") == 429
    assert attempt(client, "Anvar", PASSWORD) == 200
