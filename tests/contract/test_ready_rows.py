"""Rows that lie ready from other pages: lists show each as it is, and read only what they have not shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from ecatalog.catalog import clock, ready_rows, shown
from ecatalog.catalog.building import ListRequest
from ecatalog.catalog.listing import list_rows
from ecatalog.catalog.resource import Resource
from ecatalog.database import write_transaction
from ecatalog.extensions import db
from tests.contract.catalogue import Catalogue, Row, ok


@contextmanager
def read_rows(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The ids of the rows that lists read meanwhile, apart from which rows they show."""
    seen: list[int] = []

    def rows_of(resource: Resource, ids: Sequence[int]) -> list[Any]:
        seen.extend(ids)
        return shown.rows_of(resource, ids)

    def rows_as_they_are(resource: Resource, ids: Sequence[int]) -> dict[int, Any] | None:
        found = shown.rows_as_they_are(resource, ids)
        seen.extend(ids if found is not None else ())
        return found

    with monkeypatch.context() as patch:
        patch.setattr(ready_rows, "rows_of", rows_of)
        patch.setattr(ready_rows, "rows_as_they_are", rows_as_they_are)
        yield seen


def names(rows: Catalogue, **parameters: Any) -> list[str]:
    return [row["name"] for row in rows.page(**parameters)["results"]]


def agree(rows: Catalogue) -> None:
    """Each row of the list is what its own address answers."""
    listed = rows.page(page_size=100)["results"]
    assert listed == [ok(rows.get(row[rows.code])) for row in listed]


def test_a_page_reads_what_no_other_has_shown(rows: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Row] = [rows.create(f"R-{number}") for number in range(6)]
    with read_rows(monkeypatch) as seen:
        rows.page(page_size=4)
        assert sorted(seen) == [row["id"] for row in made[2:]]
        seen.clear()
        assert len(rows.page(page_size=6)["results"]) == 6
        assert sorted(seen) == [row["id"] for row in made[:2]]
        seen.clear()
        rows.patch("R-3", {"name": "Changed"})
        assert names(rows, ordering="name", page_size=6)[0] == "Changed"
        assert seen == [made[3]["id"]]
    agree(rows)


def test_each_change_of_a_row_is_shown(rows: Catalogue) -> None:
    for number in range(3):
        rows.create(f"R-{number}")
    for name in ("One", "Two", "One"):
        rows.patch("R-1", {"name": name})
        assert names(rows)[1] == name
        agree(rows)
    rows.delete("R-1")
    assert len(names(rows)) == 2
    rows.restore("R-1")
    assert len(names(rows)) == 3
    agree(rows)


def test_a_change_of_the_parent_is_shown(rows: Catalogue) -> None:
    parent = rows.resource.parent
    if parent is None:
        return
    above = Catalogue(rows.client, parent, rows.headers)
    above.create("P-1", name="Before")
    rows.create("R-1", **{parent.name: "P-1"})
    for name in ("Before", "After", "Before"):
        above.patch("P-1", {"name": name})
        [row] = rows.page()["results"]
        assert name in row[parent.name].values()
        agree(rows)


def test_what_was_rolled_back_is_not_kept(app: Flask, rows: Catalogue) -> None:
    rows.create("R-1", name="As it was")
    asked = ListRequest({}, f"http://localhost{rows.base}", [])
    with app.test_request_context(), pytest.raises(RuntimeError), write_transaction():
        tick = clock.take_tick(rows.resource)
        db.session.execute(sa.update(rows.resource.model).values(name="Never", tick=tick))
        assert b"Never" in (list_rows(rows.resource, asked).body or b"")
        raise RuntimeError
    with app.app_context(), write_transaction():
        db.session.execute(sa.update(rows.resource.model).values(name="The same tick", tick=tick))
        clock.touch(rows.resource)
    assert names(rows) == ["The same tick"]


def test_ticks_of_another_epoch_tell_nothing(app: Flask, rows: Catalogue) -> None:
    rows.create("R-1", name="As it was")
    assert names(rows) == ["As it was"]
    with app.app_context(), write_transaction():  # as a restored database may have it
        db.session.execute(sa.update(rows.resource.model).values(name="Another"))
        clock.renew_epoch(rows.resource)
    assert names(rows) == ["Another"]
