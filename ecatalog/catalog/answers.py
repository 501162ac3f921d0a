"""Schemas of answers that are no rows: pages, history, suggestions."""

from __future__ import annotations

from typing import Any

from marshmallow import fields as ma_fields
from marshmallow.fields import Field

from ecatalog import fields
from ecatalog.smorest import AnswerSchema, Schema

_USER = "Name of the user, if one wrote it. Viewers see no name but their own."


class HistoryEntrySchema(AnswerSchema):
    """One change of a row; a creation lists no fields."""

    at = fields.Timestamp(required=True)
    user = fields.Text(150, required=True, allow_none=True, metadata={"description": _USER})
    source = fields.Text(20, required=True, metadata={"description": "The way in: api, cli, demo, …"})
    request_id = fields.Text(64, required=True, allow_none=True)
    action = fields.Choice(("create", "update", "delete", "restore"), required=True)
    fields_ = ma_fields.Dict(
        data_key="fields",
        required=True,
        metadata={
            "description": "What changed, by field.",
            "additionalProperties": {
                "type": "object",
                "required": ["old", "new"],
                "properties": {"old": {}, "new": {}},
            },
        },
    )


def envelope(name: str, results: type[Schema], **more: Field[Any]) -> type[Schema]:
    """The schema of one page of ``results``; ``more`` are further fields."""
    address = {"format": "uri", "description": "Absolute address of the page, or null."}
    declared: dict[str, Any] = {
        "count": ma_fields.Integer(required=True, metadata={"minimum": 0}),
        "next": ma_fields.String(required=True, allow_none=True, metadata=address),
        "previous": ma_fields.String(required=True, allow_none=True, metadata=address),
        "results": ma_fields.List(ma_fields.Nested(results), required=True),
    }
    return type(name, (AnswerSchema,), declared | more)


def fuzzy() -> Field[Any]:
    """The mark on answers to a search that nothing matched."""
    return fields.Boolean(
        metadata={"description": "There, and `true`, where nothing matched and near words were looked for."}
    )


HistoryList = envelope("HistoryList", HistoryEntrySchema)


def suggestions(label: str, code_length: int) -> type[Schema]:
    """``{"results": [{code, name}]}``."""
    entry: dict[str, Any] = {
        "code": fields.Text(code_length, required=True),
        "name": fields.Text(255, required=True),
    }
    nested = ma_fields.Nested(type(f"{label}Suggestion", (AnswerSchema,), entry))
    declared: dict[str, Any] = {"fuzzy": fuzzy(), "results": ma_fields.List(nested, required=True)}
    return type(f"{label}Suggestions", (AnswerSchema,), declared)
