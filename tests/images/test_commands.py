"""``flask images clean | purge | regenerate``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from ecatalog.database import utc_now
from ecatalog.extensions import db
from ecatalog.images.declaration import image_model
from tests.images.album import Album, done
from tests.images.pictures import phone_photo

Run = Callable[..., Result]
ORPHAN = "nomenklatura/2026/01/0123456789abcdef0123456789abcdef"  # pragma: allowlist secret


@pytest.fixture
def run(app: Flask) -> Run:
    """``run("clean", "--delete")``; it must end well unless ``exit_code`` says otherwise."""

    def call(*arguments: str, exit_code: int = 0) -> Result:
        result = app.test_cli_runner().invoke(args=["images", *arguments])
        assert result.exit_code == exit_code, result.output
        return result

    return call


def leave(items: Album, folder: str = ORPHAN, age: timedelta = timedelta(days=2)) -> None:
    """Files that no row names, as a crash leaves them."""
    path = items.root / folder
    path.mkdir(parents=True)
    (path / "original.jpg").write_bytes(b"x")
    then = time.time() - age.total_seconds()
    os.utime(path, (then, then))


def test_clean_shows_what_is_left_over_and_deletes_it_when_told(items: Album, run: Run) -> None:
    items.row()
    items.upload()
    kept = items.files()
    leave(items)
    leave(items, ".incoming/abc")
    shown = run("clean").output
    assert ORPHAN in shown
    assert ".incoming/abc" in shown
    assert "2 folders are left over" in shown
    assert items.files() > kept
    assert "Deleted 2 folders." in run("clean", "--delete").output
    assert items.files() == kept
    assert run("clean", "--delete").output == "No file is left over.\n"


def test_clean_leaves_young_files_and_those_of_deleted_images(items: Album, run: Run) -> None:
    items.row()
    image = items.upload()
    other = items.upload()
    items.call("DELETE", image)
    leave(items, age=timedelta(hours=23))
    kept = items.files()
    run("clean", "--delete")
    assert items.files() == kept
    run("clean", "--delete", "--older-than", "12h")
    assert len(kept - items.files()) == 1
    assert other


def test_clean_leaves_foreign_folders(items: Album, run: Run) -> None:
    items.row()
    items.upload()
    for folder in ("user/2026/01/0123456789abcdef0123456789abcdef", "nomenklatura/backup", "lost+found"):
        leave(items, folder)
    assert run("clean", "--delete").output == "No file is left over.\n"
    assert (items.root / "nomenklatura/backup/original.jpg").is_file()


def test_clean_refuses_the_store_of_another_database(items: Album, run: Run) -> None:
    leave(items)
    refused = run("clean", "--delete", exit_code=1)
    assert "DATABASE_URL" in refused.output
    assert items.files()
    run("clean", "--delete", "--force")
    assert items.files() == set()


def test_clean_tells_of_lost_files(items: Album, run: Run) -> None:
    items.row()
    image = items.upload()
    items.upload()
    folder = items.root / image["image"].partition("/media/")[2]
    for path in folder.parent.iterdir():
        path.unlink()
    folder.parent.rmdir()
    assert f"The files of nomenklatura-image {image['id']} are gone." in run("clean").output


def test_purge(album: Album, app: Flask, run: Run) -> None:
    album.row()
    old, young, live = (album.upload() for _ in range(3))
    for image in (old, young):
        album.call("DELETE", image)
    model = image_model(album.resource)
    with app.app_context(), db.engine.begin() as connection:
        long_ago = utc_now() - timedelta(days=31)
        table = model.__table__
        assert isinstance(table, sa.Table)
        connection.execute(table.update().where(table.c.id == old["id"]).values(deleted_at=long_ago))
    before = album.get_row().headers["ETag"]
    dry = run("purge", "--older-than", "30d", "--dry-run").output
    assert f"{album.key}: 1 images would be purged." in dry
    assert len(album.files()) == 27
    assert f"{album.key}: 1 images purged." in run("purge", "--older-than", "30d").output
    assert len(album.files()) == 18
    assert album.fetch(old["image"]).status_code == 404
    assert album.fetch(young["image"]).status_code == 200
    assert album.ids() == [live["id"]]
    assert album.get_row().headers["ETag"] == before  # nothing that is shown has changed
    assert f"{album.key}: 0 images purged." in run("purge", "--older-than", "4w").output


@pytest.mark.parametrize("text", ["30", "d", "-1d", "1y", "", "1.5d"])
def test_durations_that_are_none(run: Run, text: str) -> None:
    assert "30d" in run("purge", "--older-than", text, exit_code=2).output


def test_purge_wants_to_know_since_when(run: Run) -> None:
    assert "--older-than" in run("purge", exit_code=2).output


def test_regenerate(items: Album, run: Run) -> None:
    items.row()
    content = phone_photo()
    image = items.upload(content, note="kept")
    other = items.upload()
    deleted = items.upload()
    items.call("DELETE", deleted)
    tag = items.get_row().headers["ETag"]
    assert "2 images have new renditions." in run("regenerate").output
    fresh = done(items.call("GET", image))
    addresses = ("image", "image_url", "image_sm_url", "image_md_url", "image_lg_url", "image_thumbnail_url")
    assert {key for key in image if image[key] != fresh[key]} == {*addresses, "sources"} | (
        {"is_main"} if not fresh["is_main"] else set()
    )
    assert items.fetch(fresh["image"]).data == content
    assert items.picture(fresh["image_sm_url"]).size == (300, 300)
    assert items.fetch(image["image"]).status_code == 404
    assert items.get_row().headers["ETag"] != tag
    assert len(items.files()) == 27
    history = done(items.client.get("/api/v1/nomenklatura/R-1/history/", headers=items.headers))["results"]
    assert history[0]["source"] == "cli"
    assert other["id"] in items.ids()


def test_regenerate_goes_on_behind_a_lost_original(items: Album, run: Run) -> None:
    items.row()
    lost, broken, good = (items.upload() for _ in range(3))
    places = [items.root / image["image"].partition("/media/")[2] for image in (lost, broken)]
    places[0].unlink()
    places[1].write_bytes(b"no image")
    output = run("regenerate", exit_code=1).output
    assert "1 images have new renditions." in output
    assert "its original is not in the store" in output
    assert done(items.call("GET", broken))["image"] == broken["image"]
    assert done(items.call("GET", good))["image"] != good["image"]
    assert len(items.files()) == 26


def test_regenerate_some(items: Album, run: Run) -> None:
    items.row()
    first, second = items.upload(), items.upload()
    assert "0 images" in run("regenerate", "client").output
    assert "1 images" in run("regenerate", "nomenklatura", "--id", str(first["id"])).output
    assert done(items.call("GET", second))["image"] == second["image"]
    run("regenerate", "--id", "1", exit_code=2)
    run("regenerate", "user", exit_code=2)
