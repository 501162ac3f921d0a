"""The table of idempotency keys: finding a key's record, packing its answer, deleting what has expired."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ecatalog.database import BigId, UTCDateTime, utc_now, write_transaction
from ecatalog.extensions import Model, db
from ecatalog.transfer.answers import Answer

REPLAYED = "Idempotency-Replayed"


class IdempotencyRecord(Model):
    """A key of one user for one path: the call that runs under it, or its stored answer."""

    __tablename__ = "idempotency_record"
    __table_args__ = (
        sa.Index("uq_idempotency_record_key", "user_id", "path", "key", unique=True),
        sa.Index("ix_idempotency_record_expires_at", "expires_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.BigInteger)
    path: Mapped[str] = mapped_column(sa.String(200))
    key: Mapped[str] = mapped_column(sa.String(255))
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    lease: Mapped[str] = mapped_column(sa.String(32))
    leased_until: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    status: Mapped[int | None] = mapped_column(sa.SmallInteger)
    content_type: Mapped[str | None] = mapped_column(sa.String(100))
    file_name: Mapped[str | None] = mapped_column(sa.String(255))
    content: Mapped[bytes | None] = mapped_column(sa.LargeBinary, deferred=True)


@dataclass(frozen=True)
class Scope:
    """Whose key, for what, and the digest of everything that the answer depends on."""

    user_id: int
    path: str
    key: str
    fingerprint: str


def find(scope: Scope) -> IdempotencyRecord | None:
    """The record of the key, unless it is so old that it counts no more. No lock, and no transaction kept."""
    db.session.close()  # its snapshot may be as old as the upload took
    record = db.session.scalar(
        sa.select(IdempotencyRecord).where(
            IdempotencyRecord.user_id == scope.user_id,
            IdempotencyRecord.path == scope.path,
            IdempotencyRecord.key == scope.key,
        )
    )
    if record is not None and record.status is not None and record.expires_at <= utc_now():
        with write_transaction():
            _delete_expired([record.id])
        return None
    if record is not None and record.status is not None:
        _ = record.content  # while the session is here
    db.session.close()
    return record


def clean(limit: int) -> int:
    """In a write transaction: delete up to ``limit`` records that have expired; how many they were."""
    expired = (
        sa.select(IdempotencyRecord.id)
        .where(IdempotencyRecord.expires_at < utc_now())
        .order_by(IdempotencyRecord.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(db.session.scalars(expired))
    if ids:
        _delete_expired(ids)
    return len(ids)


def clean_all(batch: int = 1000) -> int:
    """Delete every expired record, ``batch`` a transaction; how many they were. Commits."""
    total = 0
    while True:
        with write_transaction():
            count = clean(batch)
        total += count
        if count < batch:
            return total


def _delete_expired(ids: list[int]) -> None:
    db.session.execute(
        sa.delete(IdempotencyRecord).where(
            IdempotencyRecord.id.in_(ids), IdempotencyRecord.expires_at <= utc_now()
        ),
        execution_options={"synchronize_session": False},
    )


def packed(answer: Answer) -> bytes:
    """The content, compressed block by block: reports of many rows are all alike."""
    packer = zlib.compressobj(level=1)
    parts = [packer.compress(block) for block in answer.blocks()]
    return b"".join([*parts, packer.flush()])


def unpacked(record: IdempotencyRecord) -> Answer:
    assert record.status is not None
    answer = Answer.spooled(
        record.status, record.content_type or "", file_name=record.file_name, headers={REPLAYED: "true"}
    )
    unpacker = zlib.decompressobj()
    data = record.content or b""
    while data:
        answer.content.write(unpacker.decompress(data, 1024 * 1024))
        data = unpacker.unconsumed_tail
    answer.content.write(unpacker.flush())
    return answer
