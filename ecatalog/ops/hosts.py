"""The Host header must name this site: links and redirects are built from it."""

from __future__ import annotations

import re

from flask import Flask, request

from ecatalog.config import Settings
from ecatalog.errors import MalformedRequest

#: Asked by monitors and load balancers under whatever name or address they know.
PROBES = frozenset({"/livez", "/readyz", "/metrics"})

DEVELOPMENT_HOSTS = (".localhost", "127.0.0.1", "[::1]")

_HOST = re.compile(r"(?P<name>[a-z0-9.-]+|\[[a-f0-9:.]+\])(:(?P<port>[0-9]{1,5}))?")


def host_name(header: str) -> str | None:
    """The name or address in a Host header: lower case, no port, no final dot; None when malformed."""
    match = _HOST.fullmatch(header.lower())
    if match is None or not 0 < int(match["port"] or 80) < 65_536:
        return None
    return match["name"].removesuffix(".") or None


def is_allowed(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether ``name`` is one of ``patterns``: a name, ``.example.com`` (it and its subdomains) or ``*``."""
    for pattern in (pattern.lower() for pattern in patterns):
        if pattern in ("*", name):
            return True
        if pattern.startswith(".") and (name == pattern[1:] or name.endswith(pattern)):
            return True
    return False


def allowed_patterns(settings: Settings) -> tuple[str, ...]:
    """What may stand in the Host header; ``*`` counts only while developing."""
    if settings.debug:
        return settings.allowed_hosts or DEVELOPMENT_HOSTS
    return tuple(pattern for pattern in settings.allowed_hosts if pattern != "*")


def init_hosts(app: Flask, settings: Settings) -> None:
    """Refuse foreign hosts with 400, before any redirect. Must be the first step that refuses."""
    patterns = allowed_patterns(settings)

    def check_host() -> None:
        if request.path in PROBES:
            return
        name = host_name(request.environ.get("HTTP_HOST", ""))
        if name is None or not is_allowed(name, patterns):
            raise MalformedRequest("Invalid host header.")

    app.before_request(check_host)
