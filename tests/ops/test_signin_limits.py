"""Failed sign-ins are limited; nobody can lock another out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.auth.models import User
from ecatalog.errors import Throttled
from ecatalog.ops.limits import signin_attempt
from tests.servers import RedisServer

pytestmark = pytest.mark.any_database

PASSWORD = "olma-daraxti-7"
MakeApp = Callable[..., Flask]


@pytest.fixture(autouse=True)
def anvar(make_app: MakeApp, make_user: Callable[..., User]) -> User:
    # After make_app, which empties the tables.
    return make_user("Anvar", password=PASSWORD)


def sign_in(client: FlaskClient, password: str, username: str = "Anvar", address: str = "203.0.113.7") -> int:
    body = {"username": username, "password": password}
    return client.post("/api/token/", json=body, environ_base={"REMOTE_ADDR": address}).status_code


def test_failures_use_the_limit_up(make_app: MakeApp) -> None:
    client = make_app(ratelimit_signin="3/hour").test_client()
    assert [sign_in(client, "wrong") for _ in range(5)] == [401, 401, 401, 429, 429]
    assert sign_in(client, PASSWORD) == 429


def test_the_answer_names_the_time(make_app: MakeApp) -> None:
    client = make_app(ratelimit_signin="1/15 minutes").test_client()
    sign_in(client, "wrong")
    answer = client.post(
        "/api/token/",
        json={"username": "Anvar", "password": "wrong"},
        environ_base={"REMOTE_ADDR": "203.0.113.7"},
    )
    seconds = int(answer.headers["Retry-After"])
    assert 890 <= seconds <= 900
    assert answer.json == {"detail": f"Request was throttled. Expected available in {seconds} seconds."}


def test_success_does_not_count(make_app: MakeApp) -> None:
    client = make_app(ratelimit_signin="2/hour", ratelimit_signin_address="2/hour").test_client()
    assert [sign_in(client, PASSWORD) for _ in range(5)] == [200] * 5
    assert [sign_in(client, "wrong") for _ in range(3)] == [401, 401, 429]


def test_malformed_requests_do_not_count(make_app: MakeApp) -> None:
    client = make_app(ratelimit_signin="1/hour", ratelimit_signin_address="1/hour").test_client()
    for _ in range(3):
        assert client.post("/api/token/", json={"username": "Anvar"}).status_code == 400
    assert sign_in(client, PASSWORD, address="127.0.0.1") == 200


def test_nobody_is_locked_out_from_elsewhere(make_app: MakeApp) -> None:
    client = make_app(ratelimit_signin="2/hour").test_client()
    assert [sign_in(client, "wrong", address="198.51.100.66") for _ in range(3)] == [401, 401, 429]
    assert sign_in(client, PASSWORD, address="203.0.113.7") == 200


def test_letter_case_of_the_name_does_not_matter(make_app: MakeApp) -> None:
    client = make_app(ratelimit_signin="2/hour").test_client()
    assert [sign_in(client, "wrong", name) for name in ("Anvar", "ANVAR", " anvar ")] == [401, 401, 429]


def test_many_names_from_one_address(make_app: MakeApp) -> None:
    client = make_app(ratelimit_signin_address="3/hour").test_client()
    statuses = [sign_in(client, "wrong", f"name-{n}") for n in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert sign_in(client, PASSWORD) == 429
    assert sign_in(client, PASSWORD, address="203.0.113.8") == 200


def test_a_used_up_name_takes_nothing_from_others_at_the_address(make_app: MakeApp) -> None:
    client = make_app(ratelimit_signin="1/hour", ratelimit_signin_address="3/hour").test_client()
    assert [sign_in(client, "wrong") for _ in range(9)] == [401] + [429] * 8
    assert [sign_in(client, "wrong", f"name-{n}") for n in range(3)] == [401, 401, 429]


@pytest.mark.parametrize("shared", [False, True])
def test_parallel_guesses_do_not_slip_through(make_app: MakeApp, redis_url: str, shared: bool) -> None:
    app = make_app(ratelimit_signin="5/hour", redis_url=redis_url if shared else "")
    with ThreadPoolExecutor(20) as pool:
        statuses = Counter(pool.map(lambda _: sign_in(app.test_client(), "wrong"), range(20)))
    assert statuses == {401: 5, 429: 15}


def test_other_errors_are_given_back(make_app: MakeApp) -> None:
    app = make_app(ratelimit_signin="1/hour", ratelimit_signin_address="1/hour")
    for _ in range(3):
        with app.test_request_context(), pytest.raises(ZeroDivisionError), signin_attempt("Anvar"):
            _ = 1 / 0


def test_without_redis_it_still_holds(make_app: MakeApp, own_redis: RedisServer) -> None:
    app = make_app(ratelimit_signin="2/hour", redis_url=own_redis.url)
    own_redis.stop()
    client = app.test_client()
    assert [sign_in(client, "wrong") for _ in range(3)] == [401, 401, 429]


def test_the_password_is_not_checked_when_used_up(make_app: MakeApp) -> None:
    app = make_app(ratelimit_signin="0/hour")
    with app.test_request_context(), pytest.raises(Throttled), signin_attempt("Anvar"):
        pytest.fail("the block must not run")
