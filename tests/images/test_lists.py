"""Lists of images, rows with and without images, and thumbnails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from ecatalog.extensions import db
from ecatalog.project.resource import PROJECT
from tests.images.album import Album, done
from tests.images.pictures import jpeg


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """The statements that go to the database inside the block."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    with app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def test_newest_first_in_pages(album: Album) -> None:
    album.row()
    ids = [album.upload()["id"] for _ in range(5)]
    assert album.ids() == ids[::-1]
    page = album.page(page_size=2, page=2)
    assert ([image["id"] for image in page["results"]], page["count"]) == (ids[::-1][2:4], 5)
    assert page["previous"] == f"http://localhost{album.base}?page_size=2"
    assert album.ids(limit=2, offset=3) == ids[::-1][3:]
    cursor = album.page(cursor="", page_size=3)
    following = cursor["next"].removeprefix("http://localhost")
    rest = done(album.client.get(following, headers=album.headers))
    assert [image["id"] for image in cursor["results"] + rest["results"]] == ids[::-1]
    assert album.client.get(f"{album.base}?page=9", headers=album.headers).status_code == 404


def test_filters(album: Album) -> None:
    one, other = album.row("A-1"), album.row("B-2")
    front = album.upload(**{album.key: "A-1"}, category="front", note="Шоколад олди")
    back = album.upload(**{album.key: "A-1"}, category="back", is_active="0")
    third = album.upload(**{album.key: "B-2"}, category="front")
    assert album.ids(**{album.key: one["id"]}) == album.ids(**{album.key: "A-1"}) == [back["id"], front["id"]]
    assert album.ids(**{f"{album.key}_id": other["id"]}) == [third["id"]]
    assert album.ids(**{album.resource.code: "B-2"}) == [third["id"]]
    assert album.ids(**{album.key: "nobody"}) == []
    assert album.ids(is_main="true") == [third["id"], front["id"]]
    assert album.ids(is_main="0") == [back["id"]]
    assert album.ids(category="front") == [third["id"], front["id"]]
    assert album.ids(category="fro") == []
    assert album.ids(is_active="false") == [back["id"]]
    assert album.ids(category="front", **{album.key: "A-1"}) == [front["id"]]
    assert album.ids(search="ШОКОЛАД front") == album.ids(search="shokolad") == [front["id"]]
    assert album.ids(search="row b-2") == [third["id"]]
    assert album.ids(search="front b-2") == [third["id"]]
    assert album.ids(search="back b-2") == []
    bad = {"is_main": "maybe", "page": "x", "category": "a" * 121, f"{album.key}_id": "x"}
    for name, value in bad.items():
        answer = album.client.get(album.base, query_string={name: value}, headers=album.headers)
        assert (answer.status_code, list(answer.get_json())) == (400, [name])


def test_filters_by_project(items: Album, editor: dict[str, str]) -> None:
    body = {"code_1c": "P", "name": "P"}
    project = done(items.client.post("/api/v1/project/", json=body, headers=editor), 201)
    items.row("A", project="P")
    items.row("B")
    first, second = items.upload(nomenklatura="A"), items.upload(nomenklatura="B")
    assert items.ids(project="P") == items.ids(project_id=project["id"]) == [first["id"]]
    assert items.ids(project_id="null") == [second["id"]]


def test_tags_of_lists(album: Album) -> None:
    album.row()
    image = album.upload()
    first = album.client.get(album.base, headers=album.headers)
    known = {**album.headers, "If-None-Match": first.headers["ETag"]}
    assert album.client.get(album.base, headers=known).status_code == 304
    album.patch(image, note="x")
    assert album.client.get(album.base, headers=known).status_code == 200


def test_rows_with_and_without_images(album: Album) -> None:
    for code in ("A", "B", "C"):
        album.row(code)
    image = album.upload(**{album.key: "B"})
    code = album.resource.code
    assert [row[code] for row in album.rows(image_status="with")] == ["B"]
    assert [row[code] for row in album.rows(image_status="without")] == ["C", "A"]
    album.call("DELETE", image)
    assert album.rows(image_status="with") == []
    assert len(album.rows(image_status="without")) == 3
    path = f"/api/v1/{album.key}/?image_status=some"
    assert album.client.get(path, headers=album.headers).status_code == 400


@pytest.mark.parametrize("with_images", [False, True])
def test_one_query_for_the_images_of_all_rows(items: Album, app: Flask, with_images: bool) -> None:
    for number in range(6):
        items.row(f"R-{number}")
        for _ in range(with_images * 2):
            items.upload(nomenklatura=f"R-{number}")

    def about_images(path: str) -> int:
        with counted(app) as seen:
            answer = items.client.get(path, headers=items.headers)
            assert answer.status_code == 200
            assert (b'"is_main"' in answer.data) == with_images
        return sum(statement.startswith("SELECT nomenklatura_image.") for statement in seen)

    base = "/api/v1/nomenklatura/"
    for path in (base, f"{base}R-3/"):  # these read with the rows whether there is any image
        assert about_images(path) == int(with_images), path
    for path in (f"{base}changes/", f"{base}export-ndjson/"):
        assert about_images(path) == 1, path
    with counted(app) as seen:
        assert items.client.get(f"{base}export-csv/", headers=items.headers).status_code == 200
    assert not any("nomenklatura_image" in statement for statement in seen)


def test_exports_bring_images(items: Album) -> None:
    items.row()
    image = items.upload()
    answer = items.client.get("/api/v1/nomenklatura/export-ndjson/", headers=items.headers)
    (line,) = answer.text.splitlines()
    assert json.loads(line)["images"] == [image]


@pytest.fixture
def albums(items: Album, album_of: Callable[[str], Album]) -> dict[str, Album]:
    """One row and one image of each kind, an item's with a second one."""
    made = {}
    for name in ("project", "client", "nomenklatura"):
        made[name] = album_of(name)
        made[name].row("R-1")
        made[name].upload(jpeg(800, 700), category=name)
    made["nomenklatura"].upload(jpeg(90, 80))
    return made


def test_thumbnails_of_everything(albums: dict[str, Album], auth: Callable[..., dict[str, str]]) -> None:
    client = albums["project"].client
    body = done(client.get("/api/v1/thumbnails/", headers=auth("viewer")))
    assert [entry["entity_type"] for entry in body["results"]] == [
        "nomenklatura",
        "nomenklatura",
        "client",
        "project",
    ]
    assert body["total_count"] == 4
    entry = body["results"][2]
    image = albums["client"].page()["results"][0]
    thumbnail = albums["client"].fetch(image["image_thumbnail_url"]).data
    assert entry == {
        "entity_type": "client",
        "entity_id": image["client"],
        "code_1c": "R-1",
        "entity_name": "Row R-1",
        "image_id": image["id"],
        "thumbnail_url": image["image_thumbnail_url"],
        "thumbnail_dimensions": {
            "width": 150,
            "height": 150,
            "format": "JPEG",
            "size_bytes": len(thumbnail),
            "size": f"{len(thumbnail) / 1024:.1f} KB" if len(thumbnail) >= 1024 else f"{len(thumbnail)} B",
        },
        "original_dimensions": image["image_dimensions"],
        "is_main": True,
        "category": "client",
        "note": None,
        "created_at": image["created_at"],
    }
    for name in ("thumbnail", "original"):
        sizes = [found[f"{name}_dimensions"]["size_bytes"] for found in body["results"]]
        assert body["total_size"][name]["size_bytes"] == sum(sizes)
    assert body["results"][0]["thumbnail_dimensions"]["width"] == 80


def test_thumbnails_of_clients_need_a_token(
    albums: dict[str, Album], auth: Callable[..., dict[str, str]]
) -> None:
    client, viewer = albums["client"].client, auth("viewer")
    mixed = done(client.get("/api/v1/thumbnails/"))
    assert {entry["entity_type"] for entry in mixed["results"]} == {"project", "nomenklatura"}
    assert mixed["total_count"] == 3
    assert client.get("/api/v1/thumbnails/?entity_type=client").status_code == 401
    assert client.get("/api/v1/thumbnails/clients/").status_code == 401
    bad = {"Authorization": "Bearer nonsense"}
    assert client.get("/api/v1/thumbnails/", headers=bad).status_code == 401
    for path in ("/api/v1/thumbnails/clients/", "/api/v1/thumbnails/?entity_type=client"):
        assert done(client.get(path, headers=viewer))["total_count"] == 1
    tags = [client.get("/api/v1/thumbnails/", headers=who).headers["ETag"] for who in ({}, viewer)]
    assert tags[0] != tags[1]


def test_parameters_of_thumbnails(albums: dict[str, Album]) -> None:
    client = albums["project"].client
    items = done(client.get("/api/v1/thumbnails/nomenklatura/"))
    assert len(items["results"]) == items["total_count"] == 2
    assert done(client.get("/api/v1/thumbnails/projects/"))["total_count"] == 1
    one = done(client.get("/api/v1/thumbnails/?entity_type=nomenklatura&limit=1"))
    assert (len(one["results"]), one["total_count"]) == (1, 2)
    assert one["total_size"] == items["total_size"]
    main = done(client.get("/api/v1/thumbnails/nomenklatura/?is_main=true"))
    assert [entry["is_main"] for entry in main["results"]] == [True]
    assert main["total_count"] == 1
    for query in ("entity_type=user", "is_main=maybe", "limit=0", "limit=x"):
        answer = client.get(f"/api/v1/thumbnails/?{query}")
        assert (answer.status_code, list(answer.get_json())) == (400, [query.partition("=")[0]])
    assert client.get("/api/v1/thumbnails/users/").status_code == 404


def test_tags_of_thumbnails(albums: dict[str, Album]) -> None:
    client = albums["project"].client
    tag = client.get("/api/v1/thumbnails/").headers["ETag"]
    known = {"If-None-Match": tag}
    assert client.get("/api/v1/thumbnails/", headers=known).status_code == 304
    path = f"/api/v1/{PROJECT.name}/R-1/"
    done(client.patch(path, json={"name": "New"}, headers=albums["project"].headers))
    answer = done(client.get("/api/v1/thumbnails/", headers=known))
    assert answer["results"][-1]["entity_name"] == "New"


def test_no_thumbnails_at_all(items: Album) -> None:
    size = {"size_bytes": 0, "size": "0 B"}
    assert done(items.client.get("/api/v1/thumbnails/")) == {
        "results": [],
        "total_count": 0,
        "total_size": {"thumbnail": size, "original": size},
    }


def test_rows_that_lie_ready_show_the_images_of_now(album: Album) -> None:
    album.row()

    def shown(host: str = "localhost") -> list[str]:
        address = f"/api/v1/{album.resource.name}/"
        page = done(album.client.get(address, headers=album.headers, base_url=f"http://{host}"))
        return [image["image_url"] for image in page["results"][0]["images"]]

    assert shown() == []
    image = album.upload()
    assert shown() == [image["image_url"]]
    assert shown("127.0.0.1") == [image["image_url"].replace("localhost", "127.0.0.1")]
    album.call("DELETE", image)
    assert shown() == shown("127.0.0.1") == []
