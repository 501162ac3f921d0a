"""Query parameters, form fields and headers of the transfer routes, and what they mean to the pipeline."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from marshmallow import ValidationError

from ecatalog import fields
from ecatalog.catalog.bulk import Mode
from ecatalog.catalog.refusals import no_such_parent
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.values import link_value
from ecatalog.extensions import db
from ecatalog.smorest import Schema
from ecatalog.transfer.pipeline import CHUNK_ROWS, OnError, Options

KEY_CHARACTERS = re.compile(r"[\x20-\x7e]{1,255}")
KEY_MESSAGE = "Send 1 to 255 printable ASCII characters."


def _choice(words: type[StrEnum] | tuple[str, ...], description: str) -> fields.Choice:
    return fields.Choice(tuple(map(str, words)), allow_none=False, metadata={"description": description})


class IdempotencyKey(fields.Text):
    """A key that names a call."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not value.strip() or not KEY_CHARACTERS.fullmatch(value):
            raise ValidationError(KEY_MESSAGE)
        return value.strip()


class KeyHeader(Schema):
    """The header that makes a call repeatable."""

    idempotency_key = IdempotencyKey(
        255,
        allow_none=False,
        data_key="Idempotency-Key",
        metadata={
            "description": "Names the call: sent again with the same body and parameters within 24 hours, it "
            "is answered from store, with `Idempotency-Replayed: true`. With others: 422. While the first "
            "call runs: 409.",
            "pattern": "^[ -~]*[!-~][ -~]*$",
        },
    )


class ImportParameters(Schema):
    """How rows are to be imported."""

    mode = _choice(
        Mode,
        "`upsert` (default) creates and updates; `create` reports codes that exist; `update` reports codes "
        "that do not.",
    )
    on_error = _choice(
        OnError,
        "`skip` (default): good rows go in, bad ones are reported. `reject`: one bad row and nothing is "
        "written (200,000 rows at most).",
    )
    dry_run = fields.Boolean(
        metadata={
            "description": "`true`: nothing is written; the report also shows what would change in the first "
            "100 rows (200,000 rows at most)."
        }
    )


def import_parameters(resource: Resource, **more: Any) -> type[Schema]:
    """ImportParameters with the choice of a parent, where rows have one, and with ``more`` fields."""
    declared: dict[str, Any] = dict(more)
    if resource.parent is not None:
        parent = resource.parent
        declared[resource.link_column] = fields.Integer(
            minimum=1,
            maximum=fields.INT64_MAX,
            allow_none=False,
            metadata={"description": f"Id of the {parent.name} of rows that name none themselves."},
        )
        declared[parent.name] = fields.Text(
            parent.code_length,
            allow_none=False,
            metadata={"description": f"`{parent.code}` of the {parent.name} of rows that name none."},
        )
    name = f"{resource.label}{''.join(part.title() for part in more) or 'Import'}Parameters"
    return type(name, (ImportParameters,), declared)


def options_of(resource: Resource, values: Mapping[str, Any], chunk_rows: int = CHUNK_ROWS) -> Options:
    """The options that loaded parameters mean. Raises InvalidInput for a parent that is not there."""
    return Options(
        mode=Mode(values.get("mode") or Mode.UPSERT),
        on_error=OnError(values.get("on_error") or OnError.SKIP),
        dry_run=bool(values.get("dry_run")),
        parent=default_parent(resource, values),
        chunk_rows=chunk_rows,
    )


def default_parent(resource: Resource, values: Mapping[str, Any]) -> dict[str, Any]:
    """``{"project_id": 7}`` for rows that name no parent; empty where none is given."""
    if resource.parent is None:
        return {}
    column, value = link_value(resource, values)
    if value is None:
        return {}
    model: Any = resource.parent.model
    key = model.id if column == resource.link_column else getattr(model, resource.parent.code)
    found = db.session.scalar(sa.select(model.id).where(key == value, ~model.is_deleted))
    if found is None:
        raise no_such_parent(resource, (column, value))
    return {resource.link_column: found}
