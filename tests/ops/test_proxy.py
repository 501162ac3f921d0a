"""Forwarding headers count only from trusted peers."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from ecatalog.ops.proxy import FORWARDING_HEADERS, TrustedProxies, parse_address

pytestmark = pytest.mark.any_database

NETWORKS = ("127.0.0.1/32", "10.0.0.0/8", "::1/128", "fd00::/8")


def seen_by_application(peer: str, headers: dict[str, str]) -> dict[str, Any]:
    """The WSGI environment that the application gets for a request from ``peer``."""
    seen: dict[str, Any] = {}

    def application(environ: Any, start_response: Any) -> list[bytes]:
        seen.update(environ)
        start_response("200 OK", [])
        return []

    environ = EnvironBuilder(headers=headers.items(), environ_overrides={"REMOTE_ADDR": peer}).get_environ()
    run_wsgi_app(TrustedProxies(application, NETWORKS), environ)
    return seen


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),  # the left one is the client's own claim
        ("127.0.0.1", "198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"),  # a second proxy of ours
        ("127.0.0.1", "10.9.9.9, 10.1.2.3", "10.9.9.9"),  # everybody is ours
        ("127.0.0.1", "203.0.113.7, garbage, 10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", "garbage", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7,", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        ("127.0.0.1", "[2001:db8::5]:4711", "2001:db8::5"),
        ("127.0.0.1", "2001:db8::5", "2001:db8::5"),
        ("127.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:127.0.0.1", "203.0.113.7", "203.0.113.7"),  # a listener on [::] sees IPv4 like this
        ("", "203.0.113.7", "203.0.113.7"),  # a unix socket
        ("unix:/run/ecatalog.sock", "203.0.113.7", "203.0.113.7"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("2001:db8::9", "198.51.100.1", "2001:db8::9"),
    ],
)
def test_client_address(peer: str, forwarded_for: str, client: str) -> None:
    assert seen_by_application(peer, {"X-Forwarded-For": forwarded_for})["REMOTE_ADDR"] == client


def test_scheme_and_host_of_a_trusted_proxy() -> None:
    headers = {
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "shop.example",
    }
    seen = seen_by_application("127.0.0.1", headers)
    assert (seen["wsgi.url_scheme"], seen["HTTP_HOST"]) == ("https", "shop.example")


def test_scheme_and_host_belong_to_the_outermost_trusted_hop() -> None:
    headers = {
        "X-Forwarded-For": "198.51.100.1, 203.0.113.7, 10.1.2.3",
        "X-Forwarded-Proto": "ftp, https, http",
        "X-Forwarded-Host": "evil.example, shop.example, inner.example",
    }
    seen = seen_by_application("127.0.0.1", headers)
    assert (seen["wsgi.url_scheme"], seen["HTTP_HOST"]) == ("https", "shop.example")


def test_unknown_scheme_is_ignored() -> None:
    seen = seen_by_application("127.0.0.1", {"X-Forwarded-Proto": "javascript"})
    assert seen["wsgi.url_scheme"] == "http"


def test_nothing_of_it_reaches_the_application_from_an_untrusted_peer() -> None:
    names = [name.removeprefix("HTTP_").replace("_", "-") for name in FORWARDING_HEADERS]
    seen = seen_by_application("203.0.113.9", {"Host": "shop.example", **dict.fromkeys(names, "10.0.0.1")})
    assert not set(FORWARDING_HEADERS) & set(seen)
    assert seen["REMOTE_ADDR"] == "203.0.113.9"
    assert seen["wsgi.url_scheme"] == "http"
    assert seen["HTTP_HOST"] == "shop.example"


@pytest.mark.parametrize(
    "text", ["", " ", "1.2.3", "1.2.3.4:", "1.2.3.4:x", "[::1", "[::1]x", "unknown", "_hidden"]
)
def test_malformed_addresses(text: str) -> None:
    assert parse_address(text) is None


def test_malformed_network_is_refused() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/99"):
        TrustedProxies(lambda environ, start_response: [], ["10.0.0.0/99"])
