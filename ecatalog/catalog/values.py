"""Loaded values beside what a row holds: what differs, and how a change is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from ecatalog.catalog.resource import Resource

Values = Mapping[str, Any]
Link = tuple[str, Any]  # what names a parent: ("project_id", 7) or ("project", "P1")


def differences(resource: Resource, row: Any, values: Values) -> dict[str, tuple[Any, Any]]:
    """``{column: (old, new)}`` of what writing ``values`` to ``row`` would change."""
    changes: dict[str, tuple[Any, Any]] = {}
    for key in resource.fields:
        if key in values and key != resource.code and not same(getattr(row, key), values[key]):
            changes[key] = (getattr(row, key), values[key])
    if resource.parent is not None and {resource.link_column, resource.parent.name} & values.keys():
        column, value = link_value(resource, values)
        current = getattr(row, resource.link_column)
        parent = getattr(row, resource.parent.name)
        held = current if column == resource.link_column else parent and getattr(parent, resource.parent.code)
        if held != value:
            changes[resource.link_column] = (current, value)
    return changes


def link_value(resource: Resource, values: Values) -> Link:
    """The parent as it was given; the id wins where both name one."""
    assert resource.parent is not None
    if values.get(resource.link_column) is None and values.get(resource.parent.name) is not None:
        return resource.parent.name, values[resource.parent.name]
    return resource.link_column, values.get(resource.link_column)


def same(old: Any, new: Any) -> bool:
    if isinstance(old, (dict, list)) and isinstance(new, (dict, list)):
        # Python holds True == 1 for equal; JSON does not.
        return orjson.dumps(old, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
            new, option=orjson.OPT_SORT_KEYS
        )
    return bool(old == new)


def action_of(was_deleted: bool, is_deleted: bool) -> str:
    if was_deleted == is_deleted:
        return "update"
    return "delete" if is_deleted else "restore"


def shown_changes(resource: Resource, changes: dict[str, tuple[Any, Any]]) -> dict[str, dict[str, Any]]:
    """``{field: {"old", "new"}}`` as the API shows names and values."""
    return {
        shown_name(resource, key): {
            "old": shown_value(resource, key, old),
            "new": shown_value(resource, key, new),
        }
        for key, (old, new) in changes.items()
    }


def shown_name(resource: Resource, key: str) -> str:
    """A column's name as the API shows it."""
    declared = resource.fields.get(key)
    return (declared.data_key if declared is not None else None) or key


def shown_value(resource: Resource, key: str, value: Any) -> Any:
    """A column's value as the API shows it."""
    declared = resource.fields.get(key)
    return value if declared is None or value is None else declared._serialize(value, key, None)
