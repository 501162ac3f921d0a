"""Signing in by user name and password."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from ecatalog.auth.models import User, name_key
from ecatalog.auth.passwords import hash_password, needs_rehash, verify_password
from ecatalog.auth.tokens import TokenPair, start_family
from ecatalog.database import utc_now, write_transaction
from ecatalog.extensions import db


class BadCredentialsError(Exception):
    """No active user has that name and password; which of these is wrong, nobody learns."""


class _Account(NamedTuple):
    id: int
    password_hash: str


def sign_in(name: str, password: str) -> TokenPair:
    """Tokens of a new sign-in. Commits. Raises BadCredentialsError, as fast whatever was wrong."""
    account = _active_account(name)
    if not verify_password(password, account.password_hash if account else None) or account is None:
        raise BadCredentialsError
    new_hash = hash_password(password) if needs_rehash(account.password_hash) else account.password_hash
    with write_transaction():
        user = db.session.get(User, account.id, with_for_update=True)
        # Looked at again: the user may have been disabled, or the password changed, meanwhile.
        if user is None or not user.is_active or user.password_hash != account.password_hash:
            raise BadCredentialsError
        user.password_hash = new_hash
        user.last_sign_in_at = utc_now()
        return start_family(user)


def _active_account(name: str) -> _Account | None:
    query = sa.select(User.id, User.password_hash).where(User.name_key == name_key(name), User.is_active)
    row = db.session.execute(query).one_or_none()
    db.session.close()  # no connection is kept waiting while the password is hashed
    return _Account(row.id, row.password_hash) if row else None
