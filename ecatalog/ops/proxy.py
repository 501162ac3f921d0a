"""Who is really calling: forwarding headers, believed only from proxies that the operator named.

A client can send any ``X-Forwarded-For`` it likes. So these headers count only when the connection's peer is
one of our proxies; from anyone else they are removed before the application can see them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from flask import Flask

from ecatalog.config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

FORWARDING_HEADERS = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_SSL",
    "HTTP_X_REAL_IP",
)


def parse_address(text: str) -> Address | None:
    """The address in ``text``, which may carry a port (``1.2.3.4:80``, ``[::1]:80``); None when malformed.

    An IPv4-mapped address (``::ffff:1.2.3.4``) comes out as IPv4; a scope (``fe80::1%eth0``) is dropped.
    """
    text = text.strip()
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        if not bracket or (port and not _is_port(port)):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _is_port(f":{port}"):
            return None
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_port(text: str) -> bool:
    return text.startswith(":") and text[1:].isascii() and text[1:].isdigit()


@lru_cache(4096)  # they come again
def _read_peer(text: str) -> tuple[Address | None, str]:
    """The address of a peer, and as it is usually written."""
    address = parse_address(text)
    return address, str(address)


#: In the environment of a request: it came with forwarding headers from one who is not trusted to send them,
#: or with such that do not say who the client is.
DOUBTFUL = "ecatalog.doubtful_forwarding"


class TrustedProxies:
    """WSGI middleware: ``REMOTE_ADDR``, ``wsgi.url_scheme`` and ``HTTP_HOST`` as the client meant them.

    Peers inside ``networks`` (addresses or CIDR blocks) and peers on a unix socket are trusted: only the web
    server of this machine can open that socket. Raises ValueError for a malformed network.
    """

    def __init__(self, wsgi_app: WSGIApplication, networks: Iterable[str]) -> None:
        self.wsgi_app = wsgi_app
        self.networks = tuple(ipaddress.ip_network(text, strict=False) for text in networks)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = {name: environ.pop(name, "") for name in FORWARDING_HEADERS}
        peer = str(environ.get("REMOTE_ADDR") or "")
        address, written = _read_peer(peer)
        if address is not None:
            environ["REMOTE_ADDR"] = written
        if self._is_trusted_peer(peer, address):
            self._apply(environ, headers)
        elif any(headers.values()):
            environ[DOUBTFUL] = True
        return self.wsgi_app(environ, start_response)

    def _is_trusted_peer(self, peer: str, address: Address | None) -> bool:
        on_unix_socket = not peer or peer.startswith("unix:")
        return on_unix_socket or (address is not None and self._is_trusted(address))

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self.networks)

    def _apply(self, environ: WSGIEnvironment, headers: dict[str, str]) -> None:
        client, hops = self._walk(headers["HTTP_X_FORWARDED_FOR"])
        if client is not None:
            environ["REMOTE_ADDR"] = str(client)
        if headers["HTTP_X_FORWARDED_FOR"] and (client is None or self._is_trusted(client)):
            environ[DOUBTFUL] = True  # it names nobody, or none but proxies
        scheme = _entry(headers["HTTP_X_FORWARDED_PROTO"], hops).lower()
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme
        host = _entry(headers["HTTP_X_FORWARDED_HOST"], hops)
        if host:
            environ["HTTP_HOST"] = host

    def _walk(self, forwarded_for: str) -> tuple[Address | None, int]:
        """The client's address and how many entries from the right were believed to find it.

        Each proxy appends the peer that it saw. Going from the right, an entry is believed while all to its
        right are ours; the first foreign address is the client, and what stands left of it is hearsay.
        """
        client: Address | None = None
        hops = 0
        for entry in reversed(forwarded_for.split(",")):
            address = parse_address(entry)
            if address is None:
                break
            client, hops = address, hops + 1
            if not self._is_trusted(address):
                break
        return client, hops


def _entry(header: str, hops: int) -> str:
    """The value that belongs to the outermost believed hop of a comma-separated header."""
    values = [value.strip() for value in header.split(",")]
    return values[-min(max(hops, 1), len(values))]


def init_proxy(app: Flask, settings: Settings) -> None:
    """Put the middleware around the application; it must be the outermost one."""
    app.wsgi_app = TrustedProxies(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign]
