"""What somebody who types may mean: a few codes and names, those that begin so first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import sqlalchemy as sa

from ecatalog.catalog import hits, selection
from ecatalog.catalog.building import ListRequest
from ecatalog.catalog.hits import Found
from ecatalog.catalog.listing import Answer, by_clock
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.selection import Selection
from ecatalog.extensions import db

MOST = 10
_NEWEST = 4_000  # rows that are looked through before all: what is typed first, most names begin with


def suggest(resource: Resource, asked: ListRequest, known_tags: frozenset[str] | None) -> Answer:
    """Up to ten ``{code, name}`` for the loaded value ``q``, kept for as long as the clocks stand."""
    values = {**asked.values, "search": asked.values.get("q")}
    kind = ("suggest", resource.name)
    return by_clock(kind, resource.clock_names, asked, known_tags, lambda _: _build(resource, values))


def _build(resource: Resource, values: Mapping[str, Any]) -> bytes:
    selected, found = selection.select(resource, values, _look)
    fuzzy = {"fuzzy": True} if selected.approximate else {}
    return orjson.dumps({**fuzzy, "results": _named(resource, [hit.id for hit in found.hits])})


def _look(selected: Selection) -> Found:
    if not selected.words:
        return Found(0, ())
    first = hits.find_in_newest(selected, MOST, rows=_NEWEST, beginning=True)
    if first is not None:
        return Found(len(first), first)
    return hits.find_in_all(selected, beginning=True, most=MOST)


def _named(resource: Resource, ids: list[int]) -> list[dict[str, Any]]:
    model: Any = resource.model
    columns = (model.id, getattr(model, resource.code), model.name)
    rows = db.session.execute(sa.select(*columns).where(model.id.in_(ids)))
    by_id = {row_id: {"code": code, "name": name} for row_id, code, name in rows}
    return [by_id[row_id] for row_id in ids]
