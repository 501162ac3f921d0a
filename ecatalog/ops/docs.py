"""The OpenAPI document and its pages, Swagger UI and ReDoc.

The pages work with no internet. They take their files from STATIC_URL, where a web server or this application
(:mod:`ecatalog.ops.static_files`) has them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
from flask import Blueprint as FlaskBlueprint
from flask import Flask, Response, current_app, render_template, request, url_for

from ecatalog.auth.access import Access, access
from ecatalog.errors import RowNotFound
from ecatalog.extensions import api
from ecatalog.openapi.components import header_references
from ecatalog.ops.docs_assets import ASSETS, MEDIA_TYPES, read_asset
from ecatalog.ops.static_files import asset_url
from ecatalog.smorest import Blueprint

_EXTENSION = "ecatalog_openapi"
blueprint = Blueprint(
    "docs",
    __name__,
    url_prefix="/api",
    description="This document and its pages.",
    template_folder="docs-files",
)


def openapi_document() -> bytes:
    """The OpenAPI document of the current application as JSON, made once."""
    made: bytes | None = current_app.extensions.get(_EXTENSION)
    if made is None:
        made = current_app.extensions[_EXTENSION] = orjson.dumps(api.spec.to_dict())
    return made


def _file(body: bytes, media_type: str) -> Response:
    """A file that browsers and proxies may keep, but ask about before each use."""
    answer = Response(body, content_type=media_type)
    answer.headers["Cache-Control"] = "public, no-cache"
    answer.set_etag(hashlib.blake2b(body, digest_size=16).hexdigest())
    answer.make_conditional(request)
    return answer


def _page(template: str, page: str) -> Response:
    def asset(name: str) -> str:
        return asset_url(page, name)

    html = render_template(template, schema=url_for("docs.schema"), asset=asset)
    return _file(html.encode(), "text/html; charset=utf-8")


@blueprint.route("/schema/")
@access(Access.PUBLIC)
@blueprint.conditional("If-None-Match")
@blueprint.alt_response(304, description="The client's copy is still true.")
@blueprint.doc(operationId="schema")
@blueprint.response(
    200,
    {"type": "object"},
    description="An OpenAPI 3.1 document.",
    example={"openapi": "3.1.0", "info": {"title": "E-Catalog"}, "paths": {}},
    headers=header_references("ETag"),
)
def schema() -> Response:
    """This document"""
    return _file(openapi_document(), "application/json")


_html = blueprint.response(
    200, {"type": "string"}, content_type="text/html", description="The page.", example="<!doctype html>…"
)


@blueprint.route("/docs/")
@access(Access.PUBLIC)
@blueprint.doc(operationId="docs")
@_html
def swagger() -> Response:
    """Swagger UI

    A page to read this document and to try every operation.
    """
    return _page("swagger.html", "docs")


@blueprint.route("/redoc/")
@access(Access.PUBLIC)
@blueprint.doc(operationId="redoc")
@_html
def redoc() -> Response:
    """ReDoc

    A page to read this document.
    """
    return _page("redoc.html", "redoc")


@access(Access.PUBLIC)
def static(page: str, name: str) -> Response:
    """A file of a page, where ReDoc looks for its logo; neither counted nor in the document."""
    if name not in ASSETS[page]:
        raise RowNotFound
    return _file(read_asset(page, name), MEDIA_TYPES[Path(name).suffix])


@access(Access.PUBLIC)
def front() -> Response:
    """People who open the bare address are led to the documentation; it is no part of the API."""
    return Response(status=302, headers={"Location": url_for("docs.swagger")})


def init_docs(app: Flask) -> None:
    """Lead from ``/`` to the pages."""
    app.add_url_rule("/", "front", front)


# Past flask-smorest, which would document it.
FlaskBlueprint.add_url_rule(blueprint, f"/<any({','.join(ASSETS)}):page>/assets/<name>", "static", static)
