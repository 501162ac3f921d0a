"""Who asks, and what they may do.

Identification is soft: it never ends a request, so that the limiter, which runs after it, counts requests
with bad tokens, too (by address). :func:`check_identity` then refuses them, also where anyone may read.
"""

from __future__ import annotations

import hashlib
import time

from flask import Flask, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from ecatalog.auth.models import Role, SignedIn
from ecatalog.auth.tokens import ACCESS, Claims, TokenError, check_user, init_tokens, read_token
from ecatalog.config import Settings
from ecatalog.errors import NotAuthenticated, PermissionDenied
from ecatalog.first_look import FirstLook, current_first_look
from ecatalog.memory import Memory
from ecatalog.ops.caller import path_is_known
from ecatalog.single_read import Row

__all__ = [
    "Role",
    "check_identity",
    "current_user",
    "identify",
    "init_auth",
    "require_admin",
    "require_user",
    "require_writer",
]

# Here the header is not looked at: a client with an expired token must be able to get a new one, and the docs
# and the health check are for anyone and need no database.
_HEADER_IGNORED_BELOW = ("/api/token/", "/api/schema/", "/api/docs/", "/api/redoc/")
_MOST_REMEMBERED = 2048  # access tokens, some 400 bytes each
_EXTENSION = "ecatalog_read_tokens"
_HEALTH = "/api/v1/"
LOOK_FAILED = "ecatalog.look_failed"  # in a request's environment: how the database refused a look already


def init_auth(app: Flask, settings: Settings) -> None:
    """Configure tokens and identify the user before each request; comes before the step of the limits."""
    init_tokens(app, settings)
    app.extensions[_EXTENSION] = Memory[Claims](_MOST_REMEMBERED)
    app.before_request(identify)


def identify() -> None:
    """Store the user of the request in ``g.user``, or what is wrong with its token in ``g.auth_error``."""
    g.user = None
    g.auth_error = None
    if not path_is_known() or not _reads_header(request.path):
        return
    if LOOK_FAILED in request.environ:  # whoever waits for a database that is away waits once
        g.auth_error = request.environ[LOOK_FAILED]
        return
    try:
        g.user = _user_of_header(request.headers.get("Authorization", ""))
    except (NotAuthenticated, SQLAlchemyError) as error:
        g.auth_error = error


def check_identity() -> None:
    """Raise what is wrong with the request's token, if anything is."""
    error: Exception | None = g.get("auth_error")
    if error is not None:
        raise error


def current_user() -> SignedIn | None:
    """The signed-in user; None for an anonymous request."""
    user: SignedIn | None = g.get("user")
    return user


def require_user() -> SignedIn:
    """The signed-in user; raises NotAuthenticated."""
    check_identity()
    user = current_user()
    if user is None:
        raise NotAuthenticated
    return user


def require_writer() -> SignedIn:
    """The signed-in user who may write; raises NotAuthenticated or PermissionDenied."""
    user = require_user()
    if not user.may_write:
        raise PermissionDenied
    return user


def require_admin() -> SignedIn:
    """The signed-in admin; raises NotAuthenticated or PermissionDenied."""
    user = require_user()
    if not user.is_admin:
        raise PermissionDenied
    return user


def _reads_header(path: str) -> bool:
    return path.startswith("/api/") and path != _HEALTH and not path.startswith(_HEADER_IGNORED_BELOW)


def token_of(header: str) -> str | None:
    """The token of an ``Authorization`` header; None without one of ours. Raises NotAuthenticated."""
    parts = header.split()
    if not parts or parts[0].lower() != "bearer":
        return None
    if len(parts) != 2:
        detail = "Authorization header must contain two space-delimited values"
        raise NotAuthenticated(body={"detail": detail, "code": "bad_authorization_header"})
    return parts[1]


def _user_of_header(header: str) -> SignedIn | None:
    """The user of an ``Authorization`` header; None without one of ours. Raises NotAuthenticated."""
    text = token_of(header)
    if text is None:
        return None
    try:
        claims = _read_access_token(text)
        user, g.first_look_rows = look_at_holder(current_first_look(), claims)
        return user
    except TokenError as error:
        raise _bad_header_token(error) from error


def look_at_holder(first_look: FirstLook, claims: Claims) -> tuple[SignedIn, list[Row]]:
    """The user that the claims are about, and the rows that were looked at with it. Raises TokenError."""
    row, rows = first_look.row_and_rows(claims.user_id)
    return check_user(claims, None if row is None else SignedIn(*row)), rows


def _read_access_token(text: str) -> Claims:
    """As :func:`ecatalog.auth.tokens.read_token`, with the signature checked once and remembered."""
    claims = remembered_claims(current_app, text)
    if claims is None:
        claims = read_token(text, ACCESS)
        _read_tokens(current_app).put(_digest(text), claims)
    return claims


def remembered_claims(app: Flask, text: str) -> Claims | None:
    """What an access token says whose signature has been found good before; None once it has expired.

    What a good token says never changes. Whether its user may still use it is another question, asked of the
    database each time.
    """
    claims = _read_tokens(app).get(_digest(text))
    return None if claims is None or claims.expires_at <= time.time() else claims


def _read_tokens(app: Flask) -> Memory[Claims]:
    memory: Memory[Claims] = app.extensions[_EXTENSION]
    return memory


def _digest(text: str) -> bytes:
    """The memory's key, so that it holds no token itself."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()


def _bad_header_token(error: TokenError) -> NotAuthenticated:
    message = {"token_class": "AccessToken", "token_type": ACCESS, "message": error.message}
    return NotAuthenticated(
        body={
            "detail": "Given token not valid for any token type",
            "code": "token_not_valid",
            "messages": [message],
        }
    )
