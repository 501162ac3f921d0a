"""What happened to users and their tokens, written down for ``flask audit``.

Events of accounts are part of the transaction that they tell of. Failed sign-ins are not: strangers cause
them, so they count up in one row for each hour, account and address, and only so many rows are made an hour.
"""

from __future__ import annotations

import getpass
import logging
import os
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask import g, has_request_context
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from ecatalog.auth.models import MAX_NAME_CHARACTERS, AuditEvent, User
from ecatalog.database import utc_now, write_transaction
from ecatalog.extensions import db
from ecatalog.ops.caller import client_key

log = logging.getLogger(__name__)

MOST_FAILURE_ROWS = 300  # an hour; what is beyond them counts in one row more


class Action(StrEnum):
    """What happened."""

    SIGNED_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    TOKENS_REVOKED = "tokens_revoked"
    CREATED = "user_created"
    ROLE_CHANGED = "role_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # pragma: allowlist secret
    DISABLED = "user_disabled"
    ENABLED = "user_enabled"


class Reason(StrEnum):
    """Why tokens were revoked."""

    SIGNED_OUT = "sign_out"
    REUSED = "reuse"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # pragma: allowlist secret
    DISABLED = "user_disabled"


def record(action: Action, user: User, **fields: Any) -> None:
    """Write down what happens to ``user`` in the present write transaction.

    ``fields`` are JSON values. The actor is the user themselves in a request (nobody else changes users over
    HTTP), and the operating system's user in a command.
    """
    db.session.add(
        AuditEvent(
            **_circumstances(user.name),
            action=action.value,
            user_id=user.id,
            user_name=user.name,
            fields=fields,
        )
    )


def record_failed_sign_in(user_id: int | None, user_name: str | None) -> None:
    """Count a failed sign-in to the account; None for a name that no account has. Commits.

    Such names are not kept, since people type passwords there. The refusal of the sign-in must not depend on
    this: where it can't be written, the log has it.
    """
    try:
        with write_transaction():
            _count_failure(user_id, user_name)
    except SQLAlchemyError:
        log.exception("a failed sign-in could not be written down", extra={"user_id": user_id})


def _count_failure(user_id: int | None, user_name: str | None) -> None:
    values = _circumstances(None)
    hour = values["at"].replace(minute=0, second=0, microsecond=0)
    # The request's id would be that of the first of many.
    values |= {"action": Action.SIGN_IN_FAILED.value, "count": 1, "fields": {}, "request_id": None}
    key = f"{hour:%Y-%m-%dT%H}/{user_id or 0}/{values['address']}"
    if not _exists(key) and _failure_rows_since(hour) >= MOST_FAILURE_ROWS:
        key, user_id, user_name, values["address"] = f"{hour:%Y-%m-%dT%H}/rest", None, None, None
    values |= {"aggregate_key": key, "user_id": user_id, "user_name": user_name}
    insert = (postgresql if db.engine.dialect.name == "postgresql" else sqlite).insert(AuditEvent)
    db.session.execute(
        insert.values(**values).on_conflict_do_update(
            index_elements=["aggregate_key"],
            set_={"count": AuditEvent.count + 1, "last_at": insert.excluded.last_at},
        )
    )


def _exists(key: str) -> bool:
    return db.session.scalar(sa.select(AuditEvent.id).where(AuditEvent.aggregate_key == key)) is not None


def _failure_rows_since(start: datetime) -> int:
    rows = sa.select(sa.func.count()).where(
        AuditEvent.action == Action.SIGN_IN_FAILED.value, AuditEvent.at >= start
    )
    return db.session.scalar(rows) or 0


def _circumstances(caller: str | None) -> dict[str, Any]:
    """When, by whom, by which way in, from where, in which request."""
    now = utc_now()
    when = {"at": now, "last_at": now}
    if has_request_context():
        request_id = g.get("request_id")
        return when | {"actor": caller, "source": "api", "address": client_key(), "request_id": request_id}
    return when | {"actor": _operator(), "source": "cli", "address": None, "request_id": None}


def _operator() -> str:
    """The operating system's user, by name where it has one."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # as in a container
        name = str(os.getuid())
    return name[:MAX_NAME_CHARACTERS]
