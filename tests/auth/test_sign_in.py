"""POST /api/token/."""

from __future__ import annotations

import statistics
import time
from typing import Any

import argon2
import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.auth.models import User
from ecatalog.config import Settings
from ecatalog.database import write_transaction
from ecatalog.extensions import db
from tests.auth.conftest import PASSWORD, Pair, Run, bearer, body, post
from tests.conftest import MakeUser

NO_ACCOUNT = {"detail": "No active account found with the given credentials"}


def test_answers_an_access_and_a_refresh_token(client: FlaskClient, pair: Pair) -> None:
    assert set(pair) == {"access", "refresh"}
    assert client.get("/api/v1/client/", headers=bearer(pair["access"])).status_code == 200


def test_takes_a_form_as_well_as_json(client: FlaskClient, anvar: User) -> None:
    answer = client.post("/api/token/", data={"username": "Anvar", "password": PASSWORD})
    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["anvar", "ANVAR", "  Anvar "])
def test_letter_case_of_the_name_does_not_count(client: FlaskClient, anvar: User, name: str) -> None:
    assert post(client, "/api/token/", username=name, password=PASSWORD).status_code == 200


def test_a_composed_and_a_decomposed_password_are_the_same(client: FlaskClient, make_user: MakeUser) -> None:
    make_user("jose", password="jos\u00e9-daraxti-9")
    assert post(client, "/api/token/", username="jose", password="jose\u0301-daraxti-9").status_code == 200


def test_claims_are_those_that_clients_of_simplejwt_read(anvar: User, pair: Pair, settings: Settings) -> None:
    access = jwt.decode(pair["access"], settings.secret_key, algorithms=["HS256"])
    refresh = jwt.decode(pair["refresh"], settings.secret_key, algorithms=["HS256"])
    assert (access["token_type"], refresh["token_type"]) == ("access", "refresh")
    assert access["user_id"] == refresh["user_id"] == anvar.id
    assert access["jti"] != refresh["jti"]
    assert access["exp"] - access["iat"] == 3600
    assert refresh["exp"] - refresh["iat"] == 7 * 24 * 3600


def test_lives_can_be_set(make_app: Any, make_user: MakeUser, settings: Settings) -> None:
    make_user("Anvar", password=PASSWORD)
    client = make_app(jwt_access_minutes=5, jwt_refresh_days=1).test_client()
    pair = body(post(client, "/api/token/", username="Anvar", password=PASSWORD))
    access = jwt.decode(pair["access"], settings.secret_key, algorithms=["HS256"])
    refresh = jwt.decode(pair["refresh"], settings.secret_key, algorithms=["HS256"])
    assert access["exp"] - access["iat"] == 300
    assert refresh["exp"] - refresh["iat"] == 24 * 3600


def test_wrong_password_unknown_and_disabled_user_answer_alike(
    client: FlaskClient, anvar: User, run: Run, make_user: MakeUser
) -> None:
    make_user("Nodir", password=PASSWORD)
    assert run("user", "disable", "Nodir").exit_code == 0
    answers = [
        post(client, "/api/token/", username="Anvar", password="wrong-password-1"),
        post(client, "/api/token/", username="Nobody", password=PASSWORD),
        post(client, "/api/token/", username="Nodir", password=PASSWORD),
        post(client, "/api/token/", username="Anvar", password="x" * 50_000),
    ]
    for answer in answers:
        assert (answer.status_code, body(answer)) == (401, NO_ACCOUNT)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    assert len({answer.data for answer in answers}) == 1


def test_an_unknown_user_takes_as_long_as_a_wrong_password(client: FlaskClient, anvar: User) -> None:
    def seconds(name: str) -> float:
        start = time.perf_counter()
        assert post(client, "/api/token/", username=name, password="wrong-password-1").status_code == 401
        return time.perf_counter() - start

    seconds("warm-up")
    measured = [(seconds("Anvar"), seconds("Nobody")) for _ in range(9)]
    known, unknown = (statistics.median(column) for column in zip(*measured, strict=True))
    assert 0.5 < known / unknown < 2


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, {"username": ["This field is required."], "password": ["This field is required."]}),
        ({"username": "Anvar"}, {"password": ["This field is required."]}),
        (
            {"username": "", "password": ""},
            {n: ["This field may not be blank."] for n in ("username", "password")},
        ),
        (
            {"username": None, "password": None},
            {n: ["This field may not be null."] for n in ("username", "password")},
        ),
        (
            {"username": ["a"], "password": {"a": 1}},
            {n: ["Not a valid string."] for n in ("username", "password")},
        ),
        (
            {"username": True, "password": False},
            {n: ["Not a valid string."] for n in ("username", "password")},
        ),
        (
            {"username": "a\x00b", "password": "c\x00d"},
            {n: ["Null characters are not allowed."] for n in ("username", "password")},
        ),
    ],
)
def test_malformed_credentials(client: FlaskClient, sent: dict[str, Any], expected: dict[str, Any]) -> None:
    answer = client.post("/api/token/", json=sent)
    assert (answer.status_code, body(answer)) == (400, expected)


def test_a_lone_surrogate_is_a_client_error(client: FlaskClient) -> None:
    raw = rb'{"username": "\ud800", "password": "\udfff"}'
    answer = client.post("/api/token/", data=raw, content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_other_methods_are_refused(client: FlaskClient, method: str) -> None:
    answer = getattr(client, method)("/api/token/")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_the_authorization_header_does_not_matter(client: FlaskClient, anvar: User) -> None:
    answer = client.post(
        "/api/token/", json={"username": "Anvar", "password": PASSWORD}, headers=bearer("expired-long-ago")
    )
    assert answer.status_code == 200


def test_failed_attempts_are_limited_and_a_success_is_not(
    make_app: Any, make_user: MakeUser, anvar: User
) -> None:
    client = make_app(ratelimit_signin="3/15 minutes").test_client()
    for _ in range(5):
        assert post(client, "/api/token/", username="Anvar", password=PASSWORD).status_code == 200
    spellings = ["Anvar", "ANVAR", "anvar"]
    for name in spellings:
        assert post(client, "/api/token/", username=name, password="wrong-password-1").status_code == 401
    answer = post(client, "/api/token/", username="Anvar", password=PASSWORD)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_a_sign_in_is_noted_and_an_old_hash_is_replaced(
    app: Flask, client: FlaskClient, make_user: MakeUser
) -> None:
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    user = make_user("Nodir")
    with app.app_context(), write_transaction():
        db.session.get_one(User, user.id).password_hash = old
    for _ in range(2):
        assert post(client, "/api/token/", username="Nodir", password=PASSWORD).status_code == 200
    with app.app_context():
        after = db.session.get_one(User, user.id)
        assert after.last_sign_in_at is not None
        assert after.password_hash.startswith("$argon2id$")
        assert "m=19456,t=2,p=1" in after.password_hash
