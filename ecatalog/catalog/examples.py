"""Examples for the OpenAPI text, from a resource's declaration."""

from __future__ import annotations

from typing import Any

import orjson
import sqlalchemy as sa

from ecatalog.catalog.resource import Resource

EXAMPLE_TIME = "2026-01-31T09:30:00.123456Z"

Body = dict[str, Any]


def code(resource: Resource) -> str:
    return str(resource.example[resource.code])


def row(resource: Resource) -> Body:
    """The declared example as an answer shows it, with what the table puts into absent columns."""
    loaded = resource.write_schema().load(resource.example)
    columns = sa.inspect(resource.model).columns
    shown: Body = {"id": 1}
    for name, field in resource.fields.items():
        value = loaded[name] if name in loaded else _default(columns[name])
        shown[field.data_key or name] = None if value is None else field._serialize(value, name, None)
    if resource.parent is not None:
        parent = resource.parent
        shown[parent.name] = {"id": 1, parent.code: code(parent), "name": parent.example["name"]}
    shown |= {nested.name: [] for nested in resource.nested}
    return shown | {"created_at": EXAMPLE_TIME, "updated_at": EXAMPLE_TIME}


def changes(resource: Resource) -> dict[str, Body]:
    """Bodies for PATCH, by name."""
    return {
        "name": {"name": resource.example["name"]},
        "out_of_use": {"is_active": False},
        "delete": {"is_deleted": True},
    }


def history_entry() -> Body:
    return {
        "at": EXAMPLE_TIME,
        "user": "demo",
        "source": "api",
        "request_id": "5f0c1f6e9b3c4d0c8a7e6f5d4c3b2a19",
        "action": "update",
        "fields": {"name": {"old": "Shokolad", "new": "Шоколад"}},
    }


def page_of(*results: Body) -> Body:
    """A list that has no other page."""
    return {"count": len(results), "next": None, "previous": None, "results": list(results)}


def defaults(resource: Resource) -> str:
    """What a new row gets for fields that the body leaves out, in words."""
    columns = sa.inspect(resource.model).columns
    found = {
        field.data_key or name: _default(columns[name])
        for name, field in resource.fields.items()
        if not field.required
    }
    told = [
        f"`{name}` is `{orjson.dumps(value).decode()}`" for name, value in found.items() if value is not None
    ]
    return f"Of the fields left out, {', '.join(told)}; the others are `null`."


def _default(column: sa.Column[Any]) -> Any:
    """What a row gets in a column that nobody filled; None for what only the database knows."""
    default: Any = column.default
    if default is None or not (default.is_callable or default.is_scalar):
        return None
    return default.arg(None) if default.is_callable else default.arg
