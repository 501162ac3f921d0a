"""What nginx answers by itself, and what it hands on: a real one, with the repository's nginx.conf."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from ecatalog.config import Settings
from ecatalog.factory import MAX_BODY_BYTES
from ecatalog.transfer.bodies import FORM_BYTES
from tests.deploy.conftest import NAME, ORIGIN, RunSite, Site, configuration, context, make_certificate
from tests.deploy.roles import of_role
from tests.deploy.upstream import OF_FILES, echoing
from tests.serving import ROOT


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with echoing() as place:
        yield place


@pytest.fixture(scope="module")
def site(run_site: RunSite, upstream: str) -> Site:
    return run_site(
        also="location = /busy { return 503; }\n"
        "location = /away { proxy_pass http://127.0.0.1:9; }\n"
        "location = /one { limit_conn addresses 1; limit_rate 1; proxy_pass http://ecatalog; }\n",
        nginx_upstreams=[upstream],
    )


def headers_got(answer: requests.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.json()["headers"]}


def raw(site: Site, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """What a request comes to that no library would send: status, headers, body."""
    with (
        socket.create_connection(("127.0.0.1", site.https), timeout=10) as plain,
        context(site).wrap_socket(plain, server_hostname=NAME) as connection,
    ):
        connection.sendall(request)
        got = b""
        while block := connection.recv(65536):
            got += block
            if b"\r\n\r\n" in got and got.partition(b"\r\n\r\n")[2]:
                break
    head, _, body = got.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}, body


def assert_ours(status: int, headers: Any, body: bytes, expected: int, origin: str = ORIGIN) -> None:
    assert status == expected
    assert headers["content-type"] == "application/json"
    assert list(json.loads(body)) == ["detail"]
    assert headers["access-control-allow-origin"] == origin
    assert "Retry-After" in headers["access-control-expose-headers"]
    assert headers["vary"] == "Origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["strict-transport-security"] == "max-age=63072000"
    assert ("retry-after" in headers) == (expected in {429, 502, 503, 504})


@pytest.mark.parametrize(
    ("path", "expected"), [("/busy", 503), ("/away", 502), ("/slow", 504)], ids=["busy", "away", "slow"]
)
def test_an_upstream_that_fails_is_told_in_json(site: Site, path: str, expected: int) -> None:
    answer = site.ask("GET", path, headers={"Origin": ORIGIN})
    assert_ours(answer.status_code, answer.headers, answer.content, expected)


@pytest.mark.parametrize(
    ("request_line", "header", "expected"),
    [
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1", b"", 414),
        (b"GET / HTTP/1.1", b"X-Long: " + b"x" * 20_000 + b"\r\n", 431),
        (b"GET / HTTP/1.1", b"Content-Length: many\r\n", 400),
        (b"POST /api/token/ HTTP/1.1", b"Content-Length: 99999999\r\n", 413),
    ],
    ids=["long-url", "long-header", "malformed", "large"],
)
def test_a_request_that_nginx_refuses_is_told_in_json(
    site: Site, request_line: bytes, header: bytes, expected: int
) -> None:
    start = request_line + b"\r\nHost: api.example.uz\r\nOrigin: " + ORIGIN.encode() + b"\r\n"
    status, headers, body = raw(site, start + header + b"\r\n")
    if expected == 414:  # the line comes before any header could say who asks
        assert (status, headers["content-type"], list(json.loads(body))) == (
            414,
            "application/json",
            ["detail"],
        )
    else:
        assert_ours(status, headers, body, expected)


def test_an_unknown_origin_is_told_nothing(site: Site) -> None:
    answer = site.ask("GET", "/busy", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 503
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert answer.headers["Vary"] == "Origin"


def test_credentials_are_allowed_where_they_are(run_site: RunSite, upstream: str) -> None:
    site = run_site(also="location = /busy { return 503; }\n", nginx_cors_allow_credentials=True)
    answer = site.ask("GET", "/busy", headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def test_the_client_is_named_once_and_by_nginx(site: Site) -> None:
    told = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Real-IP": "203.0.113.9",
        "Forwarded": "for=203.0.113.9",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
    }
    got = headers_got(site.ask("GET", "/api/v1/", headers=told))
    assert got["x-forwarded-for"] == "127.0.0.1"
    assert got["x-forwarded-proto"] == "https"
    assert got["x-forwarded-host"] == NAME
    assert not {"forwarded", "x-real-ip", "x-forwarded-prefix"} & got.keys()


def test_a_client_behind_a_named_proxy_is_taken_from_its_header(run_site: RunSite, upstream: str) -> None:
    site = run_site(nginx_upstreams=[upstream], nginx_trusted_proxies=["127.0.0.1"])
    got = headers_got(site.ask("GET", "/", headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}))
    assert got["x-forwarded-for"] == "203.0.113.9"


def test_http_leads_to_https_and_challenges_are_answered(site: Site) -> None:
    base = f"http://127.0.0.1:{site.http}"
    answer = requests.post(f"{base}/api/v1/?a=1", headers={"Host": NAME}, allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (308, f"https://{NAME}/api/v1/?a=1")
    (site.folder / "acme/.well-known/acme-challenge/token").write_text("proof")
    answer = requests.get(f"{base}/.well-known/acme-challenge/token", headers={"Host": NAME}, timeout=10)
    assert (answer.status_code, answer.text) == (200, "proof")


def test_other_names_are_refused(site: Site) -> None:
    answer = requests.get(f"http://127.0.0.1:{site.http}/", headers={"Host": "evil.example"}, timeout=10)
    assert (answer.status_code, answer.json()) == (400, {"detail": "Invalid host header."})
    answer = site.ask("GET", "/", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()) == (400, {"detail": "Invalid host header."})
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(site.url("/"), verify=str(site.certificate), timeout=10)  # by address: no name


def test_bodies_may_be_as_large_as_the_application_takes(site: Site) -> None:
    most = Settings(secret_key="x").max_import_mb * 1024**2 + FORM_BYTES
    for path, size in (("/api/v1/", MAX_BODY_BYTES), ("/api/v1/client/import-xlsx/", most)):
        for length, expected in ((size, 200), (size + 1, 413)):
            assert site.ask("POST", path, data=b"x" * length).status_code == expected, (path, length)
    assert (
        of_role("nginx", "defaults/main.yml")["nginx_max_image_mb"] == Settings(secret_key="x").max_image_mb
    )


def test_rows_in_lines_stream_through(site: Site) -> None:
    def lines() -> Iterator[bytes]:
        for _ in range(2):
            yield b"x" * 1000
            time.sleep(0.3)

    for path, streams in (("/api/v1/client/bulk/", True), ("/api/v1/client/", False)):
        got = site.ask("POST", path, data=lines()).json()
        assert (got["size"], got["chunked"]) == (2000, streams)  # not gathered first, as it is elsewhere


def test_images_are_kept_for_ever_and_are_never_a_page(site: Site) -> None:
    folder = site.folder / "media" / "client"
    folder.mkdir()
    for name in ("project", ".incoming"):
        (site.folder / "media" / name).mkdir()
        (site.folder / "media" / name / "a.jpg").write_bytes(b"an image")
    shared = site.ask("GET", "/media/project/a.jpg")
    assert shared.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for name in ("a.jpg", "b.webp", "page.html", "drawing.svg"):
        (folder / name).write_text("<script>alert(1)</script>")
    for name, kind in (("a.jpg", "image/jpeg"), ("b.webp", "image/webp")):
        answer = site.ask("GET", f"/media/client/{name}", headers={"Origin": ORIGIN})
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    for name in ("page.html", "drawing.svg"):
        answer = site.ask("GET", f"/media/client/{name}")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    for method, path, expected in (
        ("GET", "/media/none.jpg", 404),
        ("GET", "/media/.incoming/a.jpg", 404),
        ("GET", "/media/client/", 403),
        ("DELETE", "/media/client/a.jpg", 403),
    ):
        answer = site.ask(method, path, headers={"Origin": ORIGIN})
        assert_ours(answer.status_code, answer.headers, answer.content, expected)


@pytest.mark.parametrize("path", ["/static/page.css", "/media/project/a.jpg"])
def test_files_of_a_service_on_another_host_have_each_header_once(
    run_site: RunSite, upstream: str, path: str
) -> None:
    site = run_site(nginx_upstreams=[upstream], nginx_static_folder="", nginx_media_folder="")
    answer = site.ask("GET", path, headers={"Origin": ORIGIN})
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in OF_FILES} == OF_FILES


def test_static_files_come_from_the_release(site: Site) -> None:
    (site.folder / "static" / "page.css").write_text("a { color: red }" * 200)
    answer = site.ask("GET", "/static/page.css", headers={"Accept-Encoding": "br"})
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert answer.headers["Content-Encoding"] == "br"
    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_json_is_compressed(site: Site, encoding: str) -> None:
    answer = site.ask("GET", "/api/v1/", headers={"Accept-Encoding": encoding})
    assert answer.headers["Content-Encoding"] == encoding
    assert "Accept-Encoding" in answer.headers["Vary"]


def test_metrics_are_for_this_host_and_those_named(run_site: RunSite, upstream: str, site: Site) -> None:
    assert site.ask("GET", "/metrics").status_code == 200
    behind = run_site(
        nginx_upstreams=[upstream], nginx_trusted_proxies=["127.0.0.1"], nginx_metrics_allowed=["10.0.0.5"]
    )
    for client, expected in (("203.0.113.9", 403), ("10.0.0.5", 200)):
        assert behind.ask("GET", "/metrics", headers={"X-Forwarded-For": client}).status_code == expected


def test_one_address_cannot_take_all_connections(site: Site) -> None:
    with requests.Session() as _, socket.create_connection(("127.0.0.1", site.https), timeout=10) as plain:
        connection = context(site).wrap_socket(plain, server_hostname=NAME)
        connection.sendall(b"GET /one HTTP/1.1\r\nHost: api.example.uz\r\n\r\n")
        assert connection.recv(10)  # it runs, slowly
        answer = site.ask("GET", "/one", headers={"Origin": ORIGIN})
        assert_ours(answer.status_code, answer.headers, answer.content, 429)
        connection.close()


def test_http_2_and_modern_tls_only(site: Site) -> None:
    def curl(*options: str) -> subprocess.CompletedProcess[str]:
        where = ["--cacert", str(site.certificate), "--resolve", f"{NAME}:{site.https}:127.0.0.1"]
        show = ["--silent", "--output", "/dev/null", "--write-out", "%{http_version} %{http_code}"]
        command = ["curl", *where, *show, *options, f"https://{NAME}:{site.https}/api/v1/"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert curl("--http2").stdout == "2 200"
    assert curl("--http1.1").stdout == "1.1 200"
    assert curl("--tls-max", "1.2").stdout == "2 200"
    assert curl("--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0").returncode == 35
    assert curl("--tls-max", "1.2", "--ciphers", "AES128-SHA").returncode == 35


def test_nginx_accepts_the_file_as_it_stands(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    text = (ROOT / "nginx.conf").read_text()
    folder = "/etc/letsencrypt/live/api.example.uz"
    text = text.replace(f"{folder}/fullchain.pem", f"{tmp_path}/certificate.pem")
    text = text.replace(f"{folder}/privkey.pem", f"{tmp_path}/key.pem")
    text = text.replace("/run/nginx.pid", f"{tmp_path}/nginx.pid").replace("/var/log/nginx", str(tmp_path))
    (tmp_path / "nginx.conf").write_text(text)
    done = subprocess.run(
        ["nginx", "-t", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, check=False
    )
    assert "test is successful" in done.stderr, done.stderr


def test_what_ansible_fills_in_by_default_is_what_stands_there(tmp_path: Path) -> None:
    filled = configuration(tmp_path, 80, 443)
    for line in ("limit_conn addresses 64;", "client_max_body_size 51264k;", "client_max_body_size 151m;"):
        assert line in filled
        assert line in (ROOT / "nginx.conf").read_text()
    assert not re.search(r"^ *# site:|\{\{|\{%", filled, re.MULTILINE)
