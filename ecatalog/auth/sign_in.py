"""Signing in by user name and password."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from ecatalog.auth import events
from ecatalog.auth.models import User, name_key
from ecatalog.auth.passwords import hash_password, needs_rehash, verify_password
from ecatalog.auth.tokens import TokenPair, start_family
from ecatalog.database import utc_now, write_transaction
from ecatalog.extensions import db


class BadCredentialsError(Exception):
    """No active user has that name and password; which of these is wrong, nobody learns."""


class _Account(NamedTuple):
    id: int
    name: str
    password_hash: str
    is_active: bool


def sign_in(name: str, password: str) -> TokenPair:
    """Tokens of a new sign-in. Commits. Raises BadCredentialsError, as fast whatever was wrong."""
    account = _find_account(name)
    try:
        return _checked(account, password)
    except BadCredentialsError:
        events.record_failed_sign_in(account and account.id, account and account.name)
        raise


def _checked(account: _Account | None, password: str) -> TokenPair:
    known_hash = account.password_hash if account is not None and account.is_active else None
    if not verify_password(password, known_hash) or account is None:
        raise BadCredentialsError
    new_hash = hash_password(password) if needs_rehash(account.password_hash) else account.password_hash
    with write_transaction():
        user = db.session.get(User, account.id, with_for_update=True)
        # Looked at again: the user may have been disabled, or the password changed, meanwhile.
        if user is None or not user.is_active or user.password_hash != account.password_hash:
            raise BadCredentialsError
        user.password_hash = new_hash
        user.last_sign_in_at = utc_now()
        events.record(events.Action.SIGNED_IN, user)
        return start_family(user)


def _find_account(name: str) -> _Account | None:
    query = sa.select(User.id, User.name, User.password_hash, User.is_active)
    row = db.session.execute(query.where(User.name_key == name_key(name))).one_or_none()
    db.session.close()  # no connection is kept waiting while the password is hashed
    return _Account(*row) if row else None
