"""Codes in URLs: any text, slashes and Cyrillic included, but for the words that own their paths."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask, Response, request
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


def init_routing(app: Flask) -> None:
    """Codes as a kind of path parameter, and redirects of ours."""
    # A code may hold "//", which must not be taken for "/".
    app.url_map.merge_slashes = False
    app.url_map.converters["code"] = CodeConverter
    app.before_request(_redirect)


def _redirect() -> Response | None:
    """The missing slash is added by a 308 with an empty body, where Werkzeug's would carry HTML."""
    if isinstance(request.routing_exception, RequestRedirect):
        return Response(status=308, headers={"Location": request.routing_exception.new_url})
    return None


def code_schema(_converter: Any) -> dict[str, Any]:
    """How the OpenAPI document describes a code in a path."""
    return {"type": "string", "minLength": 1}
