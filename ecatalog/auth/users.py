"""Users: what can be done with them, without a request and without a commit (the caller's edge commits).

Call every function that changes something inside ``write_transaction()``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ecatalog.auth import events
from ecatalog.auth.events import Action, Reason
from ecatalog.auth.models import MAX_NAME_CHARACTERS, RefreshFamily, Role, User, name_key
from ecatalog.auth.passwords import check_password_policy, hash_password
from ecatalog.database import utc_now
from ecatalog.extensions import db
from ecatalog.ops.logging import printable

_NAME = re.compile(r"[\w.@+-]+")
_ALIKE = {"LATIN", "CYRILLIC", "GREEK"}


class UserError(ValueError):
    """A request about users that can't be carried out; the message is for people."""


class UnknownUserError(UserError):
    def __init__(self, name: str) -> None:
        super().__init__(f'There is no user "{printable(name)}".')


class DuplicateUserError(UserError):
    def __init__(self, name: str) -> None:
        super().__init__(f'A user "{printable(name)}" already exists (letter case does not count).')


class InvalidNameError(UserError):
    def __init__(self) -> None:
        super().__init__(
            f"A user name is 1 to {MAX_NAME_CHARACTERS} letters of one script, digits and @ . + - _, without "
            "spaces."
        )


class LastAdminError(UserError):
    def __init__(self, name: str) -> None:
        super().__init__(f'"{name}" is the last active admin. Make another user admin first.')


def clean_name(name: str) -> str:
    """The name as it is stored; raises InvalidNameError."""
    name = unicodedata.normalize("NFKC", name.strip())
    if len(name) > MAX_NAME_CHARACTERS or not _NAME.fullmatch(name) or len(_scripts(name)) > 1:
        raise InvalidNameError
    return name


def _scripts(name: str) -> set[str]:
    """Which of the scripts whose letters look alike a name has: in two, it could look like another's.

    The letter ʻ of oʻ and gʻ belongs to none of them.
    """
    return _ALIKE.intersection(unicodedata.name(letter, "").partition(" ")[0] for letter in name)


def find_user(name: str) -> User | None:
    """The user of that name in any letter case, or None."""
    return db.session.scalar(sa.select(User).where(User.name_key == name_key(name)))


def get_user(name: str, *, lock: bool = False) -> User:
    """The user of that name, locked against other writers if asked; raises UnknownUserError."""
    query = sa.select(User).where(User.name_key == name_key(name))
    user = db.session.scalar(query.with_for_update() if lock else query)
    if user is None:
        raise UnknownUserError(name)
    return user


def list_users() -> Sequence[User]:
    """All users by name."""
    return db.session.scalars(sa.select(User).order_by(User.name_key)).all()


def check_name_is_free(name: str) -> None:
    """Raise InvalidNameError or DuplicateUserError if no user of that name could be created."""
    if find_user(clean_name(name)) is not None:
        raise DuplicateUserError(name)


def create_user(name: str, password: str, role: Role = Role.VIEWER) -> User:
    """Create a user; it has its id on return.

    Raises InvalidNameError, DuplicateUserError and WeakPasswordError.
    """
    check_name_is_free(name)
    name = clean_name(name)
    check_password_policy(password, name)
    user = User(name=name, name_key=name_key(name), role=role.value, password_hash=hash_password(password))
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError as error:  # another call was faster
        raise DuplicateUserError(name) from error
    events.record(Action.CREATED, user, role=user.role)
    return user


def set_role(name: str, role: Role) -> User:
    """Give the user another role, at once for their next request. Raises UnknownUserError, LastAdminError."""
    if role is not Role.ADMIN:
        _keep_one_admin(name)
    user = get_user(name, lock=True)
    if user.role != role.value:
        events.record(Action.ROLE_CHANGED, user, role={"old": user.role, "new": role.value})
    user.role = role.value
    return user


def set_password(name: str, password: str) -> User:
    """Set the password and end all of the user's tokens. Raises UnknownUserError, WeakPasswordError."""
    user = get_user(name, lock=True)
    check_password_policy(password, user.name)
    user.password_hash = hash_password(password)
    events.record(Action.PASSWORD_CHANGED, user)
    _end_tokens(user, Reason.PASSWORD_CHANGED)
    return user


def disable(name: str) -> User:
    """Shut the user out and end all of their tokens. Raises UnknownUserError, LastAdminError."""
    _keep_one_admin(name)
    user = get_user(name, lock=True)
    if user.is_active:
        events.record(Action.DISABLED, user)
    user.is_active = False
    _end_tokens(user, Reason.DISABLED)
    return user


def enable(name: str) -> User:
    """Let a disabled user sign in again; tokens from before stay dead. Raises UnknownUserError."""
    user = get_user(name, lock=True)
    if not user.is_active:
        events.record(Action.ENABLED, user)
    user.is_active = True
    return user


def _end_tokens(user: User, reason: Reason) -> None:
    user.token_generation += 1
    ended = (
        sa.update(RefreshFamily)
        .where(RefreshFamily.user_id == user.id, RefreshFamily.revoked_at.is_(None))
        .values(revoked_at=utc_now())
        .returning(RefreshFamily.id)
    )
    families = db.session.scalars(ended).all()
    if families:
        events.record(Action.TOKENS_REVOKED, user, reason=reason, families=len(families))


def _keep_one_admin(name: str) -> None:
    """Raise LastAdminError if no active admin would be left without this user.

    Locks all active admins, so that two calls at once can't each count on the other's.
    """
    query = sa.select(User).where(User.role == Role.ADMIN.value, User.is_active).order_by(User.id)
    admins = db.session.scalars(query.with_for_update()).all()
    if [admin.name_key for admin in admins] == [name_key(name)]:
        raise LastAdminError(name)
