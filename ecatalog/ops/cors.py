"""Which other origins may read the API from a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request
from werkzeug.datastructures import HeaderSet

from ecatalog.config import Settings

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ALLOW_HEADERS = (
    "Accept",
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-Request-ID",
)
EXPOSE_HEADERS = (
    "ETag",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-ID",
)
MAX_AGE_SECONDS = 86_400


def is_preflight() -> bool:
    """Whether the request is a browser asking, without credentials, whether it may send another one."""
    headers = request.headers
    return request.method == "OPTIONS" and "Origin" in headers and "Access-Control-Request-Method" in headers


def _vary_by_origin(response: Response) -> Response:
    # Also where no CORS header was sent: a cache must not give that answer to an allowed origin.
    headers = response.headers
    if headers.get("Access-Control-Allow-Origin") != "*":
        lines = headers.getlist("Vary")
        if not lines:
            headers.add("Vary", "Origin")
            return response
        present = HeaderSet(name.strip() for line in lines for name in line.split(","))
        present.add("Origin")
        headers["Vary"] = present.to_header()
    return response


def init_cors(app: Flask, settings: Settings) -> None:
    """Set Flask-Cors up. Answers to other origins carry no CORS header: browsers keep them from scripts."""
    from ecatalog.extensions import cors  # extensions imports this package

    origins: Any = [_exactly(origin) for origin in settings.cors_allowed_origins]
    if settings.cors_allow_all_origins:
        origins = "*"
    # Flask runs these in reverse order of registration, so ours sees what Flask-Cors has set.
    app.after_request(_vary_by_origin)
    cors.init_app(
        app,
        resources=r"/.*",
        origins=origins,
        supports_credentials=settings.cors_allow_credentials,
        methods=METHODS,
        allow_headers=list(ALLOW_HEADERS),
        expose_headers=list(EXPOSE_HEADERS),
        max_age=MAX_AGE_SECONDS,
        always_send=False,
        vary_header=False,
        send_wildcard=not settings.cors_allow_credentials,
        intercept_exceptions=False,  # Flask sends error answers through after_request as well
    )
    # It looks up what it would say to everybody, and says it to browsers.
    say: Callable[[Response], Response] = app.after_request_funcs[None].pop()  # type: ignore[assignment]
    app.after_request(lambda answer: say(answer) if "Origin" in request.headers else answer)


def _exactly(origin: str) -> re.Pattern[str]:
    """A pattern for one origin: Flask-Cors guesses that strings with ``[`` or ``*`` are patterns."""
    return re.compile(re.escape(origin.rstrip("/")) + r"\Z", re.IGNORECASE)
