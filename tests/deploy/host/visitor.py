"""A client out on the network: HTTPS to the public name, checked against the authority's root."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.deploy.host.layout import PUBLIC_NAME

SECONDS = 60


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


class _Connection(http.client.HTTPSConnection):
    """To the web host, whatever the name service says."""

    def __init__(self, address: str, context: ssl.SSLContext) -> None:
        super().__init__(PUBLIC_NAME, timeout=SECONDS, context=context)
        self._address, self._tls = address, context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, 443), timeout=SECONDS)
        self.sock = self._tls.wrap_socket(plain, server_hostname=PUBLIC_NAME)


@dataclass
class Visitor:
    """Asks over a new connection each time."""

    web_address: str
    root: Path
    token: str = field(default="", repr=False)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request. Raises OSError or HTTPException when there is no whole answer."""
        connection = _Connection(self.web_address, ssl.create_default_context(cafile=str(self.root)))
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        """Raises RuntimeError when the answer is not 200."""
        return self._good(path, self.ask("GET", path))

    def send(self, path: str, data: Any) -> Answer:
        """POST it as JSON. Raises RuntimeError when the answer is not 200 or 201."""
        kind = {"Content-Type": "application/json"}
        return self._good(path, self.ask("POST", path, json.dumps(data).encode(), kind))

    def _good(self, path: str, answer: Answer) -> Answer:
        if answer.status not in (200, 201):
            raise RuntimeError(f"{path} answers {answer.status}: {answer.body[:500]!r}")
        return answer

    def sign_in(self, name: str, password: str) -> None:
        answer = self.send("/api/token/", {"username": name, "password": password})
        self.token = answer.data["access"]

    def serial(self) -> int:
        """The serial number of the certificate that is served."""
        context = ssl.create_default_context(cafile=str(self.root))
        with (
            socket.create_connection((self.web_address, 443), timeout=SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=PUBLIC_NAME) as secured,
        ):
            told = secured.getpeercert() or {}
        return int(str(told["serialNumber"]), 16)
