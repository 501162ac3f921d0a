"""One id for each request: taken from the client if it is sane, else made, and returned with every answer."""

from __future__ import annotations

import os
import re

from flask import Flask, Response, g, request

from ecatalog.config import Settings

HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def chosen(offered: str) -> str:
    """The client's id if it is sane, else a new one."""
    return offered if _SANE.fullmatch(offered) else os.urandom(16).hex()


def _begin() -> None:
    g.request_id = chosen(request.headers.get(HEADER, ""))


def _return(response: Response) -> Response:
    response.headers.add(HEADER, g.get("request_id", ""))
    return response


def init_request_id(app: Flask, settings: Settings) -> None:
    """Set ``g.request_id``. Must be the first step of a request: all others may want it."""
    app.before_request(_begin)
    app.after_request(_return)
