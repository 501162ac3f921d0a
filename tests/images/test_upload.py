"""One upload: what it answers, what it stores, and how its row follows."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.images.album import Album, done
from tests.images.pictures import jpeg, png

KEYS = [
    *("image", "image_url", "image_sm_url", "image_md_url", "image_lg_url", "image_thumbnail_url"),
    *("image_dimensions", "sources", "is_main", "category", "note", "is_active", "created_at"),
]
SIDES = {"thumbnail": 150, "sm": 300, "md": 600, "lg": 1200}


def test_the_answer_of_the_contract(album: Album) -> None:
    row = album.row()
    content = jpeg(1600, 1300)
    image = album.upload(content, category="front", note="Олд томони")
    owner = [album.key, *(["project"] if album.key != "project" else []), album.resource.code]
    assert list(image) == ["id", *owner, *KEYS]
    assert (image[album.key], image[album.resource.code]) == (row["id"], "R-1")
    assert (image["is_main"], image["is_active"]) == (True, True)
    assert (image["category"], image["note"]) == ("front", "Олд томони")
    dimensions = {"width": 1600, "height": 1300, "format": "JPEG", "size_bytes": len(content)}
    assert image["image_dimensions"] == dimensions | {"size": f"{len(content) / 1024:.1f} KB"}
    folder = re.fullmatch(
        rf"http://localhost/media/{album.resource.name}/\d{{4}}/\d{{2}}/[0-9a-f]{{32}}/original\.jpg",
        image["image"],
    )
    assert folder
    assert image["image_url"] == image["image"]
    for name in SIDES:
        assert image[f"image_{name}_url"] == image["image"].replace("original", name)
    assert [(item["type"], item["width"], item["height"]) for item in image["sources"]] == [
        (kind, side, side) for kind in ("image/webp", "image/jpeg") for side in sorted(SIDES.values())
    ]


def test_every_file_is_what_the_answer_says(items: Album) -> None:
    items.row()
    content = png(1300, 1400)
    image = items.upload(content)
    assert items.fetch(image["image"]).data == content
    for name, side in SIDES.items():
        assert items.picture(image[f"image_{name}_url"]).size == (side, side)
    for source in image["sources"]:
        answer = items.fetch(source["url"])
        assert answer.content_type == source["type"]
        picture = items.picture(source["url"])
        assert (picture.size, f"image/{(picture.format or '').lower()}") == (
            (source["width"], source["height"]),
            source["type"],
        )
    assert len(items.files()) == 9


def test_the_project_of_the_row_is_shown(items: Album, client: FlaskClient, editor: dict[str, str]) -> None:
    body = {"code_1c": "P", "name": "Loyiha"}
    project = done(client.post("/api/v1/project/", json=body, headers=editor), 201)
    items.row(project="P")
    link = {"id": project["id"], "code_1c": "P", "name": "Loyiha"}
    assert items.upload()["project"] == link
    assert done(items.get_row())["images"][0]["project"] == link


def test_the_row_shows_its_images_main_first(album: Album) -> None:
    album.row()
    first, second = album.upload(), album.upload(png(), is_main="true", name="b.png")
    row = done(album.get_row())
    first["is_main"] = False
    assert row["images"] == [second, first]
    assert album.rows()[0]["images"] == [second, first]
    code = {"code": "R-1"}
    by_code = album.client.get(f"/api/v1/{album.key}/by-code/", query_string=code, headers=album.headers)
    assert done(by_code)["images"] == [second, first]
    changed = album.client.patch(f"/api/v1/{album.key}/R-1/", json={"name": "Other"}, headers=album.headers)
    assert done(changed)["images"] == [second, first]


def test_an_image_write_is_a_write_of_its_row(album: Album) -> None:
    row = album.row()
    listed = f"/api/v1/{album.key}/"
    feed = f"{listed}changes/"

    def state() -> tuple[Any, ...]:
        one, page = album.get_row(), album.client.get(listed, headers=album.headers)
        changes = done(album.client.get(feed, headers=album.headers))
        entry = changes["results"][-1]
        assert entry["row"] == done(one)
        assert entry["row"]["updated_at"] >= row["updated_at"]
        return one.headers["ETag"], page.headers["ETag"], entry["tick"], changes["next"]

    states = [state()]
    image = album.upload()
    states.append(state())
    other = album.upload()
    states.append(state())
    for values in ({"note": "x"}, {"category": "back"}, {"is_active": False}):
        album.patch(image, **values)
        states.append(state())
    album.patch(other, is_main=True)
    states.append(state())
    assert album.call("DELETE", image).status_code == 204
    states.append(state())
    for place in range(4):
        assert len({found[place] for found in states}) == len(states)
    assert [found[2] for found in states] == sorted(found[2] for found in states)


def test_a_change_that_changes_nothing_leaves_the_row_as_it_is(items: Album) -> None:
    items.row()
    image = items.upload(note="n")
    before = items.get_row().headers["ETag"]
    assert items.patch(image, note="n", is_main=True) == image
    assert items.get_row().headers["ETag"] == before


def test_tags_of_rows_with_images(items: Album) -> None:
    items.row()
    items.upload()
    tag = items.get_row().headers["ETag"]
    conditional = {**items.headers, "If-None-Match": tag}
    path = "/api/v1/nomenklatura/R-1/"
    assert items.client.get(path, headers=conditional).status_code == 304
    items.upload()
    assert items.client.get(path, headers=conditional).status_code == 200
    stale = {**items.headers, "If-Match": tag}
    assert items.client.patch(path, json={"name": "N"}, headers=stale).status_code == 412


def test_the_history_tells_of_images(items: Album) -> None:
    items.row()
    first, second = items.upload(), items.upload(is_main="1")
    items.call("DELETE", first)
    history = done(items.client.get("/api/v1/nomenklatura/R-1/history/", headers=items.headers))["results"]
    assert [entry["action"] for entry in history] == ["update", "update", "update", "create"]
    told = [
        {
            when: [(image["id"], image["is_main"]) for image in entry["fields"]["images"][when]]
            for when in ("old", "new")
        }
        for entry in reversed(history[:3])
    ]
    assert told == [
        {"old": [], "new": [(first["id"], True)]},
        {"old": [(first["id"], True)], "new": [(first["id"], False), (second["id"], True)]},
        {"old": [(first["id"], False)], "new": []},
    ]


@pytest.mark.parametrize("how", ["id", "code", "explicit id", "explicit code"])
def test_the_row_is_named_by_id_or_code(album: Album, how: str) -> None:
    row = album.row("000-1")
    named: dict[str, Any] = {
        "id": {album.key: row["id"]},
        "code": {album.key: "000-1"},
        "explicit id": {album.key: None, f"{album.key}_id": row["id"]},
        "explicit code": {album.key: None, album.resource.code: "000-1"},
    }[how]
    assert album.upload(**named)[album.key] == row["id"]


def test_a_text_that_is_an_id_and_another_rows_code_is_not_guessed_about(items: Album) -> None:
    first = items.row("X")
    second = items.row(str(first["id"]))
    answer = items.post(nomenklatura=first["id"])
    assert answer.status_code == 409
    assert "nomenklatura_id" in answer.get_json()["detail"]
    assert items.upload(nomenklatura=None, nomenklatura_id=first["id"])["code_1c"] == "X"
    assert items.upload(nomenklatura=None, code_1c=first["id"])["nomenklatura"] == second["id"]
    assert items.client.get(items.base, query_string={"nomenklatura": first["id"]}).status_code == 409


def test_leading_zeros_make_a_code(items: Album) -> None:
    row = items.row("X")
    items.row(f"0{row['id']}")
    assert items.upload(nomenklatura=f"0{row['id']}")["code_1c"] == f"0{row['id']}"


def test_rows_of_one_code_in_several_projects(items: Album, editor: dict[str, str]) -> None:
    for code in ("P1", "P2"):
        body = {"code_1c": code, "name": code}
        done(items.client.post("/api/v1/project/", json=body, headers=editor), 201)
        items.row(project=code)
    answer = items.post()
    assert answer.status_code == 409
    assert [link["code_1c"] for link in answer.get_json()["projects"]] == ["P1", "P2"]
    assert items.upload(project="P2")["project"]["code_1c"] == "P2"
    assert items.page(code_1c="R-1", project="P2")["count"] == 1
    assert items.page(code_1c="R-1", project="P1")["count"] == 0


def test_what_is_wrong_is_told_at_once(album: Album) -> None:
    answer = album.client.post(album.base, data={"note": "n" * 256}, headers=album.headers)
    assert answer.status_code == 415  # a form without a file is not multipart
    form = {"note": "n" * 256, "image": "text"}
    answer = album.client.post(
        album.base, data=form, content_type="multipart/form-data", headers=album.headers
    )
    assert answer.status_code == 400
    assert answer.get_json() == {
        album.key: ["This field is required."],
        "note": ["Ensure this field has no more than 255 characters."],
        "image": ["The submitted data was not a file. Check the encoding type on the form."],
    }
    without = album.client.post(
        album.base, data={album.key: "R-1"}, content_type="multipart/form-data", headers=album.headers
    )
    assert without.get_json() == {"image": ["No file was submitted."]}
    unknown = album.post(None, **{album.key: "nobody"})
    assert unknown.status_code == 400
    assert unknown.get_json() == {album.key: [f'No {album.resource.name} matches "nobody".']}
    assert album.files() == set()


def test_a_deleted_row_takes_no_image_and_keeps_those_it_has(album: Album) -> None:
    album.row()
    image = album.upload()
    path = f"/api/v1/{album.key}/R-1/"
    assert album.client.delete(path, headers=album.headers).status_code == 204
    assert album.post().get_json() == {album.key: [f'No {album.key} matches "R-1".']}
    assert album.call("GET", image).status_code == 404
    assert album.page()["count"] == 0
    restored = done(album.client.post(f"{path}restore/", headers=album.headers))
    assert restored["images"] == [image]
    assert len(album.files()) == 9


def test_who_may_write_and_read(album: Album, auth: Any) -> None:
    album.row()
    image = album.upload()
    anonymous = Album(album.client, album.resource, {}, album.root)
    viewer = Album(album.client, album.resource, auth("viewer"), album.root)
    assert (anonymous.post().status_code, viewer.post().status_code) == (401, 403)
    assert (anonymous.call("DELETE", image).status_code, viewer.call("DELETE", image).status_code) == (
        401,
        403,
    )
    reading = 200 if album.resource.anonymous_read else 401
    assert anonymous.call("GET", image).status_code == reading
    assert anonymous.client.get(album.base).status_code == reading
    assert viewer.call("GET", image).status_code == 200
    assert viewer.page()["count"] == 1
    cached = album.call("GET", image).headers["Cache-Control"]
    assert cached == ("no-cache" if album.resource.anonymous_read else "private, no-cache")


def test_json_is_no_upload(items: Album) -> None:
    items.row()
    answer = items.client.post(items.base, json={"nomenklatura": "R-1"}, headers=items.headers)
    assert answer.status_code == 415
    assert answer.get_json() == {"detail": 'Unsupported media type "application/json" in request.'}


def test_a_file_without_a_name_is_a_text_field(items: Album) -> None:
    items.row()
    data = {"nomenklatura": "R-1", "image": (io.BytesIO(jpeg()), "")}
    answer = items.client.post(items.base, data=data, headers=items.headers)
    assert answer.status_code == 400
    assert set(answer.get_json()) == {"image"}
