"""Both stores keep what they are given, and nothing of what fails."""

from __future__ import annotations

import socket
import sys
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import URLError

import boto3
import pytest
from flask import Flask

from ecatalog.images.storage import LocalStorage, S3Storage, Storage, StorageError
from ecatalog.nomenklatura.resource import NOMENKLATURA
from tests.images.album import Album, done
from tests.images.pictures import jpeg, png
from tests.servers import Process

FOLDER = "nomenklatura/2026/01/0123456789abcdef0123456789abcdef"  # pragma: allowlist secret
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A real S3 server; its address is in its environment."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = Process(command, tmp_path_factory.mktemp("s3") / "moto.log", {"env": {"address": address}})
    process.start(answers)
    yield process
    process.stop()


@pytest.fixture
def s3(s3_server: Process, monkeypatch: pytest.MonkeyPatch) -> str:
    """An ``s3://`` address with an empty bucket behind it."""
    address = s3_server.options["env"]["address"]
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": address}.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=address)
    bucket = f"media-{datetime.now(UTC).timestamp():.0f}-{id(client)}"
    client.create_bucket(Bucket=bucket)
    return f"s3://{bucket}/some/prefix"


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return LocalStorage(tmp_path / "media")
    return S3Storage(request.getfixturevalue("s3"))


def fill(storage: Storage, name: str = FOLDER) -> None:
    with storage.new_folder(name) as folder:
        (folder / "original.jpg").write_bytes(b"one")
        (folder / "sm.webp").write_bytes(b"two")


def test_what_is_written_is_there(storage: Storage) -> None:
    assert list(storage.folders()) == []
    fill(storage)
    with storage.open(f"{FOLDER}/original.jpg") as file:
        assert file.read() == b"one"
    (found,) = storage.folders()
    assert found.name == FOLDER
    assert abs(datetime.now(UTC) - found.modified) < timedelta(minutes=5)
    storage.delete(FOLDER)
    assert list(storage.folders()) == []
    storage.delete(FOLDER)  # it need not be there


def test_what_fails_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    class Cause(Exception):
        pass

    with pytest.raises(Cause), storage.new_folder(FOLDER) as folder:
        (folder / "original.jpg").write_bytes(b"one")
        raise Cause
    assert list(storage.folders()) == []
    assert [path for path in (tmp_path / "media").rglob("*") if path.is_file()] == []


def test_what_is_not_there(storage: Storage) -> None:
    with pytest.raises(FileNotFoundError):
        storage.open(f"{FOLDER}/original.jpg")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file in the way")
    with pytest.raises(StorageError), LocalStorage(tmp_path / "media").new_folder(FOLDER):
        pass


def test_files_may_be_read_by_the_web_server(tmp_path: Path) -> None:
    fill(LocalStorage(tmp_path))
    for path in tmp_path.rglob("*"):
        assert path.stat().st_mode & 0o444 == 0o444, path


def test_a_bucket_that_is_not_there(s3: str) -> None:
    storage = S3Storage("s3://no-such-bucket/x")
    with pytest.raises(StorageError):
        fill(storage)
    with pytest.raises(StorageError):
        list(storage.folders())


def test_the_whole_service_on_s3(s3: str, make_app: Callable[..., Flask], items: Album) -> None:
    client = make_app(media_storage=s3).test_client()
    album = Album(client, NOMENKLATURA, items.headers, items.root)
    album.row()
    content = png(700, 650)
    image = album.upload(content)
    answer = album.fetch(image["image"])
    assert answer.data == content
    assert answer.content_type == "image/png"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for source in image["sources"]:
        assert album.picture(source["url"]).size == (source["width"], source["height"])
        assert album.fetch(source["url"]).content_type == source["type"]
    assert album.files() == set()  # nothing on this machine
    assert album.fetch(image["image"].replace("original.png", "original.jpg")).status_code == 404
    assert len(list(S3Storage(s3).folders())) == 1
    assert album.post(b"no image").status_code == 400
    assert album.post(jpeg(), nomenklatura="nobody").status_code == 400
    assert len(list(S3Storage(s3).folders())) == 1
    changed = done(album.send("PATCH", image, image=jpeg()))
    assert [folder.name in changed["image"] for folder in S3Storage(s3).folders()] == [True]


def test_objects_carry_their_type_and_age(s3: str) -> None:
    fill(S3Storage(s3))
    bucket, _, prefix = s3.removeprefix("s3://").partition("/")
    client = boto3.client("s3")
    for name, kind in (("original.jpg", "image/jpeg"), ("sm.webp", "image/webp")):
        head = client.head_object(Bucket=bucket, Key=f"{prefix}/{FOLDER}/{name}")
        assert (head["ContentType"], head["CacheControl"]) == (kind, "public, max-age=31536000, immutable")


def test_a_store_that_is_away(
    s3_server: Process, s3: str, make_app: Callable[..., Flask], items: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
    client = make_app(media_storage="s3://media/away").test_client()
    album = Album(client, NOMENKLATURA, items.headers, items.root)
    album.row()
    answer = album.post()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert album.page()["count"] == 0
    path = f"/media/{FOLDER}/original.jpg"
    assert client.get(path).status_code == 503
