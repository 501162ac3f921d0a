"""``/api/token/``: sign in, refresh, verify, sign out. Shapes are those of DRF's simplejwt."""

from __future__ import annotations

from typing import Any

from ecatalog.auth import tokens
from ecatalog.auth.access import Access, access
from ecatalog.auth.models import name_key
from ecatalog.auth.schemas import AnyToken, Credentials, Nothing, RefreshBody, Refusal, TokenPairSchema
from ecatalog.auth.sign_in import BadCredentialsError, sign_in
from ecatalog.auth.tokens import TokenError, TokenPair
from ecatalog.database import write_transaction
from ecatalog.errors import NotAuthenticated
from ecatalog.openapi.components import header_references
from ecatalog.ops.limits import signin_attempt
from ecatalog.smorest import Blueprint

BAD_CREDENTIALS = "No active account found with the given credentials"

_EXAMPLE_JWT = "eyJhbGciOiJIUzI1NiI…"
_PAIR = {"access": _EXAMPLE_JWT, "refresh": _EXAMPLE_JWT}
_NO_ACCOUNT = {"detail": BAD_CREDENTIALS}

blp = Blueprint("auth", __name__, url_prefix="/api/token", description="Sign in and out. Tokens are JWTs.")

_CHALLENGE = header_references("WWW-Authenticate")

_refuses_bad_tokens = blp.alt_response(
    401,
    schema=Refusal,
    examples={
        "invalid": {"value": {"detail": TokenError.INVALID, "code": "token_not_valid"}},
        "wrong_kind": {"value": {"detail": TokenError.WRONG_TYPE, "code": "token_not_valid"}},
    },
    headers=_CHALLENGE,
    description="The token is forged, expired, revoked, or of the wrong kind.",
)


def _bad_token(error: TokenError) -> NotAuthenticated:
    detail = error.message if error.message == TokenError.WRONG_TYPE else TokenError.INVALID
    return NotAuthenticated(body={"detail": detail, "code": "token_not_valid"})


@blp.route("/", methods=["POST"])
@access(Access.PUBLIC)
@blp.errors(413, 415, 503)
@blp.doc(operationId="token_obtain")
@blp.body_examples(user={"username": "anvar", "password": "olma-daraxti-7"})  # pragma: allowlist secret
@blp.arguments(Credentials)
@blp.response(200, TokenPairSchema, description="Signed in.", example=_PAIR)
@blp.alt_response(
    401, schema=Refusal, example=_NO_ACCOUNT, headers=_CHALLENGE, description="No active user has these."
)
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
@access(Access.PUBLIC)
@blp.errors(413, 415, 503)
@blp.doc(operationId="token_refresh")
@blp.body_examples(token={"refresh": _EXAMPLE_JWT})
@blp.arguments(RefreshBody)
@blp.response(200, TokenPairSchema, description="A fresh pair.", example=_PAIR)
@_refuses_bad_tokens
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
@access(Access.PUBLIC)
@blp.errors(413, 415, 503)
@blp.doc(operationId="token_verify")
@blp.body_examples(token={"token": _EXAMPLE_JWT})
@blp.arguments(AnyToken)
@blp.response(200, Nothing, description="The token is good.", example={})
@_refuses_bad_tokens
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
@access(Access.PUBLIC)
@blp.errors(413, 415, 503)
@blp.doc(operationId="token_logout")
@blp.body_examples(token={"refresh": _EXAMPLE_JWT})
@blp.arguments(RefreshBody)
@blp.response(200, Nothing, description="Signed out.", example={})
@_refuses_bad_tokens
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
