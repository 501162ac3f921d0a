"""flask-smorest's Api and Blueprint and marshmallow's Schema, subclassed once; everything imports ours.

What they add: request bodies as Django REST Framework reads them, validation errors as 400 in our shape, and
an OpenAPI text in which every operation names the errors that it can answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import flask_smorest
import marshmallow as ma
import orjson
from flask import Flask, Request
from webargs import core
from webargs.flaskparser import FlaskParser

import ecatalog
from ecatalog.errors import (
    PROBLEM_JSON,
    InvalidInput,
    MalformedRequest,
    UnsupportedMediaType,
    flatten_messages,
)

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

BODY_MEDIA_TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")

DESCRIPTION = """\
Projects, clients and items (nomenklatura) of 1C:Enterprise, each known by its 1C code.

Get a token at `POST /api/token/` and send it as `Authorization: Bearer <access>`. Every path ends in a slash.
Errors have one family of shapes: `{"detail": …}` or `{"field": ["message"]}`; with
`Accept: application/problem+json` the same facts come as RFC 9457 problem details.
"""

ERROR_EXAMPLES: dict[int, tuple[str, dict[str, Any]]] = {
    400: ("A value is wrong, or the request cannot be read.", {"name": ["This field is required."]}),
    401: ("No token, or a bad one.", {"detail": "Authentication credentials were not provided."}),
    403: (
        "The user's role does not allow this.",
        {"detail": "You do not have permission to perform this action."},
    ),
    404: ("No such row, page or address.", {"detail": "No Nomenklatura matches the given query."}),
    405: ("Wrong method; `Allow` lists the right ones.", {"detail": 'Method "POST" not allowed.'}),
    409: (
        "The code exists in several projects; choose one with `project_id` or `project`.",
        {
            "detail": "This code exists in several projects.",
            "projects": [{"id": 1, "code_1c": "P1", "name": "Aʼlo"}],
        },
    ),
    410: (
        "A cursor from before a restore: start again without it.",
        {"detail": "This cursor is no longer valid."},
    ),
    412: ("`If-Match` no longer holds.", {"detail": "The row has changed since it was read."}),
    413: ("The body is too large.", {"detail": "Request body is too large."}),
    415: ("The body is of a wrong type.", {"detail": 'Unsupported media type "text/plain" in request.'}),
    429: ("A limit is used up.", {"detail": "Request was throttled. Expected available in 1800 seconds."}),
    500: (
        "Something unforeseen; the log has the request id.",
        {"detail": "Internal server error.", "request_id": "…"},
    ),
    503: (
        "The database is away for the moment.",
        {"detail": "Service temporarily unavailable, try again later."},
    ),
}


class Schema(ma.Schema):
    """Unknown fields in a body are ignored; messages are DRF's."""

    class Meta:
        unknown = ma.EXCLUDE

    error_messages = {"type": "Invalid data. Expected a dictionary, but got {input_type}."}

    def handle_error(self, error: ma.ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:
        if isinstance(error.messages, dict) and "_schema" in error.messages and not isinstance(data, dict):
            kind = type(data).__name__
            error.messages["_schema"] = [f"Invalid data. Expected a dictionary, but got {kind}."]


def read_json(body: bytes) -> Any:
    """The value of a JSON body; raises MalformedRequest (400) in DRF's words."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedRequest(f"JSON parse error - {error}") from error


def read_body(request: Request) -> Any:
    """A JSON body's value, or a form's fields as a dict. An empty body counts as ``{}``.

    Raises UnsupportedMediaType for anything else.
    """
    if request.mimetype == "application/json":
        body = request.get_data(cache=True)
        return read_json(body) if body.strip() else {}
    if request.mimetype in BODY_MEDIA_TYPES:
        return request.form.to_dict()
    if not request.mimetype and not request.get_data(cache=True):
        return {}
    raise UnsupportedMediaType(request.mimetype)


class ArgumentsParser(FlaskParser):
    """webargs' parser with our body reader; errors leave it as InvalidInput."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION = {
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "json": ma.EXCLUDE,
        "query": ma.EXCLUDE,
    }

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        return read_body(req)

    def load_querystring(self, req: Request, schema: ma.Schema) -> Any:
        """The last of several values counts; an empty one is absent, unless the field gives it a meaning."""
        return {
            name: values[-1]
            for name, values in req.args.lists()
            if values[-1] or (name in schema.fields and schema.fields[name].metadata.get("allowEmptyValue"))
        }

    def handle_error(
        self,
        error: ma.ValidationError,
        req: Request,
        schema: ma.Schema,
        *,
        error_status_code: int | None,
        error_headers: Any,
    ) -> Any:
        messages = error.messages
        if isinstance(messages, dict) and set(messages) & core.Parser.__location_map__.keys():
            messages = next(iter(messages.values()))
        raise InvalidInput(flatten_messages(messages)) from error


class Api(flask_smorest.Api):  # type: ignore[misc]  # flask-smorest publishes no types
    """OpenAPI document and blueprints; errors are ours (see ecatalog.errors)."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Left out: ecatalog.errors has the one table."""

    def _register_responses(self) -> None:
        schemas = self.spec.components.schemas
        schemas["Error"] = {
            "type": "object",
            "required": ["detail"],
            "properties": {
                "detail": {"type": "string"},
                "code": {"type": "string"},
                "request_id": {"type": "string"},
            },
        }
        schemas["FieldErrors"] = {
            "type": "object",
            "description": "Messages by field; errors of the whole body stand under `non_field_errors`.",
            "additionalProperties": {},
        }
        for status, (description, example) in ERROR_EXAMPLES.items():
            name = "FieldErrors" if status == 400 else "Error"
            content = {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": example}
            problem = {"schema": {"type": "object"}}
            self.spec.components.response(
                f"Error{status}",
                {"description": description, "content": {"application/json": content, PROBLEM_JSON: problem}},
            )


def init_api(app: Flask) -> None:
    """Bind the API and its OpenAPI document to the application."""
    from ecatalog.catalog.routing import CodeConverter, code_schema
    from ecatalog.extensions import api

    app.config.update(
        API_TITLE="E-Catalog",
        API_VERSION=ecatalog.__version__,
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {"description": DESCRIPTION},
            "components": {
                "securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
            },
        },
    )
    api.init_app(app)
    api.register_converter(CodeConverter, code_schema)


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # flask-smorest publishes no types
    """A blueprint whose operations document 400, 429 and 500 by themselves, others by ``errors()``."""

    ARGUMENTS_PARSER = ArgumentsParser()
    EVERYWHERE = (400, 429, 500)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(self._prepare_error_doc)

    # The same decorators, with types.

    def arguments(self, schema: Any, *, location: str = "json", **kwargs: Any) -> Decorator:
        return cast(Decorator, super().arguments(schema, location=location, **kwargs))

    def response(self, status_code: int, schema: Any = None, **kwargs: Any) -> Decorator:
        return cast(Decorator, super().response(status_code, schema, **kwargs))

    def alt_response(self, status_code: int, **kwargs: Any) -> Decorator:
        return cast(Decorator, super().alt_response(status_code, **kwargs))

    def route(self, rule: str, **kwargs: Any) -> Decorator:
        return cast(Decorator, super().route(rule, **kwargs))

    @staticmethod
    def doc(**kwargs: Any) -> Decorator:
        return cast(Decorator, flask_smorest.Blueprint.doc(**kwargs))

    @staticmethod
    def errors(*statuses: int) -> Decorator:
        """Decorator: the operation can answer these error statuses, too."""

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            view._apidoc = {**getattr(view, "_apidoc", {}), "errors": statuses}  # type: ignore[attr-defined]
            return view

        return decorate

    def _prepare_error_doc(self, doc: dict[str, Any], doc_info: dict[str, Any], **_: Any) -> dict[str, Any]:
        responses = doc.setdefault("responses", {})
        for status in sorted({*self.EVERYWHERE, *doc_info.get("errors", ())}):
            responses[str(status)] = {"$ref": f"#/components/responses/Error{status}"}
        content = doc.get("requestBody", {}).get("content", {})
        if set(content) == {"application/json"}:
            for media_type in BODY_MEDIA_TYPES[1:]:
                content[media_type] = {"schema": content["application/json"]["schema"]}
        return doc
