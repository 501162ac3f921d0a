"""Deleting what is older than the settings say, a few rows a transaction: writers never wait long."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from ecatalog.auth.models import AuditEvent
from ecatalog.catalog.models import HistoryEntry
from ecatalog.config import current_settings
from ecatalog.database import utc_now, write_transaction
from ecatalog.extensions import db

BATCH = 1000  # rows


def clean(batch: int = BATCH) -> tuple[int, int]:
    """Delete expired entries; how many (of the history of rows, of the events of users) went. Commits."""
    settings, now = current_settings(), utc_now()
    history_ends = now - timedelta(days=settings.history_keep_days)
    events_end = now - timedelta(days=settings.audit_keep_days)
    return _delete(HistoryEntry, history_ends, batch), _delete(AuditEvent, events_end, batch)


def _delete(model: type[HistoryEntry] | type[AuditEvent], before: datetime, batch: int) -> int:
    oldest = sa.select(model.id).where(model.at < before).order_by(model.at, model.id).limit(batch)
    total = 0
    while True:
        with write_transaction():
            ids = db.session.scalars(oldest).all()
            # Nothing changes an entry so old: two calls at once delete the same rows, and count them once.
            gone = sa.delete(model).where(model.id.in_(ids)).returning(model.id)
            count = len(db.session.scalars(gone, execution_options={"synchronize_session": False}).all())
        total += count
        if len(ids) < batch:
            return total
