"""The OpenAPI document and its pages, Swagger UI and ReDoc.

The pages work with no internet. Their scripts are those that two installed packages carry; the packages
themselves are not imported, since all that they would add is another web framework.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson
from flask import Blueprint as FlaskBlueprint
from flask import Flask, Response, current_app, render_template, request, url_for

from ecatalog.auth.access import Access, access
from ecatalog.errors import RowNotFound
from ecatalog.extensions import api
from ecatalog.openapi.components import header_references
from ecatalog.smorest import Blueprint

# Not those of the machine, which can be set to anything.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_EXTENSION = "ecatalog_openapi"
_OWN = Path(__file__).with_name("docs-files")

# ReDoc shows a logo that it would load from its makers; the same picture is among its files.
_REDOC_LOGOS = {
    b"https://cdn.redoc.ly/redoc/logo-mini-full.svg": b"assets/redoc.svg",
    b"https://cdn.redoc.ly/redoc/logo-mini.svg": b"assets/redoc.svg",
}

blueprint = Blueprint(
    "docs",
    __name__,
    url_prefix="/api",
    description="This document and its pages.",
    template_folder="docs-files",
)


@dataclass(frozen=True)
class Asset:
    """A file of a page: where it is, in a package or in ours (None), and what is replaced in it."""

    package: str | None
    path: str
    replaced: dict[bytes, bytes] | None = None


_SWAGGER, _REDOC = "flask_openapi_swagger", "flask_openapi_redoc"

#: What may be asked for, by page and name: nothing else of the packages is served.
ASSETS: dict[str, dict[str, Asset]] = {
    "docs": {
        "swagger-ui-bundle.js": Asset(_SWAGGER, "templates/swagger/js/swagger-ui-bundle.js"),
        "swagger-ui.css": Asset(_SWAGGER, "templates/swagger/css/swagger-ui.css"),
        "swagger.svg": Asset(_SWAGGER, "templates/swagger/images/swagger.svg"),
        "swagger-init.js": Asset(None, "swagger-init.js"),
        "swagger.css": Asset(None, "swagger.css"),
    },
    "redoc": {
        "redoc.standalone.js": Asset(_REDOC, "templates/redoc/js/redoc.standalone.js", _REDOC_LOGOS),
        "redoc.svg": Asset(_REDOC, "templates/redoc/images/redoc.svg"),
        "redoc-init.js": Asset(None, "redoc-init.js"),
        "redoc.css": Asset(None, "redoc.css"),
    },
}


def _folder(package: str | None) -> Path:
    """Where a package's files are; it is found, not imported."""
    if package is None:
        return _OWN
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(f"the package {package} is not installed")
    return Path(found.submodule_search_locations[0])


@cache
def read_asset(page: str, name: str) -> bytes:
    """The bytes of a file of a page. Raises KeyError for a name that is not in the list."""
    asset = ASSETS[page][name]
    body = (_folder(asset.package) / asset.path).read_bytes()
    for old, new in (asset.replaced or {}).items():
        body = body.replace(old, new)
    return body


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
        return url_for("docs.static", page=page, name=name)

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
    """A file of one of the pages; it neither counts against the limits nor stands in the document."""
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
