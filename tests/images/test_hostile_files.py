"""Files from attackers: the right answer, and nothing stored."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from ecatalog.nomenklatura.resource import NOMENKLATURA
from tests.images.album import Album, upload
from tests.images.pictures import drawn, encoded, huge_png, jpeg, png

pytestmark = pytest.mark.any_database

INVALID = "Upload a valid image. The file you uploaded was either not an image or a corrupted image."
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 400
POLYGLOT = encoded(drawn(9, 9, "P"), "GIF") + b"<!doctype html><script>alert(1)</script>"


def cut(content: bytes, part: float) -> bytes:
    return content[: int(len(content) * part)]


BAD_FILES: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"\xff",
    "text": b"hello",
    "html": b"<!doctype html><script>alert(1)</script>",
    "svg": SVG,
    "gif and html": POLYGLOT,
    "gif": encoded(drawn(9, 9), "GIF"),
    "heic": HEIC,
    "bmp": encoded(drawn(9, 9), "BMP"),
    "tiff": encoded(drawn(9, 9), "TIFF"),
    "pdf": encoded(drawn(9, 9), "PDF"),
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n",
    "cut jpeg": cut(jpeg(400, 300), 0.6),
    "cut jpeg header": jpeg()[:30],
    "cut png": cut(png(400, 300, compress_level=0), 0.5),
    "png without its end": png()[:-12],
    "png with a broken chunk": png()[:-14] + b"\0\0" + png()[-12:],
    "cut webp": cut(encoded(drawn(400, 300), "WEBP"), 0.5),
    "jpeg start alone": b"\xff\xd8\xff\xe0" + b"\x00" * 500,
    "billions of pixels": huge_png(),
    "too wide": huge_png(40_000, 2),
    "lying png": huge_png(4_000, 4_000),
    "zero pixels": huge_png(0, 0),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_what_is_no_image_is_refused(items: Album, name: str) -> None:
    items.row()
    before = items.get_row().headers["ETag"]
    for file_name in ("photo.jpg", "photo.svg"):
        answer = items.post(BAD_FILES[name], name=file_name)
        assert (answer.status_code, answer.get_json()) == (400, {"image": [INVALID]})
    assert items.files() == set()
    assert items.get_row().headers["ETag"] == before


def test_two_files_where_one_is_meant(items: Album) -> None:
    items.row()
    answer = items.post(image=[upload(jpeg(), "a.jpg"), upload(png(), "b.png")])
    refusal = {"image": ["Send one file in a request."]}
    assert (answer.status_code, answer.get_json()) == (400, refusal)
    assert items.files() == set()


def test_the_pixel_bounds(items: Album) -> None:
    items.row()
    bomb = encoded(Image.new("L", (6_000, 5_000)), "PNG")  # 30 million
    assert len(bomb) < 100_000
    assert items.post(bomb).status_code == 400
    assert items.post(encoded(Image.new("1", (5_000, 4_900)), "PNG")).status_code == 201


@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/passwd.jpg",
        "..\\..\\windows\\system32\\a.jpg",
        "/etc/cron.d/x.jpg",
        "a\x00b.jpg",
        'a"; filename="b.html',
        "я" * 500,
        "🙂" * 500,
        ".htaccess",
        "photo.php.jpg",
        "CON.jpg",
        " ",
        "%2e%2e%2fetc.jpg",
    ],
)
def test_names_of_files_are_never_used(items: Album, name: str) -> None:
    items.row()
    answer = items.post(name=name)
    assert answer.status_code == 201, answer.text
    files = items.files()
    assert len(files) == 9
    assert all(file.startswith("nomenklatura/2") and file.isascii() for file in files)
    assert items.fetch(answer.get_json()["image"]).status_code == 200


def test_a_name_that_breaks_its_header(items: Album) -> None:
    items.row()
    assert items.post(name="a\nb\r\nX-Header: 1.jpg").status_code == 400
    assert items.files() == set()


def test_good_images_with_something_behind_them_are_given_out_as_images(items: Album) -> None:
    items.row()
    content = png() + b"<!doctype html><script>alert(1)</script>"
    image = items.upload(content, name="page.html")
    answer = items.fetch(image["image"])
    assert answer.data == content
    assert answer.content_type == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b"script" not in items.fetch(image["image_lg_url"]).data


def test_a_file_beyond_the_limit(make_app: Callable[..., Flask], items: Album, auth: Any) -> None:
    client: FlaskClient = make_app(max_image_mb=1).test_client()
    small = Album(client, NOMENKLATURA, auth(), items.root)
    small.row()
    noise = encoded(Image.effect_noise((1100, 1100), 90), "PNG")  # 1.2 MB
    assert 1024**2 < len(noise) < 2 * 1024**2
    for answer in (small.post(noise), small.post(b"\x00" * 200 * 1024**2)):
        assert (answer.status_code, answer.get_json()) == (413, {"detail": "An image may have 1 MB."})
    many = small.post_many(jpeg(), noise)  # which fits into the body of a bulk upload
    assert (many.status_code, many.get_json()) == (413, {"detail": "An image may have 1 MB."})
    many = small.post_many(*[noise] * 11)
    assert many.status_code == 413
    assert many.get_json() == {"detail": "One call may bring 50 images of together 10 MB."}
    assert small.files() == set()
    assert small.page()["count"] == 0


def test_a_body_of_unknown_length_is_bounded(make_app: Callable[..., Flask], items: Album, auth: Any) -> None:
    client: FlaskClient = make_app(max_image_mb=1).test_client()
    headers = auth()
    start = (
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n"
    )
    answer = client.post(
        items.base,
        input_stream=io.BytesIO(start + b"\x00" * 3 * 1024**2),
        content_type="multipart/form-data; boundary=x",
        headers=headers,
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 413


def test_a_thousand_files_in_one_call(items: Album) -> None:
    items.row()
    answer = items.post_many(*[jpeg()] * 1000)
    assert answer.status_code == 413
    assert answer.get_json() == {"detail": "One call may bring 50 images of together 150 MB."}
    assert items.files() == set()
    assert items.page()["count"] == 0


def test_one_bad_file_of_many_stores_nothing(album: Album) -> None:
    album.row()
    answer = album.post_many(jpeg(), png(), POLYGLOT, jpeg())
    assert answer.status_code == 400
    assert answer.get_json() == {"images": [f'{INVALID} (file 3, "2.jpg")']}
    assert album.files() == set()
    assert album.page()["count"] == 0


def test_forms_that_are_none(items: Album) -> None:
    items.row()
    for body, kind in (
        (b"", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Dispo", "multipart/form-data; boundary=x"),
        (b"\x00\xff", "multipart/form-data"),
        (b"--x--", "multipart/form-data; boundary=x"),
    ):
        answer = items.client.post(items.base, data=body, content_type=kind, headers=items.headers)
        assert answer.status_code == 400, (body, answer.text)
        assert answer.content_type == "application/json"
    many_fields = {f"f{number}": "x" for number in range(500)}
    assert items.post(None, **many_fields).status_code == 413


def test_values_that_no_column_takes(items: Album) -> None:
    items.row()
    for field, value in (("category", "a" * 121), ("note", "a\x00b"), ("is_main", "maybe")):
        answer = items.post(None, **{field: value})
        assert answer.status_code == 400
        assert list(answer.get_json()) == [field]
    for value in ("9" * 30, "-1", "0", "1.0", "🙂", "%00", "' OR 1=1 --"):
        answer = items.post(nomenklatura=value)
        assert answer.status_code == 400, value
        assert list(answer.get_json()) == ["nomenklatura"]
    assert items.files() == set()
