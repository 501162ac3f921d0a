"""``/api/token/``: sign in, refresh, verify, sign out. Shapes are those of DRF's simplejwt."""

from __future__ import annotations

from typing import Any

from ecatalog.auth import tokens
from ecatalog.auth.models import name_key
from ecatalog.auth.schemas import AnyToken, Credentials, Nothing, RefreshBody, TokenPairSchema
from ecatalog.auth.sign_in import BadCredentialsError, sign_in
from ecatalog.auth.tokens import TokenError, TokenPair
from ecatalog.database import write_transaction
from ecatalog.errors import NotAuthenticated
from ecatalog.ops.limits import signin_attempt
from ecatalog.smorest import Blueprint

BAD_CREDENTIALS = "No active account found with the given credentials"

_PAIR = {"access": "eyJhbGciOiJIUzI1NiI…", "refresh": "eyJhbGciOiJIUzI1NiI…"}
_TOKEN = "eyJhbGciOiJIUzI1NiI…"

blp = Blueprint("auth", __name__, url_prefix="/api/token", description="Sign in and out. Tokens are JWTs.")


def _bad_token(error: TokenError) -> NotAuthenticated:
    detail = error.message if error.message == TokenError.WRONG_TYPE else TokenError.INVALID
    return NotAuthenticated(body={"detail": detail, "code": "token_not_valid"})


@blp.route("/", methods=["POST"])
@blp.doc(security=[])
@blp.errors(401, 413, 415, 503)
@blp.arguments(Credentials, example={"username": "anvar", "password": "olma-daraxti-7"})
@blp.response(200, TokenPairSchema, example=_PAIR)
def obtain(body: dict[str, Any]) -> TokenPair:
    """Sign in

    Exchanges a user name (in any letter case) and password for an access and a refresh token. Failed attempts
    are limited by user name and address, and by address.
    """
    with signin_attempt(name_key(body["username"])):
        try:
            return sign_in(body["username"], body["password"])
        except BadCredentialsError as error:
            raise NotAuthenticated(BAD_CREDENTIALS) from error


@blp.route("/refresh/", methods=["POST"])
@blp.doc(security=[])
@blp.errors(401, 413, 415, 503)
@blp.arguments(RefreshBody, example={"refresh": _TOKEN})
@blp.response(200, TokenPairSchema, example=_PAIR)
def refresh(body: dict[str, Any]) -> TokenPair:
    """Refresh

    Exchanges a refresh token for a fresh pair. A refresh token is good for one use; for ten seconds after it,
    it is answered once more. Any other use ends all tokens that descend from the same sign-in.
    """
    try:
        return tokens.rotate(body["refresh"])
    except TokenError as error:
        raise _bad_token(error) from error


@blp.route("/verify/", methods=["POST"])
@blp.doc(security=[])
@blp.errors(401, 413, 415, 503)
@blp.arguments(AnyToken, example={"token": _TOKEN})
@blp.response(200, Nothing, example={})
def verify(body: dict[str, Any]) -> dict[str, Any]:
    """Verify

    Tells whether an access or refresh token would be taken now. Uses nothing up.
    """
    try:
        tokens.verify(body["token"])
    except TokenError as error:
        raise _bad_token(error) from error
    return {}


@blp.route("/logout/", methods=["POST"])
@blp.doc(security=[])
@blp.errors(401, 413, 415, 503)
@blp.arguments(RefreshBody, example={"refresh": _TOKEN})
@blp.response(200, Nothing, example={})
def logout(body: dict[str, Any]) -> dict[str, Any]:
    """Sign out

    Ends the refresh token and every other one that descends from the same sign-in. Access tokens live on
    until they expire.
    """
    try:
        with write_transaction():
            tokens.revoke(body["refresh"])
    except TokenError as error:
        raise _bad_token(error) from error
    return {}
