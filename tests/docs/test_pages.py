"""The pages and their files, without a browser."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from ecatalog.ops.docs_assets import ASSETS, digest, read_asset

pytestmark = pytest.mark.any_database

PAGES = ("/api/docs/", "/api/redoc/")
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Links(HTMLParser):
    """Addresses that a page names, and scripts that stand in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self._script: dict[str, str | None] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.addresses += [str(named[name]) for name in ("href", "src", "data-schema") if name in named]
        self.inline += [name for name in named if name.startswith("on")]
        self._script = named if tag == "script" else None

    def handle_data(self, data: str) -> None:
        if self._script is not None and data.strip():
            self.inline.append(data)


def directives(policy: str) -> dict[str, list[str]]:
    parts = (part.split() for part in policy.split(";"))
    return {name: values for name, *values in parts}


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_page_is_served(client: FlaskClient, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    assert "<title>E-Catalog API" in answer.text
    assert '<meta name="robots" content="noindex">' in answer.text


def test_its_policy_allows_no_script_but_files(client: FlaskClient, page: str) -> None:
    answer = client.get(page)
    policy = directives(answer.headers["Content-Security-Policy"])
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == ["'self'"]
    assert policy["connect-src"] == ["'self'"]
    assert Links(answer.text).inline == []


def test_everything_it_names_is_here(client: FlaskClient, page: str) -> None:
    addresses = Links(client.get(page).text).addresses
    assert len(addresses) >= 5
    for address in addresses:
        assert urlsplit(address).netloc == ""
        assert client.get(address).status_code == 200, address


FILES = [(page, name) for page, named in ASSETS.items() for name in named]


@pytest.mark.parametrize(("page_name", "name"), FILES)
def test_files(client: FlaskClient, page_name: str, name: str) -> None:
    answer = client.get(f"/api/{page_name}/assets/{name}")
    assert answer.status_code == 200
    assert answer.data
    assert answer.mimetype == MEDIA_TYPES["." + name.rpartition(".")[2]]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "public, no-cache"
    again = client.get(answer.request.path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("name", ["__init__.py", "..%2f..%2f__init__.py", "redoc.svg", "swagger.html", ""])
def test_nothing_else_is_served(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/api/docs/assets/{name}")
    assert answer.status_code == 404
    assert answer.get_json() == {"detail": "Not found."}


def test_files_do_not_count_against_the_limits(client: FlaskClient) -> None:
    assert "X-RateLimit-Limit" not in client.get("/api/docs/assets/swagger-init.js").headers
    assert "X-RateLimit-Limit" in client.get("/api/docs/").headers


def test_redoc_has_no_address_left_to_load_its_logo_from() -> None:
    script = read_asset("redoc", "redoc.standalone.js")
    assert b"cdn.redoc.ly" not in script
    assert script.count(b"assets/redoc.svg") == 2


def test_the_packages_are_not_imported() -> None:
    """They would bring a second web framework."""
    code = (
        "import sys, ecatalog.ops.docs, ecatalog.ops.docs_assets as docs; "
        "[docs.read_asset(page, name) for page, named in docs.ASSETS.items() for name in named]; "
        "print(sorted(name for name in sys.modules if name.startswith('flask_openapi')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_pages_keep_no_file_that_was_not_asked_for(client: FlaskClient) -> None:
    read_asset.cache_clear()
    digest.cache_clear()
    assert client.get("/api/docs/").status_code == 200
    assert read_asset.cache_info().currsize == 0


def test_the_bare_address_leads_to_the_documentation(client: FlaskClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Location"], answer.data) == (302, "/api/docs/", b"")
    assert "X-RateLimit-Limit" not in answer.headers
    assert client.get("/", follow_redirects=True).mimetype == "text/html"
    assert client.post("/").status_code == 405
