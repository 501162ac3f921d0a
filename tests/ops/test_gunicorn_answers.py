"""Requests that gunicorn refuses by itself are answered in JSON, too."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.conftest import Serve

pytestmark = pytest.mark.any_database


def exchange(url: str, request: bytes) -> tuple[int, str, bytes]:
    """(status, headers, body) of one raw request."""
    address = urlsplit(url)
    assert address.hostname
    with socket.create_connection((address.hostname, address.port or 80), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode("latin-1"), body


@pytest.mark.parametrize(
    ("request_bytes", "status", "detail"),
    [
        (
            "GET /api/v1/project/?search=шоколад HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(),
            400,
            "Malformed request.",
        ),
        (
            b"GET /api/v1/?" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            414,
            "Request URI is too long.",
        ),
        (
            b"GET /api/v1/ HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 9000 + b"\r\n\r\n",
            431,
            "Request header fields are too large.",
        ),
        (
            b"GET /api/v1/ HTTP/1.1\r\nHost: localhost\r\nBad Header: <script>\r\n\r\n",
            400,
            "Malformed request.",
        ),
    ],
    ids=["raw-utf8", "long-line", "long-header", "bad-header"],
)
def test_broken_requests_get_json(serve: Serve, request_bytes: bytes, status: int, detail: str) -> None:
    found, head, body = exchange(serve(), request_bytes)
    assert found == status
    assert "Content-Type: application/json" in head
    assert "X-Content-Type-Options: nosniff" in head
    assert json.loads(body) == {"detail": detail}
