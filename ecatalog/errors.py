"""Our exceptions, and the one table that turns any exception into an HTTP answer.

Every answer belongs to one family of JSON shapes (``{"detail": …}`` or ``{"field": ["message"]}``), or
carries the same facts as RFC 9457 problem details when the client asks for ``application/problem+json``.
"""

from __future__ import annotations

import errno
import logging
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response, g, request
from marshmallow import ValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import (
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    RequestTimeout,
)

log = logging.getLogger(__name__)

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"

FieldErrors = dict[str, Any]


class ApiError(Exception):
    """An answer that ends the request: an HTTP status, a JSON body and headers."""

    status = 500
    detail = "Internal server error."

    def __init__(
        self,
        detail: str | None = None,
        *,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.body: dict[str, Any] = body if body is not None else {"detail": detail or self.detail}
        self.headers = headers or {}
        super().__init__(detail or self.detail)


class InvalidInput(ApiError):
    """400 with messages by field: ``InvalidInput({"name": ["This field is required."]})``."""

    status = 400
    detail = "Invalid input."

    def __init__(self, errors: FieldErrors) -> None:
        super().__init__(body=errors)
        self.errors = errors


class MalformedRequest(ApiError):
    """400 for a request that could not be read at all."""

    status = 400
    detail = "Malformed request."


class NotAuthenticated(ApiError):
    """401: no token was sent, or the one that was sent is not good."""

    status = 401
    detail = "Authentication credentials were not provided."

    def __init__(self, detail: str | None = None, *, body: dict[str, Any] | None = None) -> None:
        super().__init__(detail, body=body, headers={"WWW-Authenticate": 'Bearer realm="api"'})


class PermissionDenied(ApiError):
    """403: the user is known, but their role does not allow this."""

    status = 403
    detail = "You do not have permission to perform this action."


class RowNotFound(ApiError):
    """404: no live row carries that code."""

    status = 404
    detail = "Not found."


class Conflict(ApiError):
    """409: the request fits more than one row, or another call is in its way."""

    status = 409
    detail = "Conflict."


class Gone(ApiError):
    """410: a cursor from before a restore."""

    status = 410
    detail = "This cursor is no longer valid. Start again without it."


class PreconditionFailed(ApiError):
    """412: the row is no longer the one that ``If-Match`` names."""

    status = 412
    detail = "The row has changed since it was read."


class TooLarge(ApiError):
    """413: the request or what it asks for is too large; the message names the way for more."""

    status = 413
    detail = "Request body is too large."


class UnsupportedMediaType(ApiError):
    """415: the body is of a type that no reader here understands."""

    status = 415

    def __init__(self, media_type: str) -> None:
        super().__init__(f'Unsupported media type "{media_type}" in request.')


class UnsupportedContentEncoding(ApiError):
    """415: the body is compressed."""

    status = 415

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f'Unsupported content encoding "{encoding}" in request. Send the body uncompressed.',
            headers={"Accept-Encoding": "identity"},
        )


class Throttled(ApiError):
    """429: a limit is used up for the next ``seconds``."""

    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"Request was throttled. Expected available in {seconds} seconds.",
            headers={"Retry-After": str(seconds)},
        )


class ServiceUnavailable(ApiError):
    """503: a part that the request needs is away; the client may try again."""

    status = 503
    detail = "Service temporarily unavailable, try again later."

    def __init__(self, detail: str | None = None, *, seconds: int = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(seconds)})


IN_DOUBT = (
    "The database became unavailable while the change was being saved. It may have been saved: "
    "look before you send it again."
)


class LostInCommit(OperationalError):
    """The connection ended while a transaction was being committed: nobody knows whether it was."""

    @classmethod
    def of(cls, error: DBAPIError) -> LostInCommit:
        return cls(error.statement, None, error.orig or error, connection_invalidated=True)


def flatten_messages(messages: Any) -> FieldErrors:
    """marshmallow's messages in DRF's form: errors of the whole object go under ``non_field_errors``."""
    if isinstance(messages, dict):
        return {
            "non_field_errors" if key == "_schema" else str(key): value for key, value in messages.items()
        }
    return {"non_field_errors": messages}


def _json_answer(status: int, body: dict[str, Any], headers: dict[str, str]) -> Response:
    content_type = JSON
    if _wants_problem():
        content_type = PROBLEM_JSON
        body = _as_problem(status, body)
    answer = Response(orjson.dumps(body, default=str), status=status, content_type=content_type)
    answer.headers.extend(headers)
    answer.vary.add("Accept")
    return answer


def _wants_problem() -> bool:
    """Whether the client names problem details, and likes plain JSON no better; ``*/*`` names neither."""
    named = {JSON: 0.0, PROBLEM_JSON: 0.0}
    for media_range, quality in request.accept_mimetypes:
        media_type = media_range.partition(";")[0].strip().lower()
        if media_type in named:
            named[media_type] = max(quality, named[media_type])
    return named[PROBLEM_JSON] > 0 and named[PROBLEM_JSON] >= named[JSON]


def _as_problem(status: int, body: dict[str, Any]) -> dict[str, Any]:
    """RFC 9457: ``detail`` and every other member stay; field messages go under ``errors``."""
    problem: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if "detail" in body and isinstance(body["detail"], str):
        return problem | body
    return problem | {"detail": "Invalid input.", "errors": body}


def _handle_api_error(error: ApiError) -> Response:
    return _json_answer(error.status, error.body, error.headers)


def _handle_validation_error(error: ValidationError) -> Response:
    return _json_answer(400, flatten_messages(error.messages), {})


def _handle_http_exception(error: HTTPException) -> Response:
    """Answers of Werkzeug and Flask, in the contract's words."""
    status = error.code or 500
    if status >= 500:
        return _handle_unforeseen(error)
    headers: dict[str, str] = {}
    detail = error.description or HTTPStatus(status).phrase
    if isinstance(error, NotFound):
        detail = "Not found."
    elif isinstance(error, MethodNotAllowed):
        detail = f'Method "{request.method}" not allowed.'
        headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    elif isinstance(error, RequestEntityTooLarge):
        detail = "Request body is too large."
    elif isinstance(error, RequestTimeout):
        detail = "The request did not arrive in time."
    elif status == 400:
        detail = "Malformed request."
    return _json_answer(status, {"detail": detail}, headers)


def _handle_database_error(error: Exception) -> Response:
    """A database that is away or overloaded is a 503; its own words go to the log alone."""
    away = isinstance(error, (OperationalError, InterfaceError, PoolTimeoutError))
    if isinstance(error, IntegrityError) or not away:
        return _handle_unforeseen(error)
    log.error("database unavailable", exc_info=error)
    unavailable = ServiceUnavailable(IN_DOUBT if isinstance(error, LostInCommit) else None)
    return _json_answer(unavailable.status, unavailable.body, unavailable.headers)


def _handle_os_error(error: OSError) -> Response:
    """A disk that is full is a 503, like everything that passes; who operates finds it in the log."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return _handle_unforeseen(error)
    log.error("no space left", exc_info=error)
    return _handle_api_error(ServiceUnavailable())


def _handle_unforeseen(error: Exception) -> Response:
    log.error("unhandled exception", exc_info=error)
    return _json_answer(500, {"detail": ApiError.detail, "request_id": g.get("request_id", "")}, {})


ERROR_TABLE: dict[type[Exception], Any] = {
    ApiError: _handle_api_error,
    ValidationError: _handle_validation_error,
    HTTPException: _handle_http_exception,
    DBAPIError: _handle_database_error,
    PoolTimeoutError: _handle_database_error,
    OSError: _handle_os_error,
    Exception: _handle_unforeseen,
}


def init_errors(app: Flask) -> None:
    """Register the table; must run after the extensions, which bring handlers of their own."""
    for kind, handler in ERROR_TABLE.items():
        app.register_error_handler(kind, handler)
