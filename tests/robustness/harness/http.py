"""A small HTTP client that can call from any address of 127.0.0.0/8, and with which all can be done wrong."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

IDLE_SECONDS = 5.0  # a connection that was idle for longer is not used again: the server may have closed it
LOST = 0  # in place of a status: the connection ended, or could not be made
TIMED_OUT = -1
ANSWER_SECONDS = 40.0

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Answer:
    """What came back; ``status`` is LOST or TIMED_OUT where nothing did."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300 or self.status == 304

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Caller:
    """One client: an address of its own, connections that it keeps, and the token that it holds."""

    address: str
    port: int
    name: str = ""
    token: str = ""
    refresh: str = ""
    rude: bool = False
    idle: list[tuple[float, Connection]] = field(default_factory=list)

    async def connect(self) -> Connection:
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=(self.address, 0))

    async def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """One request; header names are written with underscores. Never raises for what the network does."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._call(method, path, body, headers)
        except TimeoutError:
            return Answer(TIMED_OUT)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            return Answer(LOST)

    async def _call(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        connection = self._take_idle() or await self.connect()
        reader, writer = connection
        try:
            writer.write(self.head(method, path, len(body), headers) + body)
            await writer.drain()
            answer = await read_answer(reader)
        except BaseException:
            writer.transport.abort()
            raise
        if answer.headers.get("connection", "").lower() == "close":
            writer.close()
        else:
            self.idle.append((time.monotonic(), connection))
        return answer

    def head(self, method: str, path: str, length: int | None, headers: Mapping[str, str]) -> bytes:
        """The head of a request, signed where this caller has a token; None: no length is announced."""
        complete = {"host": "localhost", "accept": "application/json", **headers}
        if self.token:
            complete.setdefault("authorization", f"Bearer {self.token}")
        if length is not None and method not in ("GET", "HEAD"):
            complete["content-length"] = str(length)
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in complete.items()]
        return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()

    def _take_idle(self) -> Connection | None:
        while self.idle:
            since, (reader, writer) = self.idle.pop()
            if time.monotonic() - since < IDLE_SECONDS and not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    def close(self) -> None:
        for _, (_reader, writer) in self.idle:
            writer.close()
        self.idle.clear()


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Raises IncompleteReadError for an answer that is cut off, ValueError for one that is none."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    status = int(first.split(" ", 2)[1])
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if status in (204, 304):
        return Answer(status, headers)
    if headers.get("transfer-encoding") == "chunked":
        return Answer(status, headers, await _read_chunks(reader))
    return Answer(status, headers, await reader.readexactly(int(headers["content-length"])))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return b"".join(parts)


def form(fields: dict[str, str], name: str, file_name: str, content: bytes) -> tuple[bytes, str]:
    """A multipart body with one file, and its content type."""
    boundary = "boundary-of-the-load"
    out = io.BytesIO()
    for label, value in fields.items():
        out.write(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{label}"\r\n\r\n{value}\r\n'.encode()
        )
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n\r\n'
    out.write(head.encode() + content + f"\r\n--{boundary}--\r\n".encode())
    return out.getvalue(), f"multipart/form-data; boundary={boundary}"
