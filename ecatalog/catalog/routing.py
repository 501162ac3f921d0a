"""Codes in URLs: any text, slashes and Cyrillic included, but for the words that own their paths."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter, RequestRedirect, ValidationError

# Paths below a resource that never name a row, whatever the method.
RESERVED_WORDS = (
    "by-code",
    "bulk",
    "changes",
    "suggest",
    "export-xlsx",
    "export-csv",
    "export-ndjson",
    "import-xlsx",
    "template-xlsx",
)
# …/{code}/<word>/ belongs to the word.
RESERVED_SUFFIXES = ("restore", "history")
# The path of a row whose code could be nothing else.
_SIMPLE = re.compile(r"(/api/v1/[^/]+/)([^/\x00]+)/")


class CodeConverter(BaseConverter):
    """Matches a code that its own path can name; others are reached by ``by-code``."""

    part_isolating = False
    weight = 300  # after every other rule
    regex = (
        rf"(?!(?:{'|'.join(map(re.escape, RESERVED_WORDS))})/?$)"
        rf"[^/](?:.*[^/])?"
        rf"{''.join(f'(?<!/{word})' for word in RESERVED_SUFFIXES)}"
    )

    def to_python(self, value: str) -> str:
        if "\x00" in value:  # no code has one, and PostgreSQL would fail on it
            raise ValidationError
        return value.strip()


def simple_code(path: str) -> tuple[str, str] | None:
    """The collection's path and the code, of a row's path whose code is one segment and no reserved word.

    None where it takes the routes to tell. ``path`` is as WSGI has it, that is: bytes read as Latin-1.
    """
    found = _SIMPLE.fullmatch(path)
    if found is None or found[2] in RESERVED_WORDS or found[2] in RESERVED_SUFFIXES:
        return None
    try:
        code = found[2].encode("latin-1").decode()
    except UnicodeError:
        return None
    return (found[1], code) if code == code.strip() else None


def init_routing(app: Flask) -> None:
    """Codes as a kind of path parameter, and redirects of ours."""
    # A code may hold "//", which must not be taken for "/".
    app.url_map.merge_slashes = False
    app.url_map.converters["code"] = CodeConverter
    app.before_request(_redirect)


def _redirect() -> Response | None:
    """The missing slash is added by a 308 with an empty body, where Werkzeug's would carry HTML."""
    error = request.routing_exception
    target = error.new_url if isinstance(error, RequestRedirect) else None
    if isinstance(error, NotFound):
        target = _with_slash()
    return None if target is None else Response(status=308, headers={"Location": target})


def _with_slash() -> str | None:
    """The URL with its missing slash, where that has a route: Werkzeug asks for one of the same method."""
    adapter = current_app.create_url_adapter(request)
    path = f"{request.path}/"
    if adapter is None or request.path.endswith("/") or not adapter.allowed_methods(path):
        return None
    return adapter.make_redirect_url(quote(path, safe="!$&'()*+,/:;=@"))


def code_schema(_converter: Any) -> dict[str, Any]:
    """How the OpenAPI document describes a code in a path."""
    return {"type": "string", "minLength": 1}
