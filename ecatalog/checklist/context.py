"""What checks have in common: the settings, and calls over HTTP and of programs that cannot hang."""

from __future__ import annotations

import http.client
import os
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import orjson
from flask import Flask

from ecatalog.config import Settings

SECONDS = 20
DEFAULT_PORTS = (22, 80, 443)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names are in lower case, repeated headers joined by line breaks."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        """The JSON in it. Raises ValueError."""
        return orjson.loads(self.body)


@dataclass(frozen=True)
class Ran:
    """A program's exit code and output; ``code`` is None when there is no such program."""

    code: int | None
    text: str = ""


@dataclass
class Context:
    """What is looked at.

    ``ports``: those that may listen publicly; ``http_port``: where HTTP is answered by a redirect to HTTPS.
    """

    app: Flask
    settings: Settings
    ports: tuple[int, ...] = DEFAULT_PORTS
    http_port: int = 80

    @cached_property
    def host(self) -> str:
        """The public name; empty without PUBLIC_URL."""
        return urlsplit(self.settings.public_url).hostname or ""

    @property
    def base_url(self) -> str:
        """Where the API is asked: over the public name, else where gunicorn listens on this machine."""
        settings = self.settings
        if not settings.public_url and settings.bind.startswith("unix:"):
            raise OSError("the service listens on a socket: set PUBLIC_URL")
        return settings.public_url or f"http://{settings.bind}:{settings.port}"

    def call(
        self, path: str, method: str = "GET", *, headers: Mapping[str, str] | None = None, body: Any = None
    ) -> Answer:
        """Ask the service; ``path`` may be a whole URL, ``body`` is sent as JSON. Raises OSError."""
        url = path if "://" in path else self.base_url + path
        sent = dict(headers or {})
        content = None
        if body is not None:
            content = orjson.dumps(body)
            sent["Content-Type"] = "application/json"
        return ask(url, method, sent, content)

    @property
    def is_root(self) -> bool:
        return os.geteuid() == 0

    @cached_property
    def has_systemd(self) -> bool:
        """Whether systemd runs this machine."""
        return os.path.isdir("/run/systemd/system")  # noqa: PTH112

    def program(self, *command: str) -> Ran:
        """Run a program of the system, also from ``sbin``, with its output and complaints as one text."""
        path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"))
        found = shutil.which(command[0], path=path)
        if found is None:
            return Ran(None)
        try:
            done = subprocess.run(  # noqa: S603  # the checks' own commands, and no shell
                [found, *command[1:]],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "LC_ALL": "C"},
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Ran(124, f"no answer within {SECONDS} seconds")
        return Ran(done.returncode, (done.stdout + done.stderr).strip())

    def privileged(self, *command: str) -> Ran:
        """The same as root: as it is, or by a rule of sudo that asks for no password."""
        return self.program(*command) if self.is_root else self.program("sudo", "-n", *command)


def ask(url: str, method: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
    """One request; redirects are not followed."""
    parts = urlsplit(url)
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=SECONDS, context=context
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=SECONDS)
    try:
        connection.request(method, target, body=body, headers=dict(headers))
        answer = connection.getresponse()
        found: dict[str, str] = {}
        for name, value in answer.getheaders():
            name = name.lower()
            found[name] = f"{found[name]}\n{value}" if name in found else value
        return Answer(answer.status, found, answer.read())
    finally:
        connection.close()
