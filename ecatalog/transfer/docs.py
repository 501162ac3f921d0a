"""The OpenAPI text of the transfer routes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import orjson

from ecatalog import fields
from ecatalog.catalog.examples import row as example_row
from ecatalog.catalog.resource import Resource
from ecatalog.openapi.components import header_references
from ecatalog.openapi.notes import Decorator
from ecatalog.smorest import Blueprint, Schema
from ecatalog.transfer import docs_examples as examples
from ecatalog.transfer.answers import NDJSON, XLSX
from ecatalog.transfer.bodies import MAX_JSON_BYTES
from ecatalog.transfer.csv_sink import csv_lines
from ecatalog.transfer.docs_schemas import IMPORT_FORM, BulkReportSchema, SheetReportSchema
from ecatalog.transfer.export import MAX_XLSX_ROWS
from ecatalog.transfer.json_source import MAX_ROWS
from ecatalog.transfer.parameters import import_parameters

JSON = "application/json"
PROBLEM = "application/problem+json"
FILE = {"type": "string", "contentEncoding": "binary"}
TEXT = {"type": "string"}
ERROR = {"$ref": "#/components/schemas/Error"}
BAD_REQUEST = {"$ref": "#/components/schemas/BadRequest"}
PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Problem"}
DISPOSITION = {"description": "Has browsers save the answer.", "schema": TEXT}
REPLAYED = {"description": "`true` when the answer comes from store.", "schema": TEXT}


def _chain(*decorators: Decorator) -> Decorator:
    def apply(view: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            view = decorator(view)
        return view

    return apply


class TransferDocs:
    """Schemas of parameters, and a decorator for each operation."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.blueprint = Blueprint("documentation", __name__)  # for its decorators alone
        self.description = f"{resource.label}: many rows at once, in and out, as JSON, NDJSON, Excel and CSV."

    @cached_property
    def bulk_parameters(self) -> type[Schema]:
        full = "`full`: NDJSON, the report in its first line, then what became of each row."
        return import_parameters(
            self.resource,
            response=fields.Choice(("full",), allow_none=False, metadata={"description": full}),
        )

    @cached_property
    def sheet_parameters(self) -> type[Schema]:
        as_sheet = "`xlsx`: the answer is the uploaded sheet with the errors beside its bad rows."
        return import_parameters(
            self.resource,
            report=fields.Choice(("json", "xlsx"), allow_none=False, metadata={"description": as_sheet}),
        )

    def _operation(self, name: str, summary: str, description: str, **more: Any) -> Decorator:
        operation_id = f"{self.resource.name}_{name}".replace("-", "_")
        return self.blueprint.doc(summary=summary, description=description, operationId=operation_id, **more)

    @property
    def bulk(self) -> Decorator:
        rows = examples.rows(self.resource)
        report, lines = examples.report(self.resource), examples.full(self.resource)
        return _chain(
            *self._reports(BulkReportSchema, report, examples.rejected(report), NDJSON, TEXT, lines),
            *self._refusals(examples.TOO_MANY_ROWS),
            self.blueprint.errors(415),
            self._operation(
                "bulk",
                f"Write many rows of {self.resource.name}",
                f"Rows are known by `{self.resource.code}`: new ones are created (their required fields must "
                "be there), known ones updated in the fields that are present, deleted ones come back. Of "
                f"rows with the same code the last counts. JSON holds at most {MAX_ROWS} rows and "
                f"{MAX_JSON_BYTES // 1024**2} MB; NDJSON, one object a line, any number: it is read as it "
                "comes in and written in chunks, each a transaction of its own. At most 1000 errors are "
                "listed, all are counted. After a 503 send everything again: what is in counts as unchanged.",
                requestBody={
                    "required": True,
                    "content": {
                        JSON: {
                            "schema": self._json_body,
                            "examples": {"array": {"value": rows}, "items": {"value": {"items": rows}}},
                        },
                        NDJSON: {"schema": TEXT, "example": examples.ndjson(rows)},
                    },
                },
            ),
        )

    @property
    def _json_body(self) -> dict[str, Any]:
        # No type and nothing required: a row that is no object, or has no code, fails alone, in the report.
        row = {
            "description": "An object with the fields as POST takes them; only "
            f"`{self.resource.code}` is always required. What is wrong with a row is told in the report.",
        }
        array = {"type": "array", "items": row, "maxItems": MAX_ROWS}
        return {"anyOf": [array, {"type": "object", "required": ["items"], "properties": {"items": array}}]}

    @property
    def import_xlsx(self) -> Decorator:
        report = examples.sheet_report(self.resource)
        return _chain(
            *self._reports(SheetReportSchema, report, examples.rejected(report), XLSX, FILE, "(a workbook)"),
            *self._refusals(examples.FILE_TOO_LARGE),
            self.blueprint.errors(415),
            self._operation(
                "import_xlsx",
                f"Import {self.resource.name} from Excel or CSV",
                "Columns are found by their header, in any order and letter case, also by usual Russian and "
                "Uzbek names; unknown ones are named in the report. A missing column leaves its field as it "
                "is, an empty cell clears it. CSV is UTF-8 or windows-1251, with `;` or `,`. Rows are "
                "written as `bulk` writes them. The parameters may stand in the form as well.",
                requestBody={
                    "required": True,
                    "content": {
                        "multipart/form-data": {
                            "schema": IMPORT_FORM,
                            "example": {"file": "(a workbook)", "mode": "upsert"},
                        }
                    },
                },
            ),
        )

    def _reports(
        self,
        schema: type[Schema],
        report: dict[str, Any],
        rejected: dict[str, Any],
        other_type: str,
        other_schema: dict[str, Any],
        other: str,
    ) -> tuple[Decorator, ...]:
        """200 and 400, both as a report in JSON or in another form."""
        response, alternative = self.blueprint.response, self.blueprint.alt_response
        bad = {
            "rejected": {"value": rejected},
            "value": {"value": {"project": ['No project matches "P9".']}},
            "json": {
                "value": {"detail": "JSON parse error - unexpected end of data: line 1 column 1 (char 0)"}
            },
        }
        either = {"anyOf": [{"$ref": f"#/components/schemas/{_name(schema)}"}, BAD_REQUEST]}
        told = {"description": "What became of the rows.", "headers": {"Idempotency-Replayed": REPLAYED}}
        refused = {"description": "A row was bad under `on_error=reject`, or nothing could be read."}
        problem = {
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "detail": "Malformed request.",
        }
        return (
            response(200, schema, example=report, **told),
            alternative(200, schema=other_schema, content_type=other_type, example=other, **told),
            alternative(400, schema=either, examples=bad, **refused),
            alternative(400, schema=other_schema, content_type=other_type, example=other, **refused),
            alternative(400, schema=PROBLEM_SCHEMA, content_type=PROBLEM, example=problem, **refused),
        )

    def _refusals(self, too_large: str) -> tuple[Decorator, ...]:
        """The answers of imports that are none of every operation."""
        return (
            *self._refusal(409, "The first call with this Idempotency-Key still runs.", examples.RUNNING),
            *self._refusal(413, "The body is too large.", {"detail": too_large}),
            *self._refusal(422, "The Idempotency-Key belongs to another call.", examples.REUSED),
            *self._refusal(503, "The database is away; the body tells what is in.", examples.AWAY),
        )

    def _refusal(self, status: int, description: str, body: dict[str, Any]) -> tuple[Decorator, ...]:
        problem = {"type": "about:blank", "title": examples.TITLES[status], "status": status, **body}
        headers = header_references("Retry-After") if status in (409, 503) else {}
        told = {"description": description, "headers": headers}
        alternative = self.blueprint.alt_response
        return (
            alternative(status, schema=ERROR, example=body, **told),
            alternative(status, schema=PROBLEM_SCHEMA, content_type=PROBLEM, example=problem, **told),
        )

    @property
    def template(self) -> Decorator:
        return _chain(
            self._file(XLSX, FILE, "(a workbook)"),
            self.blueprint.errors(503),
            self._operation(
                "template_xlsx",
                f"A workbook for {self.resource.name} to fill in",
                "Its header row explains the columns, its second row is an example to write over.",
            ),
        )

    def export(self, form: str) -> Decorator:
        """Decorator of ``export-xlsx``, ``export-csv`` or ``export-ndjson``."""
        row = example_row(self.resource)
        content_type, schema, example, limit = {
            "xlsx": (XLSX, FILE, "(a workbook)", f"At most {MAX_XLSX_ROWS} rows; more: 413."),
            "csv": (
                "text/csv",
                TEXT,
                b"".join(csv_lines(self.resource, [row])).decode(),
                "Any number of rows: UTF-8 with BOM, `;` between cells, a decimal comma, as Excel has it.",
            ),
            "ndjson": (NDJSON, TEXT, orjson.dumps(row).decode() + "\n", "Any number of rows, one a line."),
        }[form]
        decorators = [self._file(content_type, schema, example)]
        if form == "xlsx":
            decorators += self._refusal(413, "More rows than xlsx may have here.", examples.TOO_MANY_CELLS)
        return _chain(
            *decorators,
            self.blueprint.errors(503),
            self._operation(
                f"export_{form}",
                f"Export {self.resource.name} as {form}",
                f"All rows that the list shows with these filters, search and ordering. {limit} "
                "The file can be imported again.",
            ),
        )

    def _file(self, content_type: str, schema: dict[str, Any], example: str) -> Decorator:
        return self.blueprint.response(
            200,
            schema,
            content_type=content_type,
            description="The file.",
            example=example,
            headers={"Content-Disposition": DISPOSITION},
        )


def _name(schema: type[Schema]) -> str:
    return schema.__name__.removesuffix("Schema")
