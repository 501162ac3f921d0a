"""Examples for the OpenAPI text of the transfer routes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson

from ecatalog.catalog.examples import code
from ecatalog.catalog.resource import Resource
from ecatalog.transfer.idempotency import KeyReused

Json = dict[str, Any]

REQUIRED = "This field is required."
TITLES = {status: HTTPStatus(status).phrase for status in (409, 413, 422, 503)}
RUNNING: Json = {
    "detail": "The first request with this Idempotency-Key is still running. Repeat this one later."
}
REUSED: Json = {"detail": KeyReused.detail}
TOO_MANY_ROWS = (
    "A JSON body may hold 5000 rows, this one holds 5001. "
    "Send NDJSON (Content-Type: application/x-ndjson), one object a line, for any number."
)
FILE_TOO_LARGE = "A file may have 50 MB. Send NDJSON to bulk for more."
TOO_MANY_CELLS: Json = {
    "detail": "More than 200000 rows do not come as xlsx: narrow the filters, "
    "or take export-csv or export-ndjson, which give any number."
}


def rows(resource: Resource) -> list[Json]:
    return [resource.example, {resource.code: code(resource) + "-2", "name": resource.example["name"]}]


def ndjson(values: list[Json]) -> str:
    return "".join(orjson.dumps(value).decode() + "\n" for value in values)


def report(resource: Resource) -> Json:
    """One row created, one bad."""
    return {
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "superseded": 0,
        "failed": 1,
        "errors": [{"index": 1, "line": None, "code": code(resource), "errors": {"name": [REQUIRED]}}],
        "repeated": 0,
        "repeats": [],
        "dry_run": False,
        "rejected": False,
    }


def sheet_report(resource: Resource) -> Json:
    """The same of a sheet."""
    details = {"row": 3, "code": code(resource), "error": f"name: {REQUIRED}", "errors": {"name": [REQUIRED]}}
    return report(resource) | {
        "errors": [f"Row 3: name: {REQUIRED}"],
        "errors_json": [details],
        "extra_columns": [],
        "skipped_sheets": [],
    }


def rejected(told: Json) -> Json:
    """The same report when one bad row keeps all out."""
    return told | {"created": 0, "rejected": True}


def full(resource: Resource) -> str:
    """``?response=full``."""
    told = report(resource)
    outcome = {"index": 0, "line": None, "code": code(resource), "outcome": "created"}
    return ndjson([{"report": told}, outcome, told["errors"][0] | {"outcome": "failed"}])


AWAY: Json = {
    "detail": "The database became unavailable. 4000 rows are in (4000 created, 0 updated). "
    "Send all rows again: those that are in will count as unchanged.",
    "written": 4000,
}
