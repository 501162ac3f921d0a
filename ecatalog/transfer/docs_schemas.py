"""What the OpenAPI document says of reports and of the form of an import."""

from __future__ import annotations

from typing import Any

from marshmallow import fields as ma_fields

from ecatalog import fields
from ecatalog.smorest import AnswerSchema


def _count(description: str) -> Any:
    return ma_fields.Integer(required=True, metadata={"minimum": 0, "description": description})


def _texts(description: str) -> Any:
    return ma_fields.List(ma_fields.String(), required=True, metadata={"description": description})


MESSAGES = {
    "description": "Messages by field; those about the whole row stand under `non_field_errors`.",
    "additionalProperties": {"type": "array", "items": {"type": "string"}},
}


class RowPlace(AnswerSchema):
    """Where a row stood in what was sent."""

    index = _count("Place among the rows, from 0.")
    line = ma_fields.Integer(
        required=True, allow_none=True, metadata={"description": "Line or sheet row, from 1; null in JSON."}
    )
    code = ma_fields.String(required=True, allow_none=True, metadata={"description": "The row's code."})
    sheet = ma_fields.String(metadata={"description": "In workbooks: the sheet."})


class RowError(RowPlace):
    """A row that could not be written."""

    errors = ma_fields.Dict(required=True, metadata=MESSAGES)


class RowChange(RowPlace):
    """What a dry run would have changed in a row."""

    outcome = fields.Choice(("created", "updated"), required=True)
    fields_ = ma_fields.Dict(
        data_key="fields",
        required=True,
        metadata={
            "description": "What would change, by field; a creation lists no fields.",
            "additionalProperties": {
                "type": "object",
                "required": ["old", "new"],
                "properties": {"old": {}, "new": {}},
            },
        },
    )


class _Report(AnswerSchema):
    created = _count("Rows created.")
    updated = _count("Rows changed.")
    unchanged = _count("Rows that were like this already.")
    superseded = _count("Rows that were not written, since a later one has the same code.")
    failed = _count("Rows with errors.")
    repeated = _count("Rows whose code a row before them has, too; the last one counts.")
    repeats = ma_fields.List(
        ma_fields.Nested(RowPlace), required=True, metadata={"description": "Those rows, 1000 at most."}
    )
    dry_run = fields.Boolean(required=True, metadata={"description": "Nothing was written."})
    rejected = fields.Boolean(
        required=True, metadata={"description": "A row was bad, and so nothing was written."}
    )
    changes = ma_fields.List(
        ma_fields.Nested(RowChange), metadata={"description": "In a dry run: of the first 100 rows."}
    )


class BulkReportSchema(_Report):
    """What became of the rows."""

    errors = ma_fields.List(
        ma_fields.Nested(RowError), required=True, metadata={"description": "The first 1000 bad rows."}
    )


class SheetError(AnswerSchema):
    """A row of a sheet that could not be written."""

    row = ma_fields.Integer(required=True, allow_none=True, metadata={"description": "Sheet row, from 1."})
    code = ma_fields.String(required=True, allow_none=True)
    error = ma_fields.String(required=True, metadata={"description": "The messages in one line."})
    errors = ma_fields.Dict(required=True, metadata=MESSAGES)
    sheet = ma_fields.String(metadata={"description": "In workbooks: the sheet."})


class SheetReportSchema(_Report):
    """What became of the rows of a sheet."""

    errors = _texts("The first 1000 errors: `Row 7: …`.")
    errors_json = ma_fields.List(ma_fields.Nested(SheetError), required=True)
    extra_columns = _texts("Columns that are no field; they were ignored.")
    skipped_sheets = _texts("Sheets with no header like that of the first; they were ignored.")


IMPORT_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "contentEncoding": "binary", "description": "An .xlsx or .csv file."},
        "project_id": {"type": "integer", "description": "As the query parameter."},
        "project": {"type": "string", "description": "As the query parameter."},
        "mode": {"type": "string", "enum": ["upsert", "create", "update"]},
        "on_error": {"type": "string", "enum": ["skip", "reject"]},
        "dry_run": {"type": "boolean"},
        "report": {"type": "string", "enum": ["json", "xlsx"]},
    },
}
