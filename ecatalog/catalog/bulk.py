"""Many rows at once: upsert by code under one tick, in a handful of statements whatever the number of rows.

The rules are those of single writes in :mod:`ecatalog.catalog.service`; the rows go in by COPY on PostgreSQL
and by ``executemany`` on SQLite. Of the rows of one call that carry the same code in the same parent, the
last counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from ecatalog.catalog import bulk_sql, clock
from ecatalog.catalog.models import HistoryEntry
from ecatalog.catalog.refusals import code_taken, no_such_parent, spoken
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.service import Write
from ecatalog.catalog.values import action_of, link_value, same, shown_changes
from ecatalog.extensions import db

Key = tuple[int, str]  # the parent's id (0 for none) and the code
Changes = dict[str, tuple[Any, Any]]


class Mode(StrEnum):
    """UPSERT creates and updates; CREATE refuses codes that are there; UPDATE refuses codes that are not."""

    UPSERT = "upsert"
    CREATE = "create"
    UPDATE = "update"


class Action(StrEnum):
    """What became of one row. SUPERSEDED: a later row of the same call carries the same code."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    FAILED = "failed"


@dataclass
class Outcome:
    """What became of one row: ``errors`` by field when it failed, ``changes`` as the history tells them.

    ``repeats``: a row before it has the same code, in the same call or in an earlier one that was told.
    """

    code: str
    action: Action
    errors: dict[str, list[str]] = field(default_factory=dict)
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeats: bool = False


@dataclass
class _Planned:
    """A row that is to be written, in full: every column that any row of the call has."""

    key: Key
    outcome: Outcome
    columns: dict[str, Any]
    changes: Changes
    id: int | None = None  # of the row that is there already
    live_difference: int = 0


def upsert(
    write: Write,
    rows: Sequence[Mapping[str, Any]],
    mode: Mode = Mode.UPSERT,
    *,
    earlier: Set[int] = frozenset(),
) -> list[Outcome]:
    """Write rows of values loaded with ``patch_schema`` and a code each; their outcomes, in the same order.

    Only fields that are present change; unchanged rows keep their tick and time; deleted rows come back. Rows
    without a parent belong to none. A row that cannot be written fails alone. ``earlier`` are the ticks of
    the calls before this one of the same import.
    """
    return _Upsert(write, rows, mode, earlier).run()


class _Upsert:
    def __init__(
        self, write: Write, rows: Sequence[Mapping[str, Any]], mode: Mode, earlier: Set[int]
    ) -> None:
        self.write = write
        self.resource = write.resource
        self.rows = rows
        self.mode = mode
        self.earlier = earlier
        present = {name for row in rows for name in row if name in self.resource.fields}
        #: Every column that a written row is given, besides the engine's own.
        self.columns = sorted((present | set(self.resource.search) | {"is_deleted"}) - {self.resource.code})
        self.defaults = _defaults(self.resource)

    def run(self) -> list[Outcome]:
        outcomes = [Outcome(str(row[self.resource.code]), Action.FAILED) for row in self.rows]
        keys = self._keys(outcomes)
        last = {key: index for index, key in enumerate(keys) if key is not None}
        present = self._present(last, ("tick", *self.columns))
        planned: list[_Planned] = []
        seen: set[Key] = set()
        for index, key in enumerate(keys):
            if key is None:
                continue
            held = present.get(key)
            outcomes[index].repeats = key in seen or (held is not None and held.tick in self.earlier)
            seen.add(key)
            if last[key] != index:
                outcomes[index].action = Action.SUPERSEDED
                continue
            plan = self._plan(key, self.rows[index], held, outcomes[index])
            if plan is not None:
                planned.append(plan)
        self._write(planned)
        return outcomes

    def _keys(self, outcomes: list[Outcome]) -> list[Key | None]:
        """Each row's key; None, and an error in its outcome, where its parent is not to be had."""
        resource = self.resource
        if resource.parent is None:
            return [(0, row[resource.code]) for row in self.rows]
        links = [link_value(resource, row) for row in self.rows]
        owners = _parents(resource, {link for link in links if link[1] is not None})
        keys: list[Key | None] = []
        for row, link, outcome in zip(self.rows, links, outcomes, strict=True):
            owner = 0 if link[1] is None else owners.get(link)
            if owner is None:
                outcome.errors = no_such_parent(resource, link[1]).errors
            keys.append(None if owner is None else (owner, row[resource.code]))
        return keys

    def _present(self, keys: Iterable[Key], columns: Iterable[str] = ()) -> dict[Key, Any]:
        """What the table holds under the keys: rows with ``id`` and the columns."""
        resource = self.resource
        model: Any = resource.model
        code = getattr(model, resource.code)
        owner = sa.literal(0) if resource.parent is None else _owner_column(resource)
        statement = sa.select(
            owner.label("owner_of_row"),
            code.label("code_of_row"),
            model.id,
            *(getattr(model, name) for name in columns),
        )
        statement = _with_keys(statement, owner, code, list(keys))
        rows = db.session.execute(statement)
        return {(row.owner_of_row, row.code_of_row): row for row in rows}

    def _plan(self, key: Key, values: Mapping[str, Any], row: Any, outcome: Outcome) -> _Planned | None:
        """How the row is to be written; None where it is not, which the outcome then tells."""
        resource = self.resource
        if row is None:
            return self._plan_new(key, values, outcome)
        if self.mode is Mode.CREATE and not row.is_deleted and row.tick not in self.earlier:
            outcome.errors = code_taken(resource, key[1], key[0], deleted=False).errors
            return None
        wanted = {name: values[name] for name in self.columns if name in values}
        wanted.setdefault("is_deleted", False)
        held = row._mapping
        changes = {name: (held[name], value) for name, value in wanted.items() if not same(held[name], value)}
        if not changes:
            outcome.action = Action.UNCHANGED
            return None
        outcome.action = Action.UPDATED
        outcome.changes = shown_changes(resource, changes)
        columns = {name: wanted.get(name, held[name]) for name in self.columns}
        difference = int(row.is_deleted) - int(columns["is_deleted"])
        return _Planned(key, outcome, columns, changes, row.id, difference)

    def _plan_new(self, key: Key, values: Mapping[str, Any], outcome: Outcome) -> _Planned | None:
        resource = self.resource
        if self.mode is Mode.UPDATE:
            outcome.errors = {
                resource.code: [f"No {resource.name} with this {spoken(resource.code)} exists."]
            }
            return None
        missing = [
            name for name, declared in resource.fields.items() if declared.required and name not in values
        ]
        if missing:
            outcome.errors = {name: ["This field is required."] for name in missing}
            return None
        outcome.action = Action.CREATED
        columns = {**self.defaults, **{name: None for name in self.columns if name not in self.defaults}}
        columns.update({name: values[name] for name in self.columns if name in values})
        return _Planned(key, outcome, columns, {}, None, 0 if columns["is_deleted"] else 1)

    def _write(self, planned: list[_Planned]) -> None:
        if not planned:
            return
        write, resource = self.write, self.resource
        new, known = [], []
        for plan in planned:
            record = {**plan.columns, "tick": write.tick, "updated_at": write.at}
            record["search_text"] = write.search_text(partial(key_or_column, resource, plan))
            if plan.id is None:
                record[resource.code] = plan.key[1]
                record["created_at"] = write.at
                if resource.parent is not None:
                    record[resource.link_column] = plan.key[0] or None
                new.append(record)
            else:
                known.append({"id": plan.id, **record})
            write.live_difference += plan.live_difference
        bulk_sql.insert(resource, new)
        bulk_sql.update(resource, known)
        ids = {key: row.id for key, row in self._ids(plan.key for plan in planned if plan.id is None).items()}
        bulk_sql.append(HistoryEntry, [self._history(plan, ids) for plan in planned])

    def _ids(self, keys: Iterable[Key]) -> dict[Key, Any]:
        wanted = list(keys)
        return self._present(wanted) if wanted else {}

    def _history(self, plan: _Planned, ids: Mapping[Key, int]) -> dict[str, Any]:
        action = "create"
        if plan.id is not None:
            was_deleted, is_deleted = plan.changes.get("is_deleted", (False, False))
            action = action_of(was_deleted, is_deleted)
        row_id = plan.id if plan.id is not None else ids[plan.key]
        return self.write.history_values(row_id, action, plan.outcome.changes)


def key_or_column(resource: Resource, plan: _Planned, name: str) -> Any:
    """A column of a planned row, its code included."""
    return plan.key[1] if name == resource.code else plan.columns[name]


def _with_keys(statement: sa.Select[Any], owner: Any, code: Any, keys: list[Key]) -> sa.Select[Any]:
    """Only the rows under the keys.

    On PostgreSQL by joining the pairs: that is a look-up in the unique index for each of them, also in a
    table which has just grown from nothing and of which the server has no statistics. Two conditions, one on
    owners and one on codes, made it go through all rows for each code there.
    """
    owners, codes = [key[0] for key in keys], [key[1] for key in keys]
    if bulk_sql.on_postgresql():
        wanted = (
            sa.func.unnest(sa.literal(owners, ARRAY(sa.BigInteger())), sa.literal(codes, ARRAY(sa.Text())))
            .table_valued(sa.column("owner", sa.BigInteger()), sa.column("code", sa.Text()), name="wanted")
            .render_derived()
        )
        return statement.join(wanted, sa.and_(owner == wanted.c.owner, code == wanted.c.code))
    return statement.where(bulk_sql.is_one_of(code, codes), bulk_sql.is_one_of(owner, sorted(set(owners))))


def _owner_column(resource: Resource) -> sa.ColumnElement[int]:
    return sa.func.coalesce(getattr(resource.model, resource.link_column), sa.text("0"))


def _parents(resource: Resource, links: set[tuple[str, Any]]) -> dict[tuple[str, Any], int]:
    """The ids of live parents by (column, value), held live until the transaction ends."""
    assert resource.parent is not None
    model: Any = resource.parent.model
    code = getattr(model, resource.parent.code)
    ids = [value for column, value in links if column == resource.link_column]
    codes = [value for column, value in links if column != resource.link_column]
    found: dict[tuple[str, Any], int] = {}
    if not links:
        return found
    clock.hold(resource.parent)
    statement = (
        sa.select(model.id, code)
        .where(~model.is_deleted, sa.or_(bulk_sql.is_one_of(model.id, ids), bulk_sql.is_one_of(code, codes)))
        .order_by(model.id)
        .with_for_update(read=True)
    )
    for row_id, row_code in db.session.execute(statement):
        found[(resource.link_column, row_id)] = row_id
        found[(resource.parent.name, row_code)] = row_id
    return found


def _defaults(resource: Resource) -> dict[str, Any]:
    """What a new row holds in columns that nobody gave: the model's own defaults."""
    fresh = {}
    for name in resource.fields:
        default: Any = sa.inspect(resource.model).columns[name].default
        if default is not None:
            fresh[name] = default.arg(None) if default.is_callable else default.arg
    return fresh
