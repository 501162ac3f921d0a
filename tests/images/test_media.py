"""Files of images over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from flask import Flask

from tests.images.album import Album, done
from tests.images.pictures import jpeg

pytestmark = pytest.mark.any_database


def test_files_may_be_kept_for_ever_and_are_never_pages(album: Album) -> None:
    album.row()
    image = album.upload()
    kept_by = "public" if album.resource.anonymous_read else "private"
    for url in (image["image"], *(source["url"] for source in image["sources"])):
        answer = album.fetch(url)
        assert answer.headers["Cache-Control"] == f"{kept_by}, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.content_type in ("image/jpeg", "image/webp")
        assert "X-RateLimit-Limit" not in answer.headers
        assert int(answer.headers["Content-Length"]) == len(answer.data) > 0


def test_parts_of_files_and_heads(items: Album) -> None:
    items.row()
    content = jpeg()
    path = urlsplit(items.upload(content)["image"]).path
    part = items.client.get(path, headers={"Range": "bytes=2-5"}, buffered=True)
    assert (part.status_code, part.data) == (206, content[2:6])
    head = items.client.head(path, buffered=True)
    assert (head.status_code, head.data) == (200, b"")
    known = {"If-None-Match": head.headers["ETag"]}
    assert items.client.get(path, headers=known, buffered=True).status_code == 304
    assert items.client.post(path).status_code == 405


PATHS = [
    "/media/",
    "/media/../ecatalog.sqlite3",
    "/media/..%2f..%2fetc/passwd",
    "/media//etc/passwd",
    "/media/%2e%2e/%2e%2e/etc/passwd",
    "/media/.incoming/0/original.jpg",
    "/media/nomenklatura",
    "/media/nomenklatura/2026/01/",
    "/media/nomenklatura/2026/01/00000000000000000000000000000000/original.jpg",
    "/media/nomenklatura/2026/01/00000000000000000000000000000000/original.svg",
    "/media/nomenklatura/2026/01/00000000000000000000000000000000/original.jpg\n",
    "/media/nomenklatura/2026/01/00000000000000000000000000000000/../secret.jpg",
    "/media/user/2026/01/00000000000000000000000000000000/original.jpg",
    "/media/nomenklatura/2026/01/%00/original.jpg",
]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_but_our_own_files(items: Album, path: str) -> None:
    (items.root / "secret.jpg").write_bytes(b"secret")
    answer = items.client.get(path)
    assert answer.status_code == 404
    assert answer.content_type == "application/json"


def test_other_files_in_a_folder_of_ours(items: Album) -> None:
    items.row()
    url = items.upload()["image"]
    folder = items.root / urlsplit(url).path.removeprefix("/media/")
    for name in ("page.html", "x.svg", "original.gif", "other.jpg"):
        (folder.parent / name).write_bytes(b"<script>")
        assert items.fetch(url.replace("original.jpg", name)).status_code == 404
    roundabout = url.replace("/media/", "/media/nomenklatura/../")
    assert items.fetch(roundabout).status_code == 404


def test_a_media_url_of_another_server(make_app: Callable[..., Flask], items: Album) -> None:
    client = make_app(media_url="https://cdn.example.uz/files/").test_client()
    other = Album(client, items.resource, items.headers, items.root)
    other.row()
    image = other.upload()
    assert image["image"].startswith("https://cdn.example.uz/files/nomenklatura/2")
    assert image["sources"][0]["url"].startswith("https://cdn.example.uz/files/nomenklatura/2")
    assert client.get("/media/x").status_code == 404


def test_a_media_url_of_another_path(make_app: Callable[..., Flask], items: Album) -> None:
    client = make_app(media_url="/files/", trusted_proxies=("127.0.0.1/32",)).test_client()
    other = Album(client, items.resource, items.headers, items.root)
    other.row()
    image = other.upload()
    assert image["image"].startswith("http://localhost/files/nomenklatura/2")
    assert other.fetch(image["image"]).status_code == 200
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "[::1]", "X-Forwarded-For": "10.0.0.1"}
    for path in ("/api/v1/nomenklatura/R-1/", "/api/v1/nomenklatura/"):
        body = done(client.get(path, headers=proxied))
        shown = (body["results"][0] if "results" in body else body)["images"][0]
        assert shown["image"].startswith("https://[::1]/files/nomenklatura/2")


def test_another_media_url_is_another_answer(make_app: Callable[..., Flask], items: Album) -> None:
    items.row()
    items.upload()
    tag = items.get_row().headers["ETag"]
    client = make_app(media_url="https://cdn.example.uz/").test_client()
    answer = client.get("/api/v1/nomenklatura/R-1/", headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.get_json()["images"][0]["image"].startswith("https://cdn.example.uz/")
