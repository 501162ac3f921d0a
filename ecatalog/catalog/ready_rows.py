"""Rows as lists show them, kept as bytes under their entity tags.

Pages overlap, and a write changes one row of many: most rows of a page that nobody has asked for, or that a
tick has made untrue, have been shown as they are now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from ecatalog.catalog import cache, etag
from ecatalog.catalog.nested import render_rows
from ecatalog.catalog.paging import Window
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.shown import rows_as_they_are, rows_of
from ecatalog.database import in_write_transaction


@dataclass(frozen=True)
class Reference:
    """A row, and what its entity tag follows from.

    place   where it stands in the order: the values of the order's columns, which a cursor is made of;
            nothing where the window does not ask for them (``placed``)
    """

    id: int
    tick: int
    parent_tick: int | None
    place: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.place[name]
        except KeyError:
            raise AttributeError(name) from None


def _placing(window: Window) -> list[str]:
    return [term.column for term in window.order if window.placed and term.column != "id"]


def chosen(own: Any, window: Window) -> list[Any]:
    """What to select of a table for :func:`referring`."""
    return [own.id, *(getattr(own, name).label(name) for name in _placing(window))]


def referring(resource: Resource, ids: sa.Select[Any], *, at_least_one: bool = False) -> sa.Select[Any]:
    """The SELECT of the references of rows, in their order, from that of :func:`chosen`.

    The ids are chosen inside, where an index has them: the rows that are skipped are not looked at. With
    ``at_least_one``, there is one row of nulls where there are none.
    """
    page = ids.subquery("page")
    own, one = resource.columns, page.c.id
    tick = sa.select(own.tick).where(own.id == one).scalar_subquery()
    parent_tick: sa.ColumnElement[Any] = sa.null()
    if resource.parent is not None:
        parent, link = resource.parent.columns, getattr(own, resource.link_column)
        of_parent = sa.select(parent.tick).where(parent.id == link, own.id == one)
        parent_tick = of_parent.scalar_subquery()
    references = sa.select(one, tick, parent_tick, *(column for column in page.c if column is not one))
    if not at_least_one:
        return references
    always = sa.select(sa.literal_column("1").label("one")).subquery("always")
    return references.select_from(always.outerjoin(page, sa.true()))


def referred(window: Window, rows: Iterable[Sequence[Any]]) -> list[Reference]:
    """The references that a statement of :func:`referring` has read."""
    names = _placing(window)
    found = []
    for row_id, tick, parent_tick, *values in rows:
        found.append(Reference(row_id, tick, parent_tick, dict(zip(names, values, strict=True))))
    return found


def fragments(
    resource: Resource, references: Sequence[Reference], shown_by: tuple[object, ...]
) -> list[orjson.Fragment]:
    """The rows as JSON, in that order; those that do not lie ready are read in the session's snapshot.

    ``shown_by`` is all that makes a row look different besides what its tag tells.
    """
    keys = _keys(resource, references, shown_by)
    if in_write_transaction():  # nothing is kept of what may be rolled back
        bodies = _read(resource, list(keys))
    else:
        bodies, missing = _kept(keys)
        read = _read(resource, missing)
        cache.rows.put_all({keys[row_id]: body for row_id, body in read.items()})
        bodies |= read
    return [orjson.Fragment(bodies[row_id]) for row_id in keys]


def fragments_at_once(
    resource: Resource, references: Sequence[Reference], shown_by: tuple[object, ...]
) -> list[orjson.Fragment] | None:
    """As :func:`fragments`, but outside any transaction.

    None where that is not to be had, where a row has changed since it was referred to, and where one has
    children, which are read apart.
    """
    keys = _keys(resource, references, shown_by)
    bodies, missing = _kept(keys)
    found = rows_as_they_are(resource, missing)
    if found is None or len(found) < len(missing) or any(row.has_children for row in found.values()):
        return None
    place = _place(resource, shown_by)
    if any(_key(place, row.id, etag.row_etag(resource, row)) != keys[row.id] for row in found.values()):
        return None
    read = _rendered(resource, list(found.values()))
    cache.rows.put_all({keys[row_id]: body for row_id, body in read.items()})
    bodies |= read
    return [orjson.Fragment(bodies[row_id]) for row_id in keys]


def _keys(
    resource: Resource, references: Sequence[Reference], shown_by: tuple[object, ...]
) -> dict[int, str]:
    """By the rows' ids, what they are kept under."""
    place, end = _place(resource, shown_by), etag.end_of_tags(resource)
    return {
        one.id: _key(place, one.id, etag.tag_of(resource, one.tick, one.parent_tick, end))
        for one in references
    }


def _place(resource: Resource, shown_by: tuple[object, ...]) -> str:
    return etag.digest(resource.name, shown_by)


def _key(place: str, row_id: int, tag: str) -> str:
    return f"{place} {row_id:x} {tag}"


def _kept(keys: Mapping[int, str]) -> tuple[dict[int, bytes], list[int]]:
    """The rows that lie ready, and the ids of the others."""
    kept = zip(keys, cache.rows.get_all(list(keys.values())), strict=True)
    bodies = {row_id: body for row_id, body in kept if body is not None}
    return bodies, [row_id for row_id in keys if row_id not in bodies]


def _read(resource: Resource, ids: Sequence[int]) -> dict[int, bytes]:
    return _rendered(resource, rows_of(resource, ids))


def _rendered(resource: Resource, rows: Sequence[Any]) -> dict[int, bytes]:
    shown = render_rows(resource, rows)
    return {row.id: orjson.dumps(answer) for row, answer in zip(rows, shown, strict=True)}
