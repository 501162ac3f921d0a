"""Failures in the middle: no row without files, no files without a row but what ``clean`` finds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError

from ecatalog.catalog import clock
from ecatalog.config import Settings
from ecatalog.database import write_transaction
from ecatalog.extensions import db
from ecatalog.images import uploads
from ecatalog.images.decoding import render
from ecatalog.images.facts import Facts
from ecatalog.nomenklatura.resource import NOMENKLATURA
from tests.images.album import Album
from tests.images.pictures import jpeg

# Another process that uploads: what it prints is the answer's status.
UPLOADER = """
import io, resource, sys
from PIL import Image
import ecatalog
client = ecatalog.create_app().test_client()
file = io.BytesIO()
Image.effect_noise((300, 300), 90).convert("RGB").save(file, "JPEG", quality=95)
file.seek(0)
data = {"nomenklatura": "R-1", "image": (file, "a.jpg")}
headers = {"Authorization": sys.argv[1]}
if len(sys.argv) > 2:
    most = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
print(client.post("/api/v1/nomenklatura-image/", data=data, headers=headers).status_code)
"""


@contextmanager
def uploader(items: Album, settings: Settings, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "SECRET_KEY": settings.secret_key,
        "ALLOWED_HOSTS": "localhost",
        "DATABASE_URL": settings.database_url,
        "MEDIA_STORAGE": str(items.root),
    }
    command = [sys.executable, "-c", UPLOADER, items.headers["Authorization"], *arguments]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with process:
        yield process
        process.kill()


@contextmanager
def failing_commit(error: Exception) -> Iterator[None]:
    def fail(_session: Any) -> None:
        raise error

    sa.event.listen(db.session, "before_commit", fail)
    try:
        yield
    finally:
        sa.event.remove(db.session, "before_commit", fail)


def test_a_process_killed_before_the_commit_leaves_an_orphan(
    items: Album, app: Flask, settings: Settings
) -> None:
    items.row()
    with uploader(items, settings) as process, app.app_context(), write_transaction():
        clock.take_tick(NOMENKLATURA)  # now no writer gets on
        deadline = time.monotonic() + 30
        while len(items.files()) < 9 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(items.files()) == 9
    assert not any(".incoming" in file for file in items.files())
    assert items.page()["count"] == 0
    run = app.test_cli_runner()
    shown = run.invoke(args=["images", "clean", "--older-than", "0h"])
    assert "1 folders are left over" in shown.output
    assert len(items.files()) == 9
    kept = items.upload()
    assert run.invoke(args=["images", "clean", "--older-than", "0h", "--delete"]).exit_code == 0
    assert {file.rsplit("/", 1)[0] in kept["image"] for file in items.files()} == {True}


def test_a_full_disk(items: Album, settings: Settings) -> None:
    """No file may have more than 20 kB: the original does."""
    items.row()
    with uploader(items, settings, "20000") as process:
        told, _ = process.communicate(timeout=60)
    assert told.strip() == "503"
    assert items.files() == set()
    assert items.page()["count"] == 0
    items.upload()


def test_a_commit_that_fails_leaves_no_file(items: Album) -> None:
    items.row()
    image = items.upload()
    before = items.files()
    with failing_commit(RuntimeError("no")):
        assert items.post().status_code == 500
        assert items.post_many(jpeg(), jpeg()).status_code == 500
        assert items.send("PATCH", image, image=jpeg(50, 50)).status_code == 500
    assert items.files() == before
    assert items.fetch(image["image"]).status_code == 200


def test_a_commit_that_nobody_knows_of_keeps_the_files(items: Album) -> None:
    """The connection broke: the row may be there, and must then have its files."""
    items.row()
    lost = OperationalError("COMMIT", {}, Exception("connection lost"), connection_invalidated=True)
    with failing_commit(lost):
        assert items.post().status_code == 503
    assert len(items.files()) == 9


def test_the_row_goes_while_the_image_is_decoded(items: Album, monkeypatch: pytest.MonkeyPatch) -> None:
    items.row()

    def render_slowly(path: Path, folder: Path) -> Facts:
        facts = render(path, folder)
        answer = Album(items.client.application.test_client(), items.resource, items.headers, items.root)
        assert answer.client.delete("/api/v1/nomenklatura/R-1/", headers=items.headers).status_code == 204
        return facts

    monkeypatch.setattr(uploads, "render", render_slowly)
    answer = items.post()
    assert answer.status_code == 400
    assert answer.get_json() == {"nomenklatura": ['No nomenklatura matches "R-1".']}
    assert items.files() == set()


def test_a_store_that_cannot_be_written(make_app: Callable[..., Flask], items: Album, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    client = make_app(media_storage=str(tmp_path / "file")).test_client()
    album = Album(client, NOMENKLATURA, items.headers, items.root)
    album.row()
    answer = album.post()
    assert answer.status_code == 503
    assert answer.get_json() == {"detail": "Images cannot be stored at the moment, try again later."}
    assert album.page()["count"] == 0


def test_files_that_are_gone(items: Album) -> None:
    items.row()
    image = items.upload()
    for file in items.files():
        (items.root / file).unlink()
    assert items.fetch(image["image"]).status_code == 404
    assert items.call("GET", image).status_code == 200
    assert items.call("DELETE", image).status_code == 204
