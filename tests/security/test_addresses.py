"""Redirects and links lead to this site alone, whatever a stranger writes into path, query and headers."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

HERE = {"", "localhost"}


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "//evil.example/",
        "//evil.example/api/v1/project",
        "//evil.example/%2e%2e/api/v1/project",
        "/\\evil.example",
        "/%5Cevil.example/api/v1/project",
        "/api/v1/project//evil.example",
        "/api/v1/project/%2F%2Fevil.example",
        "/api/v1/project/https://evil.example",
        "/api/v1/project?next=https://evil.example",
        "/api/docs?url=https://evil.example",
        "/api/v1/project/%0d%0aLocation:%20https://evil.example",
        "/?next=//evil.example",
    ],
)
def test_no_redirect_leaves_the_site(client: FlaskClient, path: str) -> None:
    answer = client.open(path, method="GET", base_url=None, headers={"Host": "localhost"})
    location = answer.headers.get("Location")
    if location is not None:
        assert answer.status_code in (302, 308)
        assert urlsplit(location.replace("\\", "/")).netloc in HERE, location
        assert not location.startswith(("//", "/\\"))
        assert "\n" not in location


@pytest.mark.parametrize(
    "forged",
    [
        {"X-Forwarded-Host": "evil.example"},
        {"Forwarded": "host=evil.example;proto=https"},
        {"X-Host": "evil.example"},
        {"X-Original-URL": "/evil.example"},
        {"X-Rewrite-URL": "//evil.example"},
        {"X-Forwarded-Proto": "javascript", "X-Forwarded-Prefix": "//evil.example"},
    ],
)
def test_links_are_of_this_host(
    client: FlaskClient, auth: Callable[..., dict[str, str]], forged: dict[str, str]
) -> None:
    for number in range(2):
        row = {"code_1c": f"L{number}", "name": "L"}
        assert client.post("/api/v1/project/", json=row, headers=auth()).status_code == 201
    for path in ("/api/v1/project/?page_size=1", "/api/v1/project/?cursor=&page_size=1"):
        following = client.get(path, headers=forged).get_json()["next"]
        assert following.startswith("http://localhost/api/v1/project/?")
    redirect = client.get("/api/v1/project", headers=forged).headers["Location"]
    assert urlsplit(redirect).netloc in HERE
    for url in client.get("/api/v1/", headers=forged).get_json()["resources"].values():
        assert url.startswith("http://localhost/")


def test_a_foreign_host_is_refused(client: FlaskClient) -> None:
    answer = client.get("/api/v1/project", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.get_json()) == (400, {"detail": "Invalid host header."})
    assert "Location" not in answer.headers
