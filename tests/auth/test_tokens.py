"""Access and refresh tokens through HTTP: what is taken, what is refused, and how."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token, create_refresh_token

from ecatalog.auth.models import User
from ecatalog.config import Settings
from ecatalog.database import write_transaction
from ecatalog.extensions import db
from tests.auth.conftest import Pair, Run, bearer, body, post
from tests.conftest import MakeUser

INVALID = {"detail": "Token is invalid", "code": "token_not_valid"}
WRONG_TYPE = {"detail": "Token has wrong type", "code": "token_not_valid"}
READABLE_BY_ANYONE = "/api/v1/project/"


def header_error(message: str) -> dict[str, Any]:
    return {
        "detail": "Given token not valid for any token type",
        "code": "token_not_valid",
        "messages": [{"token_class": "AccessToken", "token_type": "access", "message": message}],
    }


def assert_header_refused(client: FlaskClient, token: str, message: str = "Token is invalid") -> None:
    """Also where no token is needed: a client must learn that its token has died."""
    answer = client.get(READABLE_BY_ANYONE, headers=bearer(token))
    assert (answer.status_code, body(answer)) == (401, header_error(message))
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def unsigned(token: str, secret: str) -> str:
    return f"{segment({'alg': 'none', 'typ': 'JWT'})}.{segment(claims_of(token))}."


def unsigned_in_capitals(token: str, secret: str) -> str:
    return f"{segment({'alg': 'NONE', 'typ': 'JWT'})}.{segment(claims_of(token))}."


def of_another_key(token: str, secret: str) -> str:
    return jwt.encode(claims_of(token), "another key that is quite long enough for HS256", "HS256")


def of_another_algorithm(token: str, secret: str) -> str:
    return jwt.encode(claims_of(token), secret, "HS512")


def of_another_user(token: str, secret: str) -> str:
    header, _payload, signature = token.split(".")
    return ".".join([header, segment(claims_of(token) | {"user_id": 1, "sub": "1", "exp": 2**31}), signature])


def without_signature(token: str, secret: str) -> str:
    return token.rsplit(".", 1)[0] + "."


def without_our_claims(token: str, secret: str) -> str:
    return jwt.encode({"sub": "1", "exp": time.time() + 60}, secret, "HS256")


def with_claims(**claims: Any) -> Callable[[str, str], str]:
    """Signed with our key, as by another program that has the same one."""

    def forge(token: str, secret: str) -> str:
        return jwt.encode(claims_of(token) | claims, secret, "HS256")

    forge.__name__ = " ".join(f"{name}={str(value)[:20]}" for name, value in claims.items())
    return forge


def with_a_nested_header(token: str, secret: str) -> str:
    nested = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 2500).rstrip(b"=").decode()
    return nested + "." + token.split(".", 1)[1]


def very_long(token: str, secret: str) -> str:
    return token + "A" * 6000


def garbage(token: str, secret: str) -> str:
    return "not-a-token"


FORGERIES = [
    unsigned,
    unsigned_in_capitals,
    of_another_key,
    of_another_algorithm,
    of_another_user,
    without_signature,
    without_our_claims,
    with_a_nested_header,
    very_long,
    garbage,
    with_claims(user_id=2**70, sub=str(2**70)),
    with_claims(user_id=-1, sub="-1"),
    with_claims(user_id=True, sub="1"),
    with_claims(user_id="1"),
    with_claims(user_id=1.0, sub="1.0"),
    with_claims(user_id=None),
    with_claims(sub="4711"),
    with_claims(exp=10**400),
    with_claims(exp="never"),
    with_claims(gen="1"),
    with_claims(gen=2**70),
    with_claims(jti=[1]),
    with_claims(token_type="Access"),
    with_claims(token_type={"a": 1}),
]


def test_a_refresh_token_in_the_name_of_another_user(
    client: FlaskClient, pair: Pair, settings: Settings, make_user: MakeUser
) -> None:
    other = make_user("Bahor")
    forged = with_claims(user_id=other.id, sub=str(other.id))(pair["refresh"], settings.secret_key)
    for path, member in (("refresh", "refresh"), ("verify", "token"), ("logout", "refresh")):
        assert (post(client, f"/api/token/{path}/", **{member: forged}).status_code) == 401
    assert post(client, "/api/token/refresh/", refresh=pair["refresh"]).status_code == 200


@pytest.mark.parametrize("forge", FORGERIES)
def test_forged_tokens_are_refused_everywhere(
    client: FlaskClient, pair: Pair, settings: Settings, forge: Callable[[str, str], str]
) -> None:
    assert_header_refused(client, forge(pair["access"], settings.secret_key))
    forged = forge(pair["refresh"], settings.secret_key)
    for path, member in (("refresh", "refresh"), ("verify", "token"), ("logout", "refresh")):
        answer = post(client, f"/api/token/{path}/", **{member: forged})
        assert (answer.status_code, body(answer)) == (401, INVALID)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_refresh_token_is_no_access_token(client: FlaskClient, pair: Pair) -> None:
    assert_header_refused(client, pair["refresh"], "Token has wrong type")


def test_an_access_token_is_no_refresh_token(client: FlaskClient, pair: Pair) -> None:
    for path in ("refresh", "logout"):
        answer = post(client, f"/api/token/{path}/", refresh=pair["access"])
        assert (answer.status_code, body(answer)) == (401, WRONG_TYPE)


def test_expired_tokens_are_refused(app: Flask, client: FlaskClient, anvar: User) -> None:
    claims = {"user_id": anvar.id, "gen": 1}
    past = timedelta(seconds=-1)
    with app.app_context():
        access = create_access_token(
            "1", additional_claims={**claims, "token_type": "access"}, expires_delta=past
        )
        refresh = create_refresh_token(
            "1", additional_claims={**claims, "token_type": "refresh"}, expires_delta=past
        )
    assert_header_refused(client, access, "Token is expired")
    assert body(post(client, "/api/token/refresh/", refresh=refresh)) == INVALID
    assert body(post(client, "/api/token/verify/", token=access)) == INVALID


def test_verify_takes_both_kinds(client: FlaskClient, pair: Pair) -> None:
    for token in pair.values():
        answer = post(client, "/api/token/verify/", token=token)
        assert (answer.status_code, body(answer)) == (200, {})


def test_verify_uses_nothing_up(client: FlaskClient, pair: Pair) -> None:
    for _ in range(5):
        assert post(client, "/api/token/verify/", token=pair["refresh"]).status_code == 200
    assert post(client, "/api/token/refresh/", refresh=pair["refresh"]).status_code == 200


@pytest.mark.parametrize(
    ("path", "member"), [("refresh", "refresh"), ("verify", "token"), ("logout", "refresh")]
)
@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({}, "This field is required."),
        ({"value": ""}, "This field may not be blank."),
        ({"value": None}, "This field may not be null."),
        ({"value": ["a"]}, "Not a valid string."),
        ({"value": "a\x00b"}, "Null characters are not allowed."),
    ],
)
def test_malformed_bodies(
    client: FlaskClient, path: str, member: str, sent: dict[str, Any], message: str
) -> None:
    answer = post(client, f"/api/token/{path}/", **({member: sent["value"]} if sent else {}))
    assert (answer.status_code, body(answer)) == (400, {member: [message]})


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "bearer  a  b"])
def test_a_malformed_header_is_refused(client: FlaskClient, header: str) -> None:
    answer = client.get(READABLE_BY_ANYONE, headers={"Authorization": header})
    assert answer.status_code == 401
    assert body(answer) == {
        "detail": "Authorization header must contain two space-delimited values",
        "code": "bad_authorization_header",
    }


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Token abc", "bearer:abc"])
def test_other_schemes_count_as_anonymous(client: FlaskClient, header: str) -> None:
    headers = {"Authorization": header}
    assert client.get(READABLE_BY_ANYONE, headers=headers).status_code == 200
    answer = client.get("/api/v1/client/", headers=headers)
    assert answer.status_code == 401
    assert body(answer) == {"detail": "Authentication credentials were not provided."}
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_letter_case_of_the_scheme_does_not_count(client: FlaskClient, pair: Pair, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {pair['access']}"}
    assert client.get("/api/v1/client/", headers=headers).status_code == 200


def test_the_health_check_ignores_a_bad_token(client: FlaskClient) -> None:
    assert client.get("/api/v1/", headers=bearer("bad")).status_code == 200


def test_requests_with_a_bad_token_count_by_address(make_app: Any) -> None:
    client = make_app(ratelimit_anon="3/hour").test_client()
    statuses = [client.get(READABLE_BY_ANYONE, headers=bearer("bad")).status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


def test_a_disabled_user_is_out_at_once(client: FlaskClient, pair: Pair, run: Run) -> None:
    assert run("user", "disable", "Anvar").exit_code == 0
    assert_header_refused(client, pair["access"], "User is inactive")
    for token in pair.values():
        assert body(post(client, "/api/token/verify/", token=token)) == INVALID
    assert body(post(client, "/api/token/refresh/", refresh=pair["refresh"])) == INVALID
    assert run("user", "enable", "Anvar").exit_code == 0
    assert_header_refused(client, pair["access"])  # what was issued before stays dead
    assert body(post(client, "/api/token/refresh/", refresh=pair["refresh"])) == INVALID


def test_a_new_password_ends_all_tokens(client: FlaskClient, pair: Pair, run: Run) -> None:
    new = "nok-daraxti-88"
    assert run("user", "password", "Anvar", "--password-stdin", input=new).exit_code == 0
    assert_header_refused(client, pair["access"])
    assert body(post(client, "/api/token/refresh/", refresh=pair["refresh"])) == INVALID
    assert post(client, "/api/token/", username="Anvar", password=new).status_code == 200


def test_tokens_of_a_deleted_user_are_refused(
    app: Flask, client: FlaskClient, make_user: MakeUser, auth: Callable[..., dict[str, str]]
) -> None:
    user = make_user("Nodir")
    token = auth(user=user)["Authorization"].split()[1]
    with app.app_context(), write_transaction():
        db.session.delete(db.session.get_one(User, user.id))
    assert_header_refused(client, token, "User not found")


def test_roles(client: FlaskClient, auth: Callable[..., dict[str, str]]) -> None:
    row = {"name": "Bozor"}
    for role, expected in (("viewer", 403), ("editor", 201), ("admin", 201)):
        headers = auth(role)
        assert client.get("/api/v1/client/", headers=headers).status_code == 200
        answer = client.post("/api/v1/project/", json={**row, "code_1c": role}, headers=headers)
        assert answer.status_code == expected
        if expected == 403:
            assert body(answer) == {"detail": "You do not have permission to perform this action."}
    assert client.post("/api/v1/project/", json={**row, "code_1c": "x"}).status_code == 401


def test_a_new_role_acts_at_once(client: FlaskClient, pair: Pair, run: Run) -> None:
    headers = bearer(pair["access"])
    assert run("user", "role", "Anvar", "viewer").exit_code == 0
    answer = client.post("/api/v1/project/", json={"code_1c": "1", "name": "Bozor"}, headers=headers)
    assert answer.status_code == 403
    assert run("user", "role", "Anvar", "editor").exit_code == 0
    answer = client.post("/api/v1/project/", json={"code_1c": "1", "name": "Bozor"}, headers=headers)
    assert answer.status_code == 201
