"""What is to become of many rows: which are new, which change in what, and which cannot be written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa

from ecatalog.catalog.bulk_keys import HeldRow, Key, held_rows, parents
from ecatalog.catalog.refusals import code_taken, no_such_parent, spoken
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.values import Link, action_of, link_value, same, shown_changes

Row = Mapping[str, Any]  # values loaded with ``patch_schema``, the code among them
NO_LINK: Link = ("", None)


class Mode(StrEnum):
    """UPSERT creates and updates; CREATE refuses codes that are there; UPDATE refuses codes that are not."""

    UPSERT = "upsert"
    CREATE = "create"
    UPDATE = "update"


class Action(StrEnum):
    """What became of one row. SUPERSEDED: a later row of the same batch carries the same code."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    FAILED = "failed"


@dataclass(slots=True)
class Outcome:
    """What became of one row: ``errors`` by field when it failed, ``changes`` as the history tells them.

    ``repeats``: a row before it has the same code, in the same batch or in an earlier one that was told.
    """

    code: str
    action: Action
    errors: dict[str, list[str]] = field(default_factory=dict)
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeats: bool = False


class NewRow(NamedTuple):
    """``values`` in the order of the planner's columns."""

    key: Key
    values: list[Any]


class ChangedRow(NamedTuple):
    """``values`` in the order of the planner's columns, changed or not; the rest is for the history."""

    key: Key
    id: int
    values: list[Any]
    action: str
    changes: dict[str, Any]


@dataclass(slots=True)
class Plan:
    """What is to be done for some rows; ``outcomes`` in their order."""

    outcomes: list[Outcome]
    new: list[NewRow] = field(default_factory=list)
    changed: list[ChangedRow] = field(default_factory=list)
    changed_columns: set[str] = field(default_factory=set)
    live_difference: int = 0


class Places:
    """Where in a batch that is planned part by part each code comes last."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._count = 0
        self._last: dict[Link, dict[str, int]] = {}
        self._last_by_owner: dict[int, dict[str, int]] = {}

    def note(self, row: Row) -> None:
        """The next row of the batch."""
        resource = self._resource
        link = NO_LINK if resource.parent is None else link_value(resource, row)
        self._last.setdefault(link, {})[row[resource.code]] = self._count
        self._count += 1

    def settle(self, *, hold: bool) -> None:
        """After the last row: several links may name one parent. ``hold`` as for :func:`parents`."""
        links = {link for link in self._last if link[1] is not None}
        owners = parents(self._resource, links, hold=hold) if links else {}
        while self._last:
            link, places = self._last.popitem()
            owner = 0 if link[1] is None else owners.get(link)
            if owner is None:
                continue
            known = self._last_by_owner.setdefault(owner, places)
            if known is not places:
                known.update({code: max(place, known.get(code, 0)) for code, place in places.items()})

    def is_last(self, key: Key, place: int) -> bool:
        return self._last_by_owner[key[0]][key[1]] == place


class Planner:
    """Plans rows against what the table holds; it writes nothing.

    columns  every attribute that a planned row is given, besides code, parent and the engine's own
    earlier  ticks of the batches before this one of the same import: their rows are the caller's own
    hold     whether parents are held live until the transaction ends
    places   of all rows, when they are planned part by part
    """

    def __init__(
        self,
        resource: Resource,
        mode: Mode,
        columns: Iterable[str],
        *,
        earlier: Set[int] = frozenset(),
        hold: bool = True,
        places: Places | None = None,
    ) -> None:
        self.resource = resource
        self.mode = mode
        self.columns = sorted({*columns, *resource.search, "is_deleted"} - {resource.code})
        self._earlier = earlier
        self._hold = hold
        self._places = places
        self._position = 0
        self._seen: set[Key] = set()
        self._required = {name for name, declared in resource.fields.items() if declared.required}
        defaults = _defaults(resource)
        self._fresh = [(name, defaults.get(name)) for name in self.columns]
        self._deleted = self.columns.index("is_deleted")
        self._json = [index for index, name in enumerate(self.columns) if _is_json(resource, name)]

    def plan(self, rows: Sequence[Row]) -> Plan:
        """What is to become of the next rows."""
        code = self.resource.code
        plan = Plan([Outcome(row[code], Action.FAILED) for row in rows])
        keys = self._keys(rows, plan.outcomes)
        last = {key: index for index, key in enumerate(keys) if key is not None}
        held = held_rows(self.resource, list(last), self.columns)
        for index, (key, row, outcome) in enumerate(zip(keys, rows, plan.outcomes, strict=True)):
            if key is None:
                continue
            there = held.get(key)
            outcome.repeats = key in self._seen or (there is not None and there.tick in self._earlier)
            self._seen.add(key)
            if not self._is_last(key, index, last):
                outcome.action = Action.SUPERSEDED
            elif there is None:
                self._plan_new(key, row, outcome, plan)
            else:
                self._plan_known(key, row, there, outcome, plan)
        self._position += len(rows)
        return plan

    def _is_last(self, key: Key, index: int, last: Mapping[Key, int]) -> bool:
        if self._places is None:
            return last[key] == index
        return self._places.is_last(key, self._position + index)

    def _keys(self, rows: Sequence[Row], outcomes: Sequence[Outcome]) -> list[Key | None]:
        """Each row's key; None, and an error in its outcome, where its parent is not to be had."""
        resource = self.resource
        code = resource.code
        named = resource.parent is not None and {resource.parent.name, resource.link_column}
        if not named or not any(named & row.keys() for row in rows):
            return [(0, row[code]) for row in rows]
        links = [link_value(resource, row) for row in rows]
        owners = parents(resource, {link for link in links if link[1] is not None}, hold=self._hold)
        keys: list[Key | None] = []
        for row, link, outcome in zip(rows, links, outcomes, strict=True):
            owner = 0 if link[1] is None else owners.get(link)
            if owner is None:
                outcome.errors = no_such_parent(resource, link).errors
            keys.append(None if owner is None else (owner, row[code]))
        return keys

    def _plan_new(self, key: Key, row: Row, outcome: Outcome, plan: Plan) -> None:
        resource = self.resource
        if self.mode is Mode.UPDATE:
            told = f"No {resource.name} with this {spoken(resource.code)} exists."
            outcome.errors = {resource.code: [told]}
            return
        if not self._required <= row.keys():
            missing = self._required - row.keys()
            outcome.errors = {
                name: ["This field is required."] for name in resource.fields if name in missing
            }
            return
        outcome.action = Action.CREATED
        values = [row.get(name, default) for name, default in self._fresh]
        plan.live_difference += 0 if values[self._deleted] else 1
        plan.new.append(NewRow(key, values))

    def _plan_known(self, key: Key, row: Row, there: HeldRow, outcome: Outcome, plan: Plan) -> None:
        held = there.values
        was_deleted: bool = held[self._deleted]
        if self.mode is Mode.CREATE and not was_deleted and there.tick not in self._earlier:
            outcome.errors = code_taken(self.resource, key[1], key[0], deleted=False).errors
            return
        wanted = list(map(row.get, self.columns, held))
        wanted[self._deleted] = row.get("is_deleted", False)
        if wanted == held and all(same(held[index], wanted[index]) for index in self._json):
            outcome.action = Action.UNCHANGED
            return
        changes = {
            name: (old, new)
            for name, old, new in zip(self.columns, held, wanted, strict=True)
            if not same(old, new)
        }
        outcome.action = Action.UPDATED
        outcome.changes = shown_changes(self.resource, changes)
        plan.changed_columns |= changes.keys()
        plan.live_difference += int(was_deleted) - int(wanted[self._deleted])
        action = action_of(was_deleted, wanted[self._deleted])
        plan.changed.append(ChangedRow(key, there.id, wanted, action, outcome.changes))


def _is_json(resource: Resource, name: str) -> bool:
    return isinstance(sa.inspect(resource.model).columns[name].type, sa.JSON)


def _defaults(resource: Resource) -> dict[str, Any]:
    """What a new row holds in columns that nobody gave: the model's own defaults."""
    fresh = {}
    for name in resource.fields:
        default: Any = sa.inspect(resource.model).columns[name].default
        if default is not None:
            fresh[name] = default.arg(None) if default.is_callable else default.arg
    return fresh
