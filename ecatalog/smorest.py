"""flask-smorest's Blueprint and marshmallow's Schema, subclassed once; everything imports ours.

What they add: request bodies as Django REST Framework reads them, validation errors as 400 in our shape, and
an OpenAPI text in which every operation names the errors that it can answer.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Any, cast

import flask_smorest
import marshmallow as ma
import orjson
from flask import Flask, Request, current_app
from flask import request as flask_request
from webargs import core
from webargs.flaskparser import FlaskParser

import ecatalog
from ecatalog.errors import (
    InvalidInput,
    MalformedRequest,
    UnsupportedMediaType,
    flatten_messages,
)
from ecatalog.loading import instance_of, load_body, narrowed
from ecatalog.memory import Memory
from ecatalog.openapi.components import LIMIT_HEADERS, SECURITY_SCHEMES, header_references
from ecatalog.openapi.introduction import DESCRIPTION
from ecatalog.openapi.notes import Decorator, Notes, noting, sharing
from ecatalog.openapi.refusals import REFUSED_THOUGH_VALID

Doc = dict[str, Any]

_PARSED = "ecatalog_parsed_queries"
_MOST_REMEMBERED = 2048  # query strings
_LONGEST_REMEMBERED = 500  # bytes of one
BODY_MEDIA_TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")


class Schema(ma.Schema):
    """Unknown fields in a body are ignored; messages are DRF's."""

    answered = False  # whether it describes what is answered, not what is sent

    class Meta:
        unknown = ma.EXCLUDE

    error_messages = {"type": "Invalid data. Expected a dictionary, but got {input_type}."}

    def handle_error(self, error: ma.ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:
        if isinstance(error.messages, dict) and "_schema" in error.messages and not isinstance(data, dict):
            kind = type(data).__name__
            error.messages["_schema"] = [f"Invalid data. Expected a dictionary, but got {kind}."]


class AnswerSchema(Schema):
    """Base of schemas for answers: the document shows the one form that is given out."""

    answered = True


def read_json(body: bytes) -> Any:
    """The value of a JSON body; raises MalformedRequest (400) in DRF's words."""
    try:
        return orjson.loads(body.removeprefix(codecs.BOM_UTF8))  # 1C writes one
    except orjson.JSONDecodeError as error:
        raise MalformedRequest(f"JSON parse error - {error}") from error


def read_body(request: Request) -> Any:
    """A JSON body's value, or a form's fields as a dict. An empty body counts as ``{}``.

    Raises UnsupportedMediaType for anything else, and what :class:`ecatalog.request.Request` raises.
    """
    if request.mimetype == "application/json":
        body = request.get_data(cache=True)
        return read_json(body) if body.strip() else {}
    if request.mimetype in BODY_MEDIA_TYPES:
        if request.content_length == 0:
            return {}
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

    def parse(
        self, argmap: Any, req: Request | None = None, *, location: str | None = None, **options: Any
    ) -> Any:
        """What a query string says is worked out once: it is the same for as long as the application runs."""
        if location != "query":
            sent = read_body(req or flask_request) if location == "json" else None
            if isinstance(sent, dict):
                return load_body(argmap, sent)
            return super().parse(instance_of(argmap), req, location=location, **options)
        memory: Memory[dict[str, Any]] = current_app.extensions[_PARSED]
        key = (argmap, (req or flask_request).query_string)
        values = memory.get(key)
        if values is None:
            schema = narrowed(argmap, (req or flask_request).args)
            values = super().parse(schema, req, location=location, **options)
            if len(key[1]) <= _LONGEST_REMEMBERED:
                memory.put(key, values)
        return dict(values)  # the values themselves never change

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


def init_api(app: Flask) -> None:
    """Bind the API and its OpenAPI document to the application."""
    from ecatalog.catalog.routing import CodeConverter, code_schema
    from ecatalog.extensions import api

    app.config.update(
        API_TITLE="E-Catalog",
        API_VERSION=ecatalog.__version__,
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {"description": DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
            "x-refused-though-valid": REFUSED_THOUGH_VALID,
            "servers": [{"url": "/", "description": "The service that this document comes from."}],
            "components": {"securitySchemes": SECURITY_SCHEMES},
        },
    )
    app.extensions[_PARSED] = Memory[dict[str, Any]](_MOST_REMEMBERED)
    api.init_app(app)
    api.register_converter(CodeConverter, code_schema)


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # flask-smorest publishes no types
    """A blueprint whose operations document the errors of every one by themselves, others by ``errors()``."""

    ARGUMENTS_PARSER = ArgumentsParser()
    EVERYWHERE: tuple[int, ...] = (400, 405, 414, 429, 500)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stores: list[Callable[[], None]] = []
        self._prepare_doc_cbks += [self._prepare_errors, self._prepare_headers, self._prepare_body]

    # The same decorators, with types.

    def arguments(self, schema: Any, *, location: str = "json", **kwargs: Any) -> Decorator:
        return sharing(super().arguments(schema, location=location, **kwargs))

    def response(self, status_code: int, schema: Any = None, **kwargs: Any) -> Decorator:
        return sharing(super().response(status_code, instance_of(schema), **kwargs))

    def alt_response(self, status_code: int, *, schema: Any = None, **kwargs: Any) -> Decorator:
        return sharing(super().alt_response(status_code, schema=instance_of(schema), **kwargs))

    def route(self, rule: str, **kwargs: Any) -> Decorator:
        return cast(Decorator, super().route(rule, **kwargs))

    @staticmethod
    def doc(**kwargs: Any) -> Decorator:
        return sharing(flask_smorest.Blueprint.doc(**kwargs))

    @staticmethod
    def errors(*statuses: int) -> Decorator:
        """Decorator: the operation can answer these error statuses, too."""
        return noting(errors=statuses)

    @staticmethod
    def conditional(header: str) -> Decorator:
        """Decorator: the operation heeds ``If-Match`` or ``If-None-Match``."""
        return noting(conditional=header)

    @staticmethod
    def uncounted() -> Decorator:
        """Decorator: requests for the operation do not count against the limits."""
        return noting(uncounted=True)

    @staticmethod
    def body_examples(**examples: dict[str, Any]) -> Decorator:
        """Decorator: bodies that the operation takes, by name."""
        return noting(body_examples=examples)

    def _store_endpoint_docs(self, *args: Any, **options: Any) -> None:
        """Later, with the document: it is a copy of all that stands on the views."""
        self._stores.append(lambda: super(Blueprint, self)._store_endpoint_docs(*args, **options))

    def register_views_in_doc(self, *args: Any, **kwargs: Any) -> None:
        for store in self._stores:
            store()
        for methods in self._docs.values():
            for method, notes in methods.items():
                if isinstance(notes, Notes):
                    methods[method] = dict(notes)  # the copy that the document is made of shares nothing
        super().register_views_in_doc(*args, **kwargs)
        self._docs.clear()  # another application makes them anew

    def _prepare_errors(self, doc: Doc, doc_info: Doc, **_: Any) -> Doc:
        responses = doc.setdefault("responses", {})
        absent = {429} if doc_info.get("uncounted") else set()
        for status in sorted({*self.EVERYWHERE, *doc_info.get("errors", ())} - absent):
            if not isinstance(responses.get(status), dict):  # flask-smorest names its own in a word
                responses[status] = {"$ref": f"#/components/responses/Error{status}"}
        doc["responses"] = {str(status): responses[status] for status in sorted(responses)}
        return doc

    def _prepare_headers(self, doc: Doc, doc_info: Doc, **_: Any) -> Doc:
        if "conditional" in doc_info:
            doc.setdefault("parameters", []).append(doc_info["conditional"])
        for status, response in doc["responses"].items():
            if "$ref" not in response:
                counted = status.startswith("2") and not doc_info.get("uncounted")
                told = header_references(*(LIMIT_HEADERS if counted else ()), "X-Request-ID")
                response["headers"] = response.get("headers", {}) | told
        return doc

    def _prepare_body(self, doc: Doc, doc_info: Doc, **_: Any) -> Doc:
        if "requestBody" not in doc:
            return doc
        examples = doc_info.get("body_examples", {})
        schema = doc["requestBody"]["content"]["application/json"]["schema"]
        doc["requestBody"]["content"] = {
            media_type: {"schema": schema, "examples": _body_examples(examples, media_type)}
            for media_type in BODY_MEDIA_TYPES
        }
        return doc


def _body_examples(examples: dict[str, dict[str, Any]], media_type: str) -> Doc:
    """The examples as a body of that type; a form cannot write objects and lists."""
    shown = {}
    for name, body in examples.items():
        kept = body
        if media_type != "application/json":
            kept = {key: value for key, value in body.items() if not isinstance(value, (dict, list))}
        shown[name] = {"value": kept}
    return shown
