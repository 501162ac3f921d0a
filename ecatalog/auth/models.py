"""Tables of sign-in: users, refresh tokens by family, and what happened to both."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ecatalog.database import BigId, JSONType, UTCDateTime, utc_now
from ecatalog.extensions import Model

MAX_NAME_CHARACTERS = 150


class Role(StrEnum):
    """What a user may do. Each role may do all that the ones before it may."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    @property
    def may_write(self) -> bool:
        return self is not Role.VIEWER


def name_key(name: str) -> str:
    """The form in which user names are compared: ``Anvar``, ``ANVAR`` and ``anvar`` are one user.

    Of what is far too long for a name it is a digest, which no user has: normalising takes time by the square
    of the marks on one letter.
    """
    if len(name) > 4 * MAX_NAME_CHARACTERS:  # they may shrink
        return f"# {hashlib.sha256(name.encode(errors='replace')).hexdigest()}"
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name.strip()).casefold())


@dataclass(frozen=True)
class SignedIn:
    """What a request needs to know of its user, as plain values outside any session."""

    id: int
    name: str
    role: str
    is_active: bool
    token_generation: int

    @property
    def may_write(self) -> bool:
        return Role(self.role).may_write

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN


class User(Model):
    """A person or program that signs in."""

    __tablename__ = "app_user"  # "user" is a reserved word of PostgreSQL
    __table_args__ = (
        sa.CheckConstraint("role IN ('viewer', 'editor', 'admin')", name="role_known"),
        sa.UniqueConstraint("name_key"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(MAX_NAME_CHARACTERS))
    name_key: Mapped[str] = mapped_column(sa.String(3 * MAX_NAME_CHARACTERS))  # casefolding may lengthen
    role: Mapped[str] = mapped_column(sa.String(10), default=Role.VIEWER.value)
    password_hash: Mapped[str] = mapped_column(sa.String(255))
    is_active: Mapped[bool] = mapped_column(default=True)
    # Every token carries the generation it was issued in; raising it ends them all at once.
    token_generation: Mapped[int] = mapped_column(sa.Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


# What the first look reads of a user, in the order of SignedIn's fields.
SIGNED_IN_COLUMNS: tuple[Any, ...] = tuple(User.__table__.c[part.name] for part in fields(SignedIn))


class RefreshFamily(Model):
    """All refresh tokens that descend from one sign-in; revoked together."""

    __tablename__ = "refresh_family"

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("app_user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)  # that of its newest token
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class RefreshToken(Model):
    """One refresh token, by its ``jti``; the token's text itself is kept nowhere."""

    __tablename__ = "refresh_token"

    jti: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    family_id: Mapped[str] = mapped_column(sa.ForeignKey("refresh_family.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    first_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    uses: Mapped[int] = mapped_column(sa.SmallInteger, default=0)


class AuditEvent(Model):
    """One thing that happened to a user or their tokens; failed sign-ins count up in one row an hour.

    Nothing refers to the user: what happened stays true when they are gone.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        sa.Index("ix_audit_event_at", "at", "id"),
        sa.Index("ix_audit_event_action", "action", "at"),
        sa.Index("uq_audit_event_aggregate_key", "aggregate_key", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)  # the first time, where it counts
    last_at: Mapped[datetime] = mapped_column(UTCDateTime)
    action: Mapped[str] = mapped_column(sa.String(30))
    user_id: Mapped[int | None] = mapped_column(sa.BigInteger)  # whom it is about
    user_name: Mapped[str | None] = mapped_column(sa.String(MAX_NAME_CHARACTERS))
    actor: Mapped[str | None] = mapped_column(sa.String(MAX_NAME_CHARACTERS))  # who did it
    source: Mapped[str] = mapped_column(sa.String(20))
    address: Mapped[str | None] = mapped_column(sa.String(64))
    request_id: Mapped[str | None] = mapped_column(sa.String(64))
    count: Mapped[int] = mapped_column(sa.Integer, default=1)
    fields: Mapped[dict[str, Any]] = mapped_column(JSONType)
    aggregate_key: Mapped[str | None] = mapped_column(sa.String(120))
