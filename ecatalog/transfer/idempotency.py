"""``Idempotency-Key``: a call that is repeated is answered from store, and never done twice at once.

The first call with a key holds it under a lease, which it renews while it runs: beside its work, and inside
each of its transactions, so that a call that lost its lease (its machine slept) can write no more. When a
worker dies, the lease runs out and the repeated call starts over.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from ecatalog.database import utc_now, write_transaction
from ecatalog.errors import ApiError, Conflict
from ecatalog.extensions import db
from ecatalog.transfer import idempotency_records as records
from ecatalog.transfer.answers import Answer
from ecatalog.transfer.idempotency_records import IdempotencyRecord, Scope

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
RENEW_SECONDS = 15.0
KEPT = timedelta(hours=24)
CLEANED_AT_ONCE = 100
LOCK_NOT_AVAILABLE = "55P03"


class KeyReused(ApiError):
    """422: the key was used for another request."""

    status = 422
    detail = "This Idempotency-Key was used with another body or other parameters."


class StillRunning(Conflict):
    """409: the first call with the key has not ended."""

    def __init__(self, seconds: int = 5) -> None:
        super().__init__(
            "The first request with this Idempotency-Key is still running. Repeat this one later.",
            headers={"Retry-After": str(max(seconds, 1))},
        )


Work = Callable[[Callable[[], None]], Answer]


def once(scope: Scope, work: Work) -> Answer:
    """The answer of ``work``, or the stored one of the first call that was the same.

    ``work`` gets a fence to call in each of its transactions before the commit. Raises KeyReused,
    StillRunning, and what ``work`` raises; a call that raised leaves the key free.
    """
    claimed = _claim(scope)
    if isinstance(claimed, Answer):
        return claimed
    try:
        with claimed.renewed():
            answer = work(claimed.fence)
    except BaseException:
        claimed.release()
        raise
    claimed.keep(answer)
    return answer


@dataclass(frozen=True)
class Claim:
    """A key that the present call holds."""

    record_id: int
    lease: str

    def fence(self) -> None:
        """In a write transaction: prolong the lease. Raises StillRunning when another call has taken it."""
        if not _update(db.session, self, leased_until=utc_now() + LEASE):
            raise StillRunning()

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Prolong the lease from a thread while the block runs."""
        ended = threading.Event()
        thread = threading.Thread(
            target=self._renew, args=(db.engine, ended), name="idempotency-lease", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _renew(self, engine: Engine, ended: threading.Event) -> None:
        options: dict[str, Any] = {"isolation_level": "READ COMMITTED"}
        if engine.dialect.name == "sqlite":
            options = {"sqlite_begin": "IMMEDIATE"}
        while not ended.wait(RENEW_SECONDS):
            try:
                with engine.connect().execution_options(**options) as connection, connection.begin():
                    if not _update(connection, self, leased_until=utc_now() + LEASE):
                        return
            except SQLAlchemyError as error:
                # The work itself may hold the row or the file; then nobody can take the lease, either.
                log.info("lease not renewed", extra={"cause": type(error).__name__})

    def keep(self, answer: Answer) -> None:
        """Store the answer. A failure costs the stored answer alone: what was written is written."""
        try:
            with write_transaction():
                _update(
                    db.session,
                    self,
                    status=answer.status,
                    content_type=answer.content_type,
                    file_name=answer.file_name,
                    content=records.packed(answer),
                    expires_at=utc_now() + KEPT,
                )
        except SQLAlchemyError:
            log.exception("the answer of a keyed call could not be stored")

    def release(self) -> None:
        """Leave the key free for the next call, if the database can be reached; else the lease runs out."""
        try:
            with write_transaction():
                db.session.execute(
                    sa.delete(IdempotencyRecord).where(*_held_by(self)),
                    execution_options={"synchronize_session": False},
                )
        except SQLAlchemyError as error:
            log.warning("a key could not be released", extra={"cause": type(error).__name__})


def _held_by(claim: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    return IdempotencyRecord.id == claim.record_id, IdempotencyRecord.lease == claim.lease


def _update(connection: Any, claim: Claim, **values: Any) -> bool:
    """Whether the claim still holds, and the values are set."""
    table = IdempotencyRecord.__table__
    statement = sa.update(IdempotencyRecord).where(*_held_by(claim)).values(**values).returning(table.c.id)
    found = connection.execute(statement, execution_options={"synchronize_session": False})
    return found.first() is not None


def _claim(scope: Scope) -> Claim | Answer:
    """The key for this call, or the stored answer."""
    found = records.find(scope)
    if found is not None:
        return _take_over(scope, found)
    lease, now = secrets.token_hex(16), utc_now()
    values = {
        "user_id": scope.user_id,
        "path": scope.path,
        "key": scope.key,
        "fingerprint": scope.fingerprint,
        "lease": lease,
        "leased_until": now + LEASE,
        "expires_at": now + KEPT,
    }
    with write_transaction():
        records.clean(CLEANED_AT_ONCE)
        record_id = db.session.scalar(
            _insert()(IdempotencyRecord)
            .values(values)
            .on_conflict_do_nothing()
            .returning(IdempotencyRecord.id)
        )
    if record_id is not None:
        return Claim(record_id, lease)
    found = records.find(scope)  # another call was quicker
    if found is None:
        raise StillRunning()
    return _take_over(scope, found)


def _insert() -> Any:
    from sqlalchemy.dialects import postgresql, sqlite

    return sqlite.insert if db.engine.dialect.name == "sqlite" else postgresql.insert


def _take_over(scope: Scope, record: IdempotencyRecord) -> Claim | Answer:
    """The stored answer, or the key of a call that has died. Raises KeyReused or StillRunning."""
    if record.fingerprint != scope.fingerprint:
        raise KeyReused()
    if record.status is not None:
        return records.unpacked(record)
    now = utc_now()
    if record.leased_until > now:
        raise StillRunning()
    claim = Claim(record.id, secrets.token_hex(16))
    try:
        with write_transaction():
            # A call that is just renewing the lease holds the row: then it runs.
            held = db.session.scalar(
                sa.select(IdempotencyRecord.lease)
                .where(
                    IdempotencyRecord.id == record.id,
                    IdempotencyRecord.lease == record.lease,
                    IdempotencyRecord.leased_until <= now,
                    IdempotencyRecord.status.is_(None),
                )
                .with_for_update(nowait=True)
            )
            if held is None:
                raise StillRunning()
            taken = Claim(record.id, held)
            _update(db.session, taken, lease=claim.lease, leased_until=now + LEASE, expires_at=now + KEPT)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise StillRunning() from error
        raise
    return claim
