"""The whole server: uploads at the same time, and bodies that are too large for it."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from ecatalog.config import Settings
from tests.conftest import Serve
from tests.images.album import Album, done
from tests.images.pictures import drawn, encoded, jpeg

MEGABYTE = 1024**2


@pytest.fixture
def server(serve: Serve, settings: Settings, items: Album) -> str:
    """Two workers on the database and the store of ``items``."""
    return serve({"DATABASE_URL": settings.database_url, "MEDIA_STORAGE": str(items.root)}, workers=2)


def post(server: str, items: Album, content: bytes, **form: str) -> requests.Response:
    return requests.post(
        f"{server}{items.base}",
        data={"nomenklatura": "R-1", **form},
        files={"image": ("a.jpg", content)},
        headers=items.headers,
        timeout=60,
    )


def test_writers_at_the_same_time(server: str, items: Album) -> None:
    twenty_that_each_say_is_main(server, items)
    uploads_changes_and_deletions(server, items)


def twenty_that_each_say_is_main(server: str, items: Album) -> None:
    items.row()

    def upload(number: int) -> requests.Response:
        return post(server, items, jpeg(), is_main="true", note=str(number))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(upload, range(20)))
    assert [answer.status_code for answer in answers] == [201] * 20
    assert len(items.mains()) == 1
    row = done(items.get_row())
    assert sum(image["is_main"] for image in row["images"]) == 1
    assert sorted(int(image["note"]) for image in row["images"]) == list(range(20))
    assert len(items.files()) == 20 * 9


def uploads_changes_and_deletions(server: str, items: Album) -> None:
    ids = items.ids(page_size=6)

    def call(number: int) -> int:
        image = f"{server}{items.base}{ids[number % 6]}/"
        session = requests.Session()
        session.headers.update(items.headers)
        if number % 4 == 0:
            return post(server, items, jpeg(), is_main="true").status_code
        if number % 4 == 1:
            return session.delete(image, timeout=60).status_code
        return session.patch(image, json={"is_main": True, "note": str(number)}, timeout=60).status_code

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(call, range(36)))
    assert set(statuses) <= {200, 201, 204, 404}
    images = done(items.get_row())["images"]
    assert [image["is_main"] for image in images] == [True] + [False] * (len(images) - 1)


def refused_before_200_megabytes_are_read(server: str, items: Album) -> None:
    address = urlsplit(server)
    head = (
        f"POST {items.base} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {200 * MEGABYTE}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n"
        f"Authorization: {items.headers['Authorization']}\r\n\r\n"
    )
    began = time.monotonic()
    with socket.create_connection((str(address.hostname), int(address.port or 80)), timeout=20) as connection:
        connection.sendall(head.encode())
        answer = b""
        while b"}" not in answer:
            answer += connection.recv(65536)
    assert b" 413 " in answer.splitlines()[0]
    assert b"An image may have 15 MB." in answer
    assert time.monotonic() - began < 10
    big = post(server, items, b"\x00" * 20 * MEGABYTE)  # by a client that sends first and listens then
    assert (big.status_code, big.json()) == (413, {"detail": "An image may have 15 MB."})
    assert len(items.files()) == 5 * 9


def memory_peaks(name: str) -> dict[int, float]:
    """The most memory that processes whose environment holds ``name`` ever had, in megabytes, by id."""
    peaks = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            environment = status.with_name("environ").read_bytes()
            facts = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it has ended meanwhile
        if name.encode() in environment and "VmHWM" in facts:
            peaks[int(status.parent.name)] = int(facts["VmHWM"].split()[0]) / 1024
    return peaks


def test_large_uploads_take_little_of_a_worker(serve: Serve, settings: Settings, items: Album) -> None:
    items.row()
    mark = f"MEDIA_STORAGE={items.root}/."
    server = serve({"DATABASE_URL": settings.database_url, "MEDIA_STORAGE": f"{items.root}/."}, workers=1)
    assert post(server, items, jpeg()).status_code == 201  # libraries are loaded by now
    before = memory_peaks(mark)
    assert before
    large = drawn(4000, 3000)
    for content in (
        encoded(large, "JPEG", quality=90),
        encoded(large, "JPEG", quality=90, progressive=True, subsampling=0),
        encoded(large.convert("RGBA"), "PNG", compress_level=1),
        encoded(large, "WEBP", method=0, quality=70),
    ):
        assert post(server, items, content).status_code == 201
    grown = {
        process: peak - before[process] for process, peak in memory_peaks(mark).items() if process in before
    }
    assert max(grown.values()) < 150, grown
