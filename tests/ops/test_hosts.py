"""Foreign Host headers are refused before anything is built from them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from ecatalog.ops.hosts import host_name, is_allowed

pytestmark = pytest.mark.any_database

ALLOWED = ("api.example.com", ".shop.example", "[2001:db8::1]")


@pytest.mark.parametrize(
    "host",
    [
        "api.example.com",
        "API.Example.COM",
        "api.example.com:8443",
        "api.example.com:65535",
        "api.example.com.",
        "shop.example",
        "uz.shop.example",
        "[2001:db8::1]:80",
    ],
)
def test_allowed(make_app: Callable[..., Flask], host: str) -> None:
    answer = make_app(allowed_hosts=ALLOWED).test_client().get("/api/v1/", headers={"Host": host})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "api.example.com.evil.example",
        "evilshop.example",
        "localhost",
        "127.0.0.1",
        "api.example.com@evil.example",
        "api.example.com/evil",
        "api.example.com:80:80",
        "api.example.com:port",
        "api.example.com:0",
        "api.example.com:65536",
        "api.example.com:99999",
        "api example com",
        "",
        ".",
        "[::1",
    ],
)
def test_refused(make_app: Callable[..., Flask], host: str) -> None:
    client = make_app(allowed_hosts=ALLOWED).test_client()
    for path in ("/api/v1/", "/api/v1", "/api/v1/project", "/no/such/path"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 400
        assert answer.json == {"detail": "Invalid host header."}
        assert "Location" not in answer.headers


@pytest.mark.parametrize("port", ["0", "99999"])
@pytest.mark.parametrize("path", ["/api/v1/", "/api/token", "/nowhere/"])
def test_a_proxy_that_tells_an_impossible_port(make_app: Callable[..., Flask], port: str, path: str) -> None:
    client = make_app(allowed_hosts=ALLOWED, trusted_proxies=("127.0.0.1/32",)).test_client()
    answer = client.get(path, headers={"X-Forwarded-Host": f"api.example.com:{port}"})
    assert (answer.status_code, answer.get_json()) == (400, {"detail": "Invalid host header."})


def test_missing_slash_is_redirected_on_an_allowed_host(make_app: Callable[..., Flask]) -> None:
    client = make_app(allowed_hosts=ALLOWED).test_client()
    answer = client.post("/api/token", headers={"Host": "api.example.com"})
    assert answer.status_code == 308
    assert answer.headers["Location"] == "http://api.example.com/api/token/"
    assert answer.data == b""


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_answer_under_any_host(make_app: Callable[..., Flask], path: str) -> None:
    client = make_app(allowed_hosts=ALLOWED).test_client()
    for host in ("10.20.30.40:8000", "localhost:99999", "localhost:0", "x:y", ""):
        assert client.get(path, headers={"Host": host}).status_code == 200, host


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("x.localhost", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("evil.example", 400),
    ],
)
def test_development_hosts(make_app: Callable[..., Flask], host: str, status: int) -> None:
    client = make_app(allowed_hosts=(), debug=True).test_client()
    assert client.get("/api/v1/", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(("debug", "status"), [(True, 200), (False, 400)])
def test_star_counts_only_in_debug(make_app: Callable[..., Flask], debug: bool, status: int) -> None:
    client = make_app(allowed_hosts=("*",), debug=debug).test_client()
    assert client.get("/api/v1/", headers={"Host": "any.example"}).status_code == status


def test_nothing_is_allowed_by_an_empty_list() -> None:
    assert host_name("localhost") == "localhost"
    assert not is_allowed("localhost", ())
