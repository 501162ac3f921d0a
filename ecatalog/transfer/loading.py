"""A schema's ``load`` for many rows that fill few of its many fields.

``Schema.load`` asks every declared field of every row, present or not, at some 2 µs each: that was the larger
part of an import (docs/adr/0008-many-rows-faster.md). Here only the keys that are there are looked at, in a
plan that rows of the same keys share; ordinary values need not ask the field at all. A row that a field
refuses goes to the schema, which words the refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, missing
from marshmallow.fields import Field

from ecatalog.smorest import Schema
from ecatalog.transfer.quick_fields import ASK, Quick, quick

_Step = tuple[str, Quick, Field[Any]]  # the name of what is loaded, and who loads it
PLANS_KEPT = 100  # a hostile body may have other keys in each row


class RowLoader:
    """Loads rows as ``schema.load`` does; for a schema that has nothing to say of absent fields."""

    def __init__(self, schema: Schema) -> None:
        for name, field in schema.load_fields.items():
            if field.required or field.load_default is not missing:
                raise TypeError(f"{name!r} has something to say of rows in which it is absent")
        self._schema = schema
        self._steps: dict[str, _Step] = {
            field.data_key or name: (field.attribute or name, quick(field), field)
            for name, field in schema.load_fields.items()
        }
        self._plans: dict[tuple[str, ...], list[_Step | None]] = {}

    def load(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The loaded values of the keys that are there. Raises marshmallow's ValidationError."""
        keys = tuple(row)
        plan = self._plans.get(keys) or self._make_plan(keys)
        loaded: dict[str, Any] = {}
        try:
            for step, value in zip(plan, row.values(), strict=True):
                if step is None:
                    continue
                name, load, field = step
                result = load(value)
                loaded[name] = (
                    field.deserialize(value, field.data_key or name, row) if result is ASK else result
                )
        except ValidationError:
            values: dict[str, Any] = self._schema.load(row)
            return values
        return loaded

    def _make_plan(self, keys: tuple[str, ...]) -> list[_Step | None]:
        """Who loads each of the keys; None for those that are no field."""
        plan = [self._steps.get(key) for key in keys]
        if len(self._plans) < PLANS_KEPT:
            self._plans[keys] = plan
        return plan
