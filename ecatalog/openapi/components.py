"""What many operations of the OpenAPI document share: error answers, headers, and the text that opens it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from apispec.core import Components

from ecatalog import errors
from ecatalog.errors import PROBLEM_JSON

LIMIT_HEADERS = (
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "RateLimit",
    "RateLimit-Policy",
)

_WHOLE = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string"}

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "Names the request in the log; the client's own, when it sent a sane one.",
        "schema": _TEXT,
        "example": "5f0c1f6e9b3c4d0c8a7e6f5d4c3b2a19",  # pragma: allowlist secret
    },
    "X-RateLimit-Limit": {"description": "Requests in the window.", "schema": _WHOLE, "example": 1000},
    "X-RateLimit-Remaining": {"description": "Requests left in it.", "schema": _WHOLE, "example": 999},
    "X-RateLimit-Reset": {
        "description": "When the window ends, in seconds since 1970.",
        "schema": _WHOLE,
        "example": 1769853600,
    },
    "RateLimit": {
        "description": "What is left (`r`) for how many seconds (`t`), by policy.",
        "schema": _TEXT,
        "example": '"user";r=999;t=3600',
    },
    "RateLimit-Policy": {
        "description": "Requests (`q`) in a window of seconds (`w`), by policy.",
        "schema": _TEXT,
        "example": '"user";q=1000;w=3600',
    },
    "ETag": {
        "description": "Changes with anything the answer shows.",
        "schema": _TEXT,
        "example": '"6496e1a0c2f40-6496e19f11b80"',
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "schema": _TEXT,
        "example": 'Bearer realm="api"',
    },
    "Allow": {"description": "The methods that there are.", "schema": _TEXT, "example": "GET, HEAD, OPTIONS"},
    "Retry-After": {"description": "Seconds to wait.", "schema": _WHOLE, "example": 1800},
}

PARAMETERS: dict[str, dict[str, Any]] = {
    "If-None-Match": {
        "description": "Entity tags that the client has, or `*`: 304 without a body when one still holds.",
        "schema": _TEXT,
    },
    "If-Match": {
        "description": "Write only if one of these entity tags (`*`: any) still holds; 412 otherwise.",
        "schema": _TEXT,
    },
}

_BAD_TOKEN = {
    "detail": "Given token not valid for any token type",
    "code": "token_not_valid",
    "messages": [{"token_class": "AccessToken", "token_type": "access", "message": "Token is expired"}],
}
_SEVERAL = {
    "detail": "This code exists in several projects: choose one with project_id or project.",
    "projects": [
        {"id": 1, "code_1c": "00-00000001", "name": "Toshkent savdo uyi"},
        {"id": 2, "code_1c": "00-00000002", "name": "Самарканд"},
    ],
}


def _detail(text: str, **more: Any) -> dict[str, Any]:
    return {"detail": text, **more}


# status: (description, schema, {name of an example: body})
ERRORS: dict[int, tuple[str, str, dict[str, dict[str, Any]]]] = {
    400: (
        "A value is wrong, or the request cannot be read.",
        "BadRequest",
        {
            "value": {"name": ["This field is required."]},
            "json": _detail("JSON parse error - unexpected end of data: line 1 column 1 (char 0)"),
            "host": _detail("Invalid host header."),
        },
    ),
    401: (
        "No token, or a bad one.",
        "Error",
        {"missing": _detail(errors.NotAuthenticated.detail), "bad": _BAD_TOKEN},
    ),
    403: ("The user's role does not allow this.", "Error", {"role": _detail(errors.PermissionDenied.detail)}),
    404: (
        "No such row or page.",
        "Error",
        {
            "row": _detail("No Nomenklatura matches the given query."),
            "page": _detail("Invalid page."),
            "address": _detail(errors.RowNotFound.detail),
        },
    ),
    405: (
        "The path has other methods; `Allow` lists them.",
        "Error",
        {"method": _detail('Method "POST" not allowed.')},
    ),
    409: ("Several rows carry this code: choose one by its parent.", "Conflict", {"several": _SEVERAL}),
    410: (
        "A cursor from before a restore of the database: start again without it.",
        "Error",
        {"cursor": _detail(errors.Gone.detail)},
    ),
    412: (
        "`If-Match` does not hold; nothing was written.",
        "Error",
        {"changed": _detail(errors.PreconditionFailed.detail)},
    ),
    413: ("The body is too large.", "Error", {"size": _detail("Request body is too large.")}),
    414: ("The address is too long.", "Error", {"address": _detail("Request URI is too long.")}),
    415: (
        "The body is of a type that is not read here.",
        "Error",
        {"type": _detail('Unsupported media type "text/plain" in request.')},
    ),
    429: (
        "A limit is used up; `Retry-After` tells how long.",
        "Error",
        {"limit": _detail("Request was throttled. Expected available in 1800 seconds.")},
    ),
    500: (
        "Something unforeseen; the log has it under the request id.",
        "Error",
        {"unforeseen": _detail(errors.ApiError.detail, request_id="5f0c1f6e9b3c4d0c8a7e6f5d4c3b2a19")},
    ),
    503: (
        "The database is away or overloaded for the moment; try again after `Retry-After`.",
        "Error",
        {"away": _detail(errors.ServiceUnavailable.detail)},
    ),
}

_ERROR_HEADERS = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After", *LIMIT_HEADERS),
    503: ("Retry-After",),
}

_MESSAGES = {"type": "array", "items": {"type": "string"}}

SCHEMAS: dict[str, dict[str, Any]] = {
    "Error": {
        "type": "object",
        "required": ["detail"],
        "properties": {
            "detail": {"type": "string", "description": "What is wrong, in words."},
            "code": {"type": "string", "description": "With a bad token: which kind of bad."},
            "messages": {"type": "array", "items": {"type": "object"}, "description": "With a bad token."},
            "request_id": {"type": "string", "description": "With 500: what the log knows it by."},
        },
    },
    "FieldErrors": {
        "type": "object",
        "description": "Messages by field; those about the whole body stand under `non_field_errors`.",
        "minProperties": 1,
        "additionalProperties": _MESSAGES,
    },
    "BadRequest": {
        "anyOf": [{"$ref": "#/components/schemas/FieldErrors"}, {"$ref": "#/components/schemas/Error"}]
    },
    "Conflict": {
        "type": "object",
        "required": ["detail"],
        "properties": {
            "detail": {"type": "string"},
            "projects": {
                "type": "array",
                "description": "Where the code exists; null stands for a row without a project.",
                "items": {
                    "type": ["object", "null"],
                    "required": ["id", "code_1c", "name"],
                    "properties": {
                        "id": {"type": "integer"},
                        "code_1c": {"type": "string"},
                        "name": {"type": "string"},
                    },
                },
            },
        },
    },
    "Problem": {
        "type": "object",
        "description": "Problem details of RFC 9457; every member of the plain answer is here, too.",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string"},
            "errors": {"$ref": "#/components/schemas/FieldErrors"},
        },
    },
}

SECURITY_SCHEMES = {
    "bearerAuth": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `access` token that `POST /api/token/` answers.",
    }
}


def register_components(components: Components) -> None:
    """Put everything here into the document's components."""
    for name, schema in SCHEMAS.items():
        components.schemas[name] = schema
    for name, header in HEADERS.items():
        components.header(name, header)
    for name, parameter in PARAMETERS.items():
        components.parameter(name, "header", {"name": name, **parameter})
    for status in ERRORS:
        components.response(f"Error{status}", error_response(status))


def header_references(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def error_response(status: int) -> dict[str, Any]:
    """The answer of an error status, as JSON and as problem details."""
    description, schema, examples = ERRORS[status]
    problems = {name: _as_problem(status, body) for name, body in examples.items()}
    return {
        "description": description,
        "headers": header_references(*_ERROR_HEADERS.get(status, ()), "X-Request-ID"),
        "content": {
            "application/json": _content(schema, examples),
            PROBLEM_JSON: _content("Problem", problems),
        },
    }


def _content(schema: str, examples: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "schema": {"$ref": f"#/components/schemas/{schema}"},
        "examples": {name: {"value": body} for name, body in examples.items()},
    }


def _as_problem(status: int, body: dict[str, Any]) -> dict[str, Any]:
    problem: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return problem | (body if "detail" in body else {"detail": "Invalid input.", "errors": body})
