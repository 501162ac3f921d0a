"""Imports over HTTP: a request in, an answer out. Views call these."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import orjson
from flask import Response, request
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ecatalog.auth.permissions import require_user
from ecatalog.catalog.blueprint import origin
from ecatalog.catalog.bulk import Action, Outcome
from ecatalog.catalog.resource import Resource
from ecatalog.errors import (
    ApiError,
    InvalidInput,
    LostInCommit,
    MalformedRequest,
    ServiceUnavailable,
    TooLarge,
)
from ecatalog.extensions import db
from ecatalog.transfer import bodies, idempotency, pipeline
from ecatalog.transfer.answers import NDJSON, XLSX, Answer
from ecatalog.transfer.bodies import Upload
from ecatalog.transfer.idempotency_records import Scope
from ecatalog.transfer.json_source import MAX_ROWS
from ecatalog.transfer.parameters import options_of
from ecatalog.transfer.pipeline import Fence, InterruptedImport, Options, Watcher
from ecatalog.transfer.report import Report, place
from ecatalog.transfer.rows import Rows, SourceError, SourceInfo, SourceRow, TooManyRows

Values = Mapping[str, Any]


def receive_rows(resource: Resource, values: Values, key: str | None) -> Response:
    """``bulk``: rows of a JSON or NDJSON body."""
    options = options_of(resource, values)
    db.session.close()  # a slow upload must not keep a connection
    with ExitStack() as stack:
        try:
            body = bodies.open_body(stack, keyed=key is not None)
        except SourceError as error:
            raise _refusal(error) from error
        if body.is_json:
            options = replace(options, chunk_rows=MAX_ROWS)  # one body, one batch
        full = values.get("response") == "full"

        def work(fence: Fence | None) -> Answer:
            return _import_rows(resource, body.rows, options, fence, full=full)

        return _answer(key, body.digest, values, work).response()


def _import_rows(
    resource: Resource, rows: Rows, options: Options, fence: Fence | None, *, full: bool
) -> Answer:
    with tempfile.TemporaryFile(prefix="ecatalog-outcomes-") as lines:
        report = _run(resource, rows, options, "bulk", _outcome_writer(lines) if full else None, fence)
        status = 400 if report.rejected else 200
        if not full:
            return Answer.of_json(status, report.as_dict())
        return _full_answer(status, report, lines)


def receive_sheet(resource: Resource, key: str | None, load: Callable[[Values], Values]) -> Response:
    """``import-xlsx``: rows of an uploaded workbook or CSV file.

    ``load`` validates the form's fields together with the query's.
    """
    db.session.close()
    with ExitStack() as stack:
        upload = bodies.open_upload(stack)
        form = {name: text for name, text in request.form.items() if text.strip()}
        values = load({**request.args.to_dict(), **form})
        options = options_of(resource, values)
        db.session.close()

        def work(fence: Fence | None) -> Answer:
            return _import_sheet(resource, upload, options, fence, as_sheet=values.get("report") == "xlsx")

        return _answer(key, upload.digest, values, work).response()


def _import_sheet(
    resource: Resource, upload: Upload, options: Options, fence: Fence | None, *, as_sheet: bool
) -> Answer:
    from ecatalog.transfer import error_sheet  # here: it brings XlsxWriter along

    info = SourceInfo()
    rows = upload.rows(resource, info)
    with tempfile.TemporaryFile(prefix="ecatalog-errors-") as errors:
        watch = error_sheet.error_writer(errors) if as_sheet else None
        report = _run(resource, rows, options, "xlsx", watch, fence, field="file")
        status = 400 if report.rejected else 200
        shown = report.as_sheet_dict(info)
        if not as_sheet:
            return Answer.of_json(status, shown)
        path = upload.path.with_name("report.xlsx")
        error_sheet.write_error_sheet(path, resource, upload, errors, shown)
        return Answer.of_file(path, XLSX, f"{Path(upload.name).stem or resource.name}-errors.xlsx", status)


def _answer(key: str | None, digest: str, values: Values, work: Callable[[Fence | None], Answer]) -> Answer:
    """What ``work`` answers; once for a call with a key."""
    if key is None:
        return work(None)
    given = orjson.dumps(dict(values), option=orjson.OPT_SORT_KEYS, default=str)
    fingerprint = hashlib.sha256(digest.encode() + given).hexdigest()
    scope = Scope(require_user().id, request.path, key, fingerprint)
    return idempotency.once(scope, work)


def _run(
    resource: Resource,
    rows: Rows,
    options: Options,
    source: str,
    watch: Watcher | None,
    fence: Fence | None,
    field: str | None = None,
) -> Report:
    """The report of a whole import; one that ended early as the error that tells what is in.

    ``field`` is the form field that is to blame for a source that cannot be read.
    """
    try:
        return pipeline.run(resource, rows, options, replace(origin(), source=source), watch, fence)
    except InterruptedImport as interrupted:
        raise _explained(interrupted, field) from interrupted


def _explained(interrupted: InterruptedImport, field: str | None) -> BaseException:
    report, cause = interrupted.report, interrupted.cause
    if isinstance(cause, SourceError):
        return _refusal(cause, field) if not report.rows else _cut_off(report, cause)
    if isinstance(cause, DBAPIError) and not isinstance(cause, (OperationalError, InterfaceError)):
        return cause  # unforeseen
    if isinstance(cause, (DBAPIError, PoolTimeoutError)):
        return _away(report, cause)
    return cause


def _refusal(error: SourceError, field: str | None = None) -> ApiError:
    """The answer to what could not be read at all."""
    if isinstance(error, TooManyRows):
        return TooLarge(str(error))
    return MalformedRequest(str(error)) if field is None else InvalidInput({field: [str(error)]})


def _cut_off(report: Report, cause: SourceError) -> ApiError:
    detail = f"{cause} {_is_in(report)}"
    return MalformedRequest(body={"detail": detail, "written": report.written, "report": report.as_dict()})


def _away(report: Report, cause: BaseException) -> ApiError:
    in_doubt = "The rows after them may have been saved, too. " if isinstance(cause, LostInCommit) else ""
    error = ServiceUnavailable(
        f"The database became unavailable. {_is_in(report)} {in_doubt}"
        "Send all rows again: those that are in will count as unchanged."
    )
    error.body |= {"written": report.written, "report": report.as_dict()}
    return error


def _is_in(report: Report) -> str:
    if not report.written:
        return "No row is in."
    return f"{report.written} rows are in ({report.created} created, {report.updated} updated)."


def _outcome_writer(lines: IO[bytes]) -> Watcher:
    def watch(row: SourceRow, outcome: Outcome) -> None:
        told = place(row, outcome) | {"outcome": outcome.action.value}
        if outcome.errors:
            told["errors"] = outcome.errors
        lines.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))

    return watch


def _full_answer(status: int, report: Report, lines: IO[bytes]) -> Answer:
    """The report in the first line, and a line for each row."""
    answer = Answer.spooled(status, NDJSON)
    answer.content.write(orjson.dumps({"report": report.as_dict()}, option=orjson.OPT_APPEND_NEWLINE))
    lines.seek(0)
    if not report.rejected:
        shutil.copyfileobj(lines, answer.content)
        return answer
    for line in lines:
        told = orjson.loads(line)
        if told["outcome"] in (Action.CREATED, Action.UPDATED):
            told["outcome"] = "rejected"  # good, but kept out by another row
        answer.content.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))
    return answer
