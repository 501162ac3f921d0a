"""Access and refresh tokens: issuing, reading, rotation with reuse detection, revocation, cleaning up.

Access tokens are stateless but for one look-up of their user. Refresh tokens are rows: each is used once, and
the tokens that descend from one sign-in form a family. Nothing here commits, except where it says so.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from flask import Flask, current_app
from flask_jwt_extended import create_access_token, create_refresh_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import ExpiredSignatureError, PyJWTError
from sqlalchemy.orm import InstrumentedAttribute

from ecatalog.auth import events
from ecatalog.auth.events import Action, Reason
from ecatalog.auth.models import RefreshFamily, RefreshToken, SignedIn, User
from ecatalog.config import Settings
from ecatalog.database import UTCDateTime, utc_now, write_transaction
from ecatalog.extensions import db, jwt
from ecatalog.fields import INT64_MAX

log = logging.getLogger(__name__)

ACCESS = "access"
REFRESH = "refresh"

GRACE = timedelta(seconds=10)  # two tabs, or an answer lost on a phone: the old token is answered once more
MAX_TOKEN_CHARACTERS = 4096  # ours have some 400

Holder = TypeVar("Holder", User, SignedIn)
_CLEANING_MARGIN = timedelta(hours=1)  # rows outlive their tokens: hosts' clocks may differ


class TokenError(Exception):
    """A token is not good; the message is one of simplejwt's, which clients know."""

    INVALID = "Token is invalid"
    EXPIRED = "Token is expired"
    WRONG_TYPE = "Token has wrong type"

    def __init__(self, message: str = INVALID) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Claims:
    """What a good token says."""

    user_id: int
    kind: str
    jti: str
    generation: int
    expires_at: float  # seconds since 1970


@dataclass(frozen=True)
class TokenPair:
    access: str
    refresh: str


def init_tokens(app: Flask, settings: Settings) -> None:
    """Configure Flask-JWT-Extended: HS256 and nothing else, tokens from our own readers only."""
    app.config.update(
        JWT_SECRET_KEY=settings.secret_key,
        JWT_ALGORITHM="HS256",
        JWT_DECODE_ALGORITHMS=["HS256"],
        JWT_TOKEN_LOCATION=["headers"],
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(minutes=settings.jwt_access_minutes),
        JWT_REFRESH_TOKEN_EXPIRES=timedelta(days=settings.jwt_refresh_days),
        JWT_ENCODE_NBF=False,
        JWT_COOKIE_CSRF_PROTECT=False,  # no cookies, so no claim for them in every token
    )
    jwt.init_app(app)


def read_token(text: str, kind: str | None = None) -> Claims:
    """The claims of a token whose signature, life and kind are good; nothing is looked up.

    Raises TokenError. ``kind`` None takes both kinds.
    """
    if len(text) > MAX_TOKEN_CHARACTERS:
        raise TokenError
    try:
        data = decode_token(text)
    except ExpiredSignatureError as error:
        raise TokenError(TokenError.EXPIRED) from error
    except (PyJWTError, JWTExtendedException, ValueError, TypeError, OverflowError) as error:
        raise TokenError from error
    claims = _claims(data)
    if kind is not None and claims.kind != kind:
        raise TokenError(TokenError.WRONG_TYPE)
    return claims


def _claims(data: dict[str, Any]) -> Claims:
    """Raises TokenError for claims that are signed with our key, but not by this code."""
    user_id, generation, kind, jti = (data.get(name) for name in ("user_id", "gen", "token_type", "jti"))
    if type(user_id) is not int or not 0 < user_id <= INT64_MAX or data.get("sub") != str(user_id):
        raise TokenError
    if type(generation) is not int or kind not in (ACCESS, REFRESH) or type(jti) is not str:
        raise TokenError
    try:
        expires_at = float(data["exp"])
    except (KeyError, OverflowError) as error:  # that it has not expired was seen already
        raise TokenError from error
    return Claims(user_id, kind, jti, generation, expires_at)


def check_user(claims: Claims, user: Holder | None) -> Holder:
    """The user that the claims are about, if the token still counts. Raises TokenError."""
    if user is None:
        raise TokenError("User not found")
    if not user.is_active:
        raise TokenError("User is inactive")
    if user.token_generation != claims.generation:
        raise TokenError
    return user


def start_family(user: User) -> TokenPair:
    """Tokens of a new sign-in."""
    now = utc_now()
    family = RefreshFamily(
        id=str(uuid.uuid4()), user_id=user.id, created_at=now, expires_at=now + _refresh_life()
    )
    db.session.add(family)
    db.session.flush()
    return _issue(user, family.id, family.expires_at)


def rotate(refresh_token: str) -> TokenPair:
    """Exchange a refresh token for a fresh pair. Commits, also when it raises TokenError.

    The second use within GRACE is answered like the first; any other one revokes the family.
    """
    claims = read_token(refresh_token, REFRESH)
    with write_transaction():
        user = check_user(claims, db.session.get(User, claims.user_id))
        pair = _rotate_in_transaction(claims, user)
    if pair is None:  # raised out here: the revocation must be committed
        raise TokenError
    return pair


def _rotate_in_transaction(claims: Claims, user: User) -> TokenPair | None:
    now = utc_now()
    # One statement decides: parallel uses queue at the row, and each sees what the one before it left.
    used = (
        sa.update(RefreshToken)
        .where(
            RefreshToken.jti == claims.jti,
            sa.or_(
                RefreshToken.uses == 0,
                sa.and_(RefreshToken.uses == 1, RefreshToken.first_used_at >= now - GRACE),
            ),
        )
        .values(
            uses=RefreshToken.uses + 1,
            first_used_at=sa.func.coalesce(RefreshToken.first_used_at, sa.literal(now, UTCDateTime)),
        )
        .returning(RefreshToken.family_id)
    )
    family_id = db.session.scalar(used)
    if family_id is None:
        _revoke_for_reuse(claims, user)
        return None
    expires_at = now + _refresh_life()
    extended = (
        sa.update(RefreshFamily)
        .where(
            RefreshFamily.id == family_id,
            RefreshFamily.user_id == user.id,
            RefreshFamily.revoked_at.is_(None),
        )
        .values(expires_at=expires_at)
        .returning(RefreshFamily.id)
    )
    if db.session.scalar(extended) is None:
        return None
    return _issue(user, family_id, expires_at)


def _revoke_for_reuse(claims: Claims, user: User) -> None:
    family_id = _revoke_family_of(claims)
    if family_id is not None:
        events.record(Action.TOKENS_REVOKED, user, reason=Reason.REUSED, family=family_id)
        log.warning(
            "refresh token used again: all tokens of its sign-in are revoked",
            extra={"user_id": claims.user_id, "refresh_family": family_id},
        )


def revoke(refresh_token: str) -> None:
    """Sign out: revoke the family of a refresh token. Raises TokenError; call inside a write transaction."""
    claims = read_token(refresh_token, REFRESH)
    user = check_user(claims, db.session.get(User, claims.user_id))
    family_id = _revoke_family_of(claims)
    if family_id is None:
        raise TokenError
    events.record(Action.TOKENS_REVOKED, user, reason=Reason.SIGNED_OUT, family=family_id)


def _revoke_family_of(claims: Claims) -> str | None:
    """Revoke the family; its id, or None when there is no such token or its family was revoked before."""
    family = sa.select(RefreshToken.family_id).where(RefreshToken.jti == claims.jti).scalar_subquery()
    return db.session.scalar(
        sa.update(RefreshFamily)
        .where(
            RefreshFamily.id == family,
            RefreshFamily.user_id == claims.user_id,
            RefreshFamily.revoked_at.is_(None),
        )
        .values(revoked_at=utc_now())
        .returning(RefreshFamily.id)
    )


def verify(token: str) -> None:
    """Return if a token of either kind would be taken now; raise TokenError if not."""
    claims = read_token(token)
    check_user(claims, db.session.get(User, claims.user_id))
    if claims.kind == REFRESH and not _refresh_is_usable(claims):
        raise TokenError


def _refresh_is_usable(claims: Claims) -> bool:
    query = (
        sa.select(RefreshToken.uses, RefreshToken.first_used_at)
        .join(RefreshFamily, RefreshFamily.id == RefreshToken.family_id)
        .where(
            RefreshToken.jti == claims.jti,
            RefreshFamily.user_id == claims.user_id,
            RefreshFamily.revoked_at.is_(None),
        )
    )
    row = db.session.execute(query).one_or_none()
    if row is None:
        return False
    return bool(row.uses == 0 or (row.uses == 1 and row.first_used_at >= utc_now() - GRACE))


def clean_expired(batch: int = 1000) -> tuple[int, int]:
    """Delete expired refresh tokens and families, ``batch`` rows a transaction: sign-ins never wait long.

    Commits. Returns how many (tokens, families) went.
    """
    before = utc_now() - _CLEANING_MARGIN
    tokens = _delete_expired(RefreshToken, RefreshToken.jti, before, batch)
    return tokens, _delete_expired(RefreshFamily, RefreshFamily.id, before, batch)


def _delete_expired(
    model: type[RefreshToken | RefreshFamily], key: InstrumentedAttribute[str], before: datetime, batch: int
) -> int:
    total = 0
    while True:
        with write_transaction():
            expired = sa.select(key).where(model.expires_at < before).order_by(model.expires_at).limit(batch)
            keys = db.session.scalars(expired).all()
            # The bound stands in the DELETE, too: a family may have been prolonged since it was read.
            db.session.execute(sa.delete(model).where(key.in_(keys), model.expires_at < before))
        total += len(keys)
        if len(keys) < batch:
            return total


def _issue(user: User, family_id: str, expires_at: datetime) -> TokenPair:
    jti = str(uuid.uuid4())
    db.session.add(RefreshToken(jti=jti, family_id=family_id, expires_at=expires_at))
    # user_id and token_type are what clients of DRF's simplejwt read.
    claims = {"user_id": user.id, "gen": user.token_generation}
    identity = str(user.id)
    return TokenPair(
        access=create_access_token(identity, additional_claims={**claims, "token_type": ACCESS}),
        refresh=create_refresh_token(
            identity, additional_claims={**claims, "token_type": REFRESH, "jti": jti}
        ),
    )


def _refresh_life() -> timedelta:
    life: timedelta = current_app.config["JWT_REFRESH_TOKEN_EXPIRES"]
    return life
