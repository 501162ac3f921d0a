"""Bodies whose chunks are none, and clients that go away in the middle: refused, and no cause for a trace."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import Serve

pytestmark = pytest.mark.any_database

SIGN_IN = b"POST /api/token/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
MULTIPART = b"Content-Type: multipart/form-data; boundary=b\r\n"
JSON = b"Content-Type: application/json\r\n"


def exchange(url: str, request: bytes, *, half_close: bool = False) -> bytes:
    """The raw answer to a raw request; ``half_close``: the client ends its side behind it."""
    with connect(url) as connection:
        connection.sendall(request)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def connect(url: str) -> socket.socket:
    address = urlsplit(url)
    return socket.create_connection((str(address.hostname), int(address.port or 80)), timeout=20)


def log_lines(folder: Path) -> list[dict[str, Any]]:
    (log,) = folder.glob("gunicorn-*/gunicorn.log")
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


@pytest.mark.parametrize("content_type", [JSON, MULTIPART], ids=["json", "multipart"])
@pytest.mark.parametrize(
    "body",
    [b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}\r\n0\r\n\r\n", b"2\r\n{}no\r\n0\r\n\r\n", b"\r\n\r\n"],
    ids=["letters", "negative", "no end of a chunk", "no size"],
)
def test_broken_chunks(serve: Serve, tmp_path: Path, content_type: bytes, body: bytes) -> None:
    answer = exchange(serve(), SIGN_IN + content_type + CHUNKED + b"\r\n" + body)
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(content) == {"detail": "Malformed request."}
    assert not [line for line in log_lines(tmp_path) if "trace" in line or line["level"] != "INFO"]


@pytest.mark.parametrize(
    "rest",
    [CHUNKED + b"\r\n5\r\n{", CHUNKED + b"\r\n2\r\n{}\r\n", b"Content-Length: 50\r\n\r\n{}"],
    ids=["in a chunk", "between chunks", "before the announced length"],
)
def test_a_client_that_goes_away_in_the_middle(serve: Serve, tmp_path: Path, rest: bytes) -> None:
    url = serve()
    answer = exchange(url, SIGN_IN + JSON + rest, half_close=True)
    assert answer.startswith(b"HTTP/1.1 400 ")
    with connect(url) as connection:  # this one does not even wait for the answer
        connection.sendall(SIGN_IN + JSON + rest)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        requests = [line for line in log_lines(tmp_path) if line["logger"] == "ecatalog.request"]
        if sum(line["path"] == "/api/token/" for line in requests) == 2:
            break
        time.sleep(0.05)
    told = [line for line in requests if line["path"] == "/api/token/"]
    assert [line["status"] for line in told] == [400, 400]
    assert not [line for line in log_lines(tmp_path) if "trace" in line or line["level"] != "INFO"]


def test_a_chunked_body_that_is_too_large(serve: Serve) -> None:
    """It is valid JSON as far as the limit."""
    size = 11 * 1024 * 1024
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (size, b"{}".ljust(size))
    answer = exchange(serve(), SIGN_IN + JSON + CHUNKED + b"\r\n" + body)
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert json.loads(content) == {"detail": "Request body is too large."}
