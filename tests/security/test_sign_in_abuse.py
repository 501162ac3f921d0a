"""Sign-in tells nobody who exists, and locks nobody else out."""

from __future__ import annotations

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
    quickest = {kind: min(values) for kind, values in seconds.items()}  # a busy machine takes nothing off
    assert max(quickest.values()) < 2 * min(quickest.values()), quickest


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


@pytest.mark.parametrize("marks", ["\u0300\u0316" * 45_000, "\u1100\u1161" * 45_000, "\ufdfa" * 90_000])
def test_a_name_that_takes_long_to_read_is_nobodys(client: FlaskClient, people: None, marks: str) -> None:
    """Putting the marks on one letter in order takes time by the square of their number."""
    begun = time.process_time()
    assert attempt(client, f"a{marks}", PASSWORD) == 401
    assert time.process_time() - begun < 1


def test_names_that_are_far_too_long_are_told_apart(make_app: Callable[..., Flask]) -> None:
    client = make_app(ratelimit_signin="1/hour").test_client()
    names = ["a" * 5000, "b" * 5000]
    assert [attempt(client, name, "wrong") for name in (*names, *names)] == [401, 401, 429, 429]


def test_who_reads_too_much_keeps_nobody_from_signing_in(
    make_app: Callable[..., Flask], make_user: MakeUser
) -> None:
    """Many people have one address: an office, a provider's customers."""
    client = make_app(ratelimit_anon="3/hour").test_client()
    make_user("Anvar", password=PASSWORD)
    address = {"REMOTE_ADDR": "203.0.113.7"}
    read = [client.get("/api/v1/project/", environ_base=address).status_code for _ in range(4)]
    assert read == [200, 200, 200, 429]
    assert [attempt(client, "Anvar", PASSWORD) for _ in range(4)] == [200, 200, 200, 429]


def test_a_refusal_tells_of_the_limit_that_refuses(make_app: Callable[..., Flask]) -> None:
    client = make_app(ratelimit_signin="1/hour").test_client()
    body = {"username": "Anvar", "password": "wrong"}
    assert client.post("/api/token/", json=body).headers["RateLimit-Policy"].startswith('"anon"')
    answer = client.post("/api/token/", json=body)
    seconds = answer.headers["Retry-After"]
    assert answer.status_code == 429
    assert answer.headers["RateLimit"] == f'"signin";r=0;t={seconds}'
    assert answer.headers["RateLimit-Policy"] == '"signin";q=1;w=3600'
    assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("1", "0")
