"""Changing images: which is the main one, texts, new files, other rows, deleting."""

from __future__ import annotations

from typing import Any

import pytest

from tests.images.album import Album, done
from tests.images.pictures import jpeg, png


def test_the_first_image_becomes_main_and_is_the_only_one(album: Album) -> None:
    album.row()
    first = album.upload(is_main="false")
    second = album.upload()
    assert (first["is_main"], second["is_main"]) == (True, False)
    third = album.upload(is_main="true")
    assert album.mains() == [third["id"]]
    assert album.patch(second, is_main=True)["is_main"] is True
    assert album.mains() == [second["id"]]


def test_main_images_of_rows_do_not_touch_each_other(items: Album) -> None:
    items.row("A")
    items.row("B")
    first, second = items.upload(nomenklatura="A"), items.upload(nomenklatura="B")
    items.upload(nomenklatura="A")
    assert items.mains() == [first["id"], second["id"]]


def test_a_row_may_have_no_main_image_until_one_is_made(items: Album) -> None:
    items.row()
    first = items.upload()
    assert items.patch(first, is_main=False)["is_main"] is False
    assert items.mains() == []
    second = items.upload()
    assert items.mains() == [second["id"]]


def test_the_oldest_left_follows_a_deleted_main_image(album: Album) -> None:
    album.row()
    first, second, third = (album.upload() for _ in range(3))
    assert album.call("DELETE", second).status_code == 204
    assert album.mains() == [first["id"]]
    assert album.call("DELETE", first).status_code == 204
    assert album.mains() == [third["id"]]
    assert album.call("DELETE", third).status_code == 204
    assert done(album.get_row())["images"] == []


def test_a_deleted_image_is_gone_but_its_files_stay(album: Album) -> None:
    album.row()
    image = album.upload()
    assert album.call("DELETE", image).data == b""
    for method in ("GET", "PATCH", "DELETE"):
        answer = album.call(method, image, json={} if method == "PATCH" else None)
        assert answer.status_code == 404
        assert answer.get_json() == {"detail": f"No {album.resource.label}Image matches the given query."}
    assert album.page()["count"] == 0
    assert len(album.files()) == 9
    assert album.fetch(image["image"]).status_code == 200


def test_texts(items: Album) -> None:
    items.row()
    image = items.upload(category="front", note="Олд", is_active="no")
    assert image["is_active"] is False
    changed = items.patch(image, category=" back ", note="", is_active=True, id=99, image_url="x", width=1)
    assert changed == image | {"category": "back", "note": None, "is_active": True}
    assert done(items.call("GET", image)) == changed
    form = items.call("PATCH", image, data={"note": "form"})
    assert done(form)["note"] == "form"
    answer = items.call("PATCH", image, json={"note": "n" * 256, "is_main": "maybe", "is_active": None})
    assert answer.status_code == 400
    assert answer.get_json() == {
        "note": ["Ensure this field has no more than 255 characters."],
        "is_main": ["Must be a valid boolean."],
        "is_active": ["This field may not be null."],
    }
    assert items.call("PATCH", image, json=[1]).status_code == 400
    assert items.call("PATCH", image, data="x", content_type="text/plain").status_code == 415


def test_a_new_file_gets_new_names_and_the_old_ones_go(items: Album) -> None:
    items.row()
    image = items.upload(jpeg(), note="kept")
    old = items.files()
    changed = done(items.send("PATCH", image, image=png(90, 80)))
    assert (changed["id"], changed["note"]) == (image["id"], "kept")
    assert changed["image_dimensions"]["format"] == "PNG"
    assert not {changed["image"], changed["image_sm_url"]} & {image["image"], image["image_sm_url"]}
    assert len(items.files()) == 9
    assert not items.files() & old
    assert items.fetch(image["image"]).status_code == 404
    refused = items.send("PATCH", image, image=b"GIF89a")
    assert refused.status_code == 400
    assert len(items.files()) == 9
    assert done(items.call("GET", image)) == changed


def test_put_needs_the_file_and_the_row(items: Album) -> None:
    items.row()
    image = items.upload(note="kept", category="front")
    replaced = done(items.send("PUT", image, image=png(), nomenklatura="R-1", category="back"))
    assert (replaced["note"], replaced["category"]) == ("kept", "back")
    assert replaced["image"].endswith("png")
    answer = items.call("PUT", image, data={"note": "x"}, content_type="multipart/form-data")
    assert answer.get_json() == {
        "nomenklatura": ["This field is required."],
        "image": ["No file was submitted."],
    }
    assert items.call("PUT", image, json={"note": "x"}).status_code == 415


def test_an_image_moves_to_another_row(items: Album) -> None:
    one, other = items.row("A"), items.row("B")
    first, second = items.upload(nomenklatura="A"), items.upload(nomenklatura="A")
    own = items.upload(nomenklatura="B")
    tags = [items.get_row(code).headers["ETag"] for code in "AB"]
    moved = items.patch(first, nomenklatura=other["id"])
    assert (moved["nomenklatura"], moved["code_1c"], moved["is_main"]) == (other["id"], "B", False)
    assert items.mains() == [second["id"], own["id"]]
    assert [image["id"] for image in done(items.get_row("B"))["images"]] == [own["id"], first["id"]]
    assert all(items.get_row(code).headers["ETag"] != tag for code, tag in zip("AB", tags, strict=True))
    back = items.patch(first, nomenklatura="A", is_main=True)
    assert (back["nomenklatura"], back["is_main"]) == (one["id"], True)
    assert items.mains() == [first["id"], own["id"]]
    answer = items.call("PATCH", first, json={"nomenklatura": "nobody"})
    assert answer.get_json() == {"nomenklatura": ['No nomenklatura matches "nobody".']}


def test_many_at_once(album: Album) -> None:
    album.row()
    first = album.upload()
    answer = done(album.post_many(jpeg(), png(), jpeg(), category="set", is_main="true"), 201)
    assert answer["message"] == "3 images uploaded."
    images = answer["images"]
    assert [image["is_main"] for image in images] == [True, False, False]
    assert {image["category"] for image in images} == {"set"}
    assert album.mains() == [images[0]["id"]]
    assert [image["id"] for image in done(album.get_row())["images"]] == [
        images[0]["id"],
        first["id"],
        images[1]["id"],
        images[2]["id"],
    ]
    history = done(album.client.get(f"/api/v1/{album.key}/R-1/history/", headers=album.headers))
    assert history["count"] == 3  # all of one call are one change
    assert done(album.post_many(jpeg()), 201)["message"] == "1 image uploaded."
    none = album.client.post(
        f"{album.base}bulk-upload/",
        data={album.key: "R-1"},
        content_type="multipart/form-data",
        headers=album.headers,
    )
    assert (none.status_code, none.get_json()) == (400, {"images": ["No file was submitted."]})


def test_if_match(items: Album) -> None:
    items.row()
    image = items.upload()
    tag = items.call("GET", image).headers["ETag"]
    assert items.call("GET", image, headers={"If-None-Match": tag}).status_code == 304
    assert items.call("PATCH", image, json={"note": "1"}, headers={"If-Match": tag}).status_code == 200
    for method, body in (("PATCH", {"note": "2"}), ("DELETE", None)):
        answer = items.call(method, image, json=body, headers={"If-Match": tag})
        assert answer.status_code == 412
    fresh = items.call("GET", image)
    assert fresh.get_json()["note"] == "1"
    assert fresh.headers["ETag"] != tag
    deleted = items.call("DELETE", image, headers={"If-Match": fresh.headers["ETag"]})
    assert deleted.status_code == 204


@pytest.mark.parametrize("image_id", [0, 999, 2**63 - 1, 2**63, 10**30])
def test_ids_that_are_none(items: Album, image_id: int) -> None:
    answer = items.call("GET", image_id)
    assert answer.status_code == 404
    assert answer.content_type == "application/json"


def test_missing_slash_and_wrong_methods(items: Album) -> None:
    for path in (items.base, f"{items.base}7/", f"{items.base}bulk-upload/", "/api/v1/thumbnails/"):
        answer = items.client.get(path.removesuffix("/"))
        assert (answer.status_code, answer.headers["Location"]) == (308, f"http://localhost{path}")
    allowed: dict[str, Any] = {"": {"GET", "POST"}, "7/": {"GET", "PUT", "PATCH", "DELETE"}}
    for suffix, methods in allowed.items():
        answer = items.client.open(items.base + suffix, method="PURGE")
        assert answer.status_code == 405
        assert set(answer.headers["Allow"].split(", ")) == methods | {"HEAD", "OPTIONS"}
