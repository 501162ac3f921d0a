"""A schema's ``load`` for many rows that fill few of its many fields.

``Schema.load`` asks every declared field of every row, present or not: with 15 of 48 fields filled, that was
the larger half of an import (bench/transfer.py, under a profiler). Here the same field objects are asked, but
only for the keys that are there. A row that one of them refuses goes to the schema, which words the refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, missing
from marshmallow.fields import Field

from ecatalog.smorest import Schema


class RowLoader:
    """Loads rows as ``schema.load`` does; for a schema that has nothing to say of absent fields."""

    def __init__(self, schema: Schema) -> None:
        for name, field in schema.load_fields.items():
            if field.required or field.load_default is not missing:
                raise TypeError(f"{name!r} has something to say of rows in which it is absent")
        self._schema = schema
        self._fields: dict[str, tuple[str, Field[Any]]] = {
            field.data_key or name: (field.attribute or name, field)
            for name, field in schema.load_fields.items()
        }

    def load(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The loaded values of the keys that are there. Raises marshmallow's ValidationError."""
        loaded: dict[str, Any] = {}
        known = self._fields.get
        try:
            for key, value in row.items():
                found = known(key)
                if found is not None:
                    loaded[found[0]] = found[1].deserialize(value, key, row)
        except ValidationError:
            values: dict[str, Any] = self._schema.load(row)
            return values
        return loaded
