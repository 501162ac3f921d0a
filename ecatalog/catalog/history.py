"""The history of one row, newest first."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ecatalog import fields
from ecatalog.auth.models import SignedIn
from ecatalog.catalog import paging
from ecatalog.catalog.models import HistoryEntry
from ecatalog.catalog.query import Order
from ecatalog.catalog.resource import Resource
from ecatalog.extensions import db

NEWEST_FIRST = (Order("id", True),)


def page(
    resource: Resource,
    row_id: int,
    values: dict[str, Any],
    base_url: str,
    query: list[tuple[str, str]],
    reader: SignedIn,
) -> dict[str, Any]:
    """A list envelope of the row's changes, as ``reader`` may see them.

    Raises RowNotFound past the last page.
    """
    statement = sa.select(HistoryEntry).where(
        HistoryEntry.resource == resource.name, HistoryEntry.row_id == row_id
    )
    count = db.session.scalar(sa.select(sa.func.count()).select_from(statement.subquery())) or 0
    run = paging.entities(HistoryEntry, statement)
    found = paging.fetch(HistoryEntry, NEWEST_FIRST, values, count, run)
    return {
        "count": count,
        "next": paging.link(base_url, query, found.next),
        "previous": paging.link(base_url, query, found.previous),
        "results": [_render(entry, reader) for entry in found.rows],
    }


def _render(entry: HistoryEntry, reader: SignedIn) -> dict[str, Any]:
    # Who works with what is no business of those who only read; what they did themselves, they know.
    shows_user = reader.may_write or entry.user_id == reader.id
    return {
        "at": fields.format_timestamp(entry.at),
        "user": entry.user_name if shows_user else None,
        "source": entry.source,
        "request_id": entry.request_id,
        "action": entry.action,
        "fields": entry.fields,
    }
