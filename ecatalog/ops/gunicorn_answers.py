"""gunicorn's own answers, to requests so broken that the application never sees them, in our shape.

gunicorn writes them as HTML with the broken request in it, and has no setting for that: one function of its
``util`` module is replaced, in ``gunicorn.conf.py``.
"""

from __future__ import annotations

import json
import socket
from typing import Any

from ecatalog.ops.headers import API_POLICY, SECURITY_HEADERS

DETAILS = {
    400: "Malformed request.",
    414: "Request URI is too long.",
    417: "Expectation failed.",
    431: "Request header fields are too large.",
    500: "Internal server error.",
    501: "Not implemented.",
}


def error_answer(status: int, reason: str) -> bytes:
    """A whole HTTP answer that closes the connection."""
    body = json.dumps({"detail": DETAILS.get(status, f"{reason}.")}).encode()
    headers = {
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Content-Security-Policy": API_POLICY,
        **SECURITY_HEADERS,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {reason}\r\n{head}\r\n".encode("latin-1") + body


def write_error(connection: socket.socket, status: int, reason: str, _message: str) -> None:
    """In place of ``gunicorn.util.write_error``; the message, which quotes the request, stays in the log."""
    from gunicorn import util

    util.write_nonblock(connection, error_answer(status, reason))


def install() -> None:
    """Answer in JSON from now on, in this process and the workers it forks."""
    from gunicorn import util

    replaced: Any = util
    replaced.write_error = write_error
