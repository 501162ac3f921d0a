"""Files under STATIC_URL: collected for a web server, or served from here; and the pages that name them."""

from __future__ import annotations

import gzip
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

pytestmark = pytest.mark.any_database


def named(html: str) -> list[str]:
    """The addresses of files that a page names."""
    return re.findall(r'(?:src|href)="([^"]+\.(?:js|css|svg))"', html)


def collect(app: Flask, folder: Path) -> str:
    result = app.test_cli_runner().invoke(args=["static", "collect", str(folder)])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("page", ["/api/docs/", "/api/redoc/"])
def test_what_a_page_names_is_collected_and_served_alike(
    client: FlaskClient, tmp_path: Path, page: str
) -> None:
    collect(client.application, tmp_path)
    addresses = named(client.get(page).text)
    assert len(addresses) >= 4
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        file = tmp_path / address.removeprefix("/static/")
        assert file.read_bytes() == answer.data
        assert gzip.decompress(file.with_name(f"{file.name}.gz").read_bytes()) == answer.data


def test_the_web_server_can_read_what_is_collected(app: Flask, tmp_path: Path) -> None:
    folder = tmp_path / "static"
    folder.mkdir(0o755)
    before = os.umask(0o077)
    try:
        collect(app, folder)
    finally:
        os.umask(before)
    made = list(folder.rglob("*"))
    assert len(made) > 10
    for path in made:
        wanted = 0o755 if path.is_dir() else 0o644
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_collecting_again_writes_what_is_missing_and_keeps_other_releases(app: Flask, tmp_path: Path) -> None:
    other = tmp_path / "0123456789abcdef" / "docs" / "old.js"
    other.parent.mkdir(parents=True)
    other.write_text("old")
    assert "Wrote 9 files" in collect(app, tmp_path)
    assert "Wrote 0 files" in collect(app, tmp_path)
    next(tmp_path.rglob("redoc.css")).unlink()
    assert "Wrote 1 files" in collect(app, tmp_path)
    assert other.read_text() == "old"


def test_a_folder_that_cannot_be_written_is_one_line(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["static", "collect", "/proc/nowhere"])
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "path", ["0123456789abcdef/docs/swagger.css", "{digest}/docs/nothing.js", "{digest}/x/y"]
)
def test_nothing_else_is_there(client: FlaskClient, path: str) -> None:
    digest = named(client.get("/api/docs/").text)[0].split("/")[2]
    answer = client.get(f"/static/{path.format(digest=digest)}")
    assert (answer.status_code, answer.mimetype) == (404, "application/json")


def test_another_place_for_them(make_app: Callable[..., Flask]) -> None:
    answer = make_app(static_url="https://cdn.example.uz/files/").test_client().get("/api/docs/")
    assert all(address.startswith("https://cdn.example.uz/files/") for address in named(answer.text))
    assert "script-src 'self' https://cdn.example.uz;" in answer.headers["Content-Security-Policy"]
