"""One id for each request: taken from the client if it is sane, else made, and returned with every answer."""

from __future__ import annotations

import os
import re
from typing import Any

from flask import Flask, Response, g, request, request_started

from ecatalog.config import Settings

HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def _begin(sender: Flask, **_: Any) -> None:
    offered = request.headers.get(HEADER, "")
    g.request_id = offered if _SANE.fullmatch(offered) else os.urandom(16).hex()


def _return(response: Response) -> Response:
    response.headers.add(HEADER, g.get("request_id", ""))
    return response


def init_request_id(app: Flask, settings: Settings) -> None:
    """Set ``g.request_id``: by a signal, since that comes before every ``before_request`` function."""
    request_started.connect(_begin, app)
    app.after_request(_return)
