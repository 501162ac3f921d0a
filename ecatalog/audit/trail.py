"""Reading the trail: the history of rows and the events of users as one stream of entries."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from ecatalog.auth.models import AuditEvent, User, name_key
from ecatalog.catalog.models import HistoryEntry
from ecatalog.catalog.resource import Resource
from ecatalog.extensions import db
from ecatalog.fields import format_timestamp

BATCH = 1000  # entries read at a time
USERS = "user"  # what stands for the resource in entries about users
FIELD_NAME = re.compile(r"\w{1,100}")

Entry = dict[str, Any]
Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to look for; None: whatever it is.

    ``user`` did it or had it done to them. ``resource`` is a resource's name or :data:`USERS`, and ``code``
    the code of its rows or the name of the user. ``field`` is one that changed. ``since`` is inclusive,
    ``before`` is not.
    """

    user: str | None = None
    resource: str | None = None
    code: str | None = None
    field: str | None = None
    source: str | None = None
    action: str | None = None
    since: datetime | None = None
    before: datetime | None = None


def entries(
    wanted: Wanted, resources: Mapping[str, Resource], *, newest_first: bool = False
) -> Iterator[Entry]:
    """The entries by time; read in batches, so that any number of them fits into memory."""
    streams = []
    if wanted.resource != USERS:
        rows = _stream(HistoryEntry, _of_rows(wanted, resources), newest_first)
        streams.append(_shown_rows(rows, resources))
    if wanted.resource in (None, USERS):
        streams.append(map(_shown_event, _stream(AuditEvent, _of_users(wanted), newest_first)))
    for _, entry in heapq.merge(*streams, key=lambda item: item[0], reverse=newest_first):
        yield entry


def _stream(
    model: type[HistoryEntry] | type[AuditEvent], conditions: list[Condition], newest_first: bool
) -> Iterator[sa.RowMapping]:
    at, key = model.at, model.id
    order = (at.desc(), key.desc()) if newest_first else (at, key)
    statement = sa.select(model.__table__).where(*conditions).order_by(*order).limit(BATCH)
    behind: Condition = sa.true()
    while True:
        batch = db.session.execute(statement.where(behind)).mappings().all()
        yield from batch
        if len(batch) < BATCH:
            return
        last = batch[-1]
        if newest_first:
            behind = sa.or_(at < last["at"], sa.and_(at == last["at"], key < last["id"]))
        else:
            behind = sa.or_(at > last["at"], sa.and_(at == last["at"], key > last["id"]))


def _common(wanted: Wanted, model: type[HistoryEntry] | type[AuditEvent]) -> list[Condition]:
    conditions: list[Condition] = []
    if wanted.field is not None:
        conditions.append(_has_field(model, wanted.field))
    if wanted.source is not None:
        conditions.append(model.source == wanted.source)
    if wanted.action is not None:
        conditions.append(model.action == wanted.action)
    if wanted.before is not None:
        conditions.append(model.at < wanted.before)
    return conditions


def _has_field(model: type[HistoryEntry] | type[AuditEvent], name: str) -> Condition:
    if db.engine.dialect.name == "postgresql":
        keyed: Condition = sa.type_coerce(model.fields, JSONB).has_key(name)
        return keyed
    assert FIELD_NAME.fullmatch(name)  # it stands in quotes below
    return sa.func.json_type(model.fields, f'$."{name}"').is_not(None)


def _of_rows(wanted: Wanted, resources: Mapping[str, Resource]) -> list[Condition]:
    conditions = _common(wanted, HistoryEntry)
    if wanted.since is not None:
        conditions.append(HistoryEntry.at >= wanted.since)
    if wanted.user is not None:
        known = _user_id(wanted.user)
        named = HistoryEntry.user_name == wanted.user
        conditions.append(named if known is None else HistoryEntry.user_id == known)
    if wanted.resource is not None:
        conditions.append(HistoryEntry.resource == wanted.resource)
    if wanted.code is not None:
        conditions.append(sa.or_(sa.false(), *_coded(wanted, resources)))
    return conditions


def _coded(wanted: Wanted, resources: Mapping[str, Resource]) -> Iterator[Condition]:
    for resource in resources.values():
        if wanted.resource in (None, resource.name):
            of_code = sa.select(resource.model.id).where(
                getattr(resource.model, resource.code) == wanted.code
            )
            yield sa.and_(HistoryEntry.resource == resource.name, HistoryEntry.row_id.in_(of_code))


def _of_users(wanted: Wanted) -> list[Condition]:
    conditions = _common(wanted, AuditEvent)
    if wanted.since is not None:
        # The first bound is there for the index: what counts up does so for an hour at most.
        conditions += [AuditEvent.at >= wanted.since - timedelta(hours=1), AuditEvent.last_at >= wanted.since]
    if wanted.user is not None:
        known = _user_id(wanted.user)
        about = AuditEvent.user_name == wanted.user if known is None else AuditEvent.user_id == known
        conditions.append(sa.or_(about, AuditEvent.actor == wanted.user))
    if wanted.code is not None:
        known = _user_id(wanted.code)
        conditions.append(
            AuditEvent.user_name == wanted.code if known is None else AuditEvent.user_id == known
        )
    return conditions


def _user_id(name: str) -> int | None:
    return db.session.scalar(sa.select(User.id).where(User.name_key == name_key(name)))


def _shown_rows(
    rows: Iterator[sa.RowMapping], resources: Mapping[str, Resource]
) -> Iterator[tuple[datetime, Entry]]:
    """Entries of rows with the rows' codes, which the history does not hold."""
    batch: list[sa.RowMapping] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield from _with_codes(batch, resources)
            batch = []
    yield from _with_codes(batch, resources)


def _with_codes(
    batch: list[sa.RowMapping], resources: Mapping[str, Resource]
) -> Iterator[tuple[datetime, Entry]]:
    codes: dict[tuple[str, int], str] = {}
    for name in {row["resource"] for row in batch} & resources.keys():
        resource = resources[name]
        ids = {row["row_id"] for row in batch if row["resource"] == name}
        found = sa.select(resource.model.id, getattr(resource.model, resource.code)).where(
            resource.model.id.in_(ids)
        )
        codes |= {(name, row_id): value for row_id, value in db.session.execute(found)}
    for row in batch:
        where = (row["resource"], row["row_id"])
        yield row["at"], _entry(row, *where, codes.get(where), row["user_name"], None, 1, row["at"])


def _shown_event(row: sa.RowMapping) -> tuple[datetime, Entry]:
    about = (USERS, row["user_id"], row["user_name"])
    return row["at"], _entry(row, *about, row["actor"], row["address"], row["count"], row["last_at"])


def _entry(
    row: sa.RowMapping,
    resource: str,
    row_id: int | None,
    code: str | None,
    user: str | None,
    address: str | None,
    count: int,
    last_at: datetime,
) -> Entry:
    return {
        "at": format_timestamp(row["at"]),
        "last_at": format_timestamp(last_at),
        "count": count,
        "user": user,
        "source": row["source"],
        "address": address,
        "request_id": row["request_id"],
        "resource": resource,
        "id": row_id,
        "code": code,
        "action": row["action"],
        "fields": row["fields"],
    }
