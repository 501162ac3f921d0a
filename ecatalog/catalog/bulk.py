"""Many rows at once: upsert by code under one tick, in a handful of statements whatever the number of rows.

The rules are those of single writes in :mod:`ecatalog.catalog.service`. Of the rows of one batch that carry
the same code in the same parent, the last counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from ecatalog import search
from ecatalog.catalog import bulk_sql, vocabulary
from ecatalog.catalog.bulk_plan import Action, ChangedRow, Mode, NewRow, Outcome, Places, Planner, Row
from ecatalog.catalog.bulk_sql import ChangedRows, NewRows
from ecatalog.catalog.service import Write

__all__ = ["Action", "Batch", "Mode", "Outcome", "Places", "Planner", "upsert"]

Values = Mapping[str, Sequence[Any]]  # columns by attribute


def upsert(
    write: Write, rows: Sequence[Row], mode: Mode = Mode.UPSERT, *, earlier: Set[int] = frozenset()
) -> list[Outcome]:
    """Write rows of values loaded with ``patch_schema`` and a code each; their outcomes, in the same order.

    Only fields that are present change; unchanged rows keep their tick and time; deleted rows come back. Rows
    without a parent belong to none. A row that cannot be written fails alone. ``earlier`` are the ticks of
    the calls before this one of the same import.
    """
    resource = write.resource
    present = set().union(*rows) & resource.fields.keys()
    batch = Batch(Planner(resource, mode, present, earlier=earlier))
    outcomes = batch.add(rows, last=True)
    batch.write(write)
    return outcomes


class Batch:
    """Rows that wait in temporary tables of the present transaction, until ``write`` writes them all.

    The temporary tables have the columns of the first rows that come; where more than one ``add`` is to
    follow, the planner must have been given every column that there is.
    """

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._new: NewRows | None = None
        self._changed: ChangedRows | None = None
        self._live_difference = 0
        self._words: set[str] = set()

    def add(self, rows: Sequence[Row], *, last: bool = False) -> list[Outcome]:
        """What is to become of the next rows; ``last`` where no others follow."""
        planner = self._planner
        plan = planner.plan(rows)
        self._live_difference += plan.live_difference
        if plan.new:
            columns = self._new_columns(plan.new)
            if self._new is None:
                self._new = bulk_sql.new_rows(planner.resource, tuple(columns))
                self._new.create()
            self._new.add(list(columns.values()))
        if plan.changed:
            names = plan.changed_columns if last else planner.columns
            columns = self._changed_columns(plan.changed, sorted(names))
            if self._changed is None:
                self._changed = bulk_sql.changed_rows(planner.resource, tuple(columns))
                self._changed.create()
            self._changed.add(list(columns.values()))
        return plan.outcomes

    def write(self, write: Write) -> None:
        """Write what waits, with its history, under the tick of ``write``."""
        facts = write.history_values(0, "", {})
        if self._new is not None:
            self._new.write(facts)
            self._new.drop()
            bulk_sql.know_size(write.resource)
        if self._changed is not None:
            self._changed.write(facts)
            self._changed.drop()
        write.live_difference += self._live_difference
        write.words |= self._words

    def _new_columns(self, rows: Sequence[NewRow]) -> dict[str, Sequence[Any]]:
        resource = self._planner.resource
        keys = [row.key for row in rows]
        columns: dict[str, Sequence[Any]] = {resource.code: [code for _owner, code in keys]}
        columns |= self._by_column(row.values for row in rows)
        columns["search_text"] = self._search_texts(columns)
        if resource.parent is not None:
            columns[resource.link_column] = [owner or None for owner, _code in keys]
        return columns

    def _changed_columns(self, rows: Sequence[ChangedRow], names: Iterable[str]) -> dict[str, Sequence[Any]]:
        """The columns ``names`` of rows, search text where it may differ, and what their history says."""
        resource = self._planner.resource
        values = self._by_column(row.values for row in rows)
        columns = {name: values[name] for name in names}
        if not columns.keys().isdisjoint(resource.searched):
            values[resource.code] = [row.key[1] for row in rows]
            columns["search_text"] = self._search_texts(values)
        columns["id"] = [row.id for row in rows]
        columns["history_action"] = [row.action for row in rows]
        columns["history_fields"] = [row.changes for row in rows]
        return columns

    def _search_texts(self, columns: Values) -> list[str]:
        """The rows' search texts, whose words are kept for the vocabulary."""
        searched = zip(*(columns[name] for name in self._planner.resource.searched), strict=True)
        texts = [search.document(values) for values in searched]
        self._words |= vocabulary.of_texts(texts)
        return texts

    def _by_column(self, rows: Iterable[list[Any]]) -> dict[str, Sequence[Any]]:
        return dict(zip(self._planner.columns, zip(*rows, strict=True), strict=True))
