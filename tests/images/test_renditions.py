"""Renditions: upright, in the right colours, without metadata, never larger than the original."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageCms

from ecatalog.images.sizes import readable_size
from tests.images.album import Album, Json
from tests.images.pictures import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    animated_webp,
    drawn,
    encoded,
    is_near,
    jpeg,
    phone_photo,
    png,
)

NAMES = ("thumbnail", "sm", "md", "lg")


def renditions(items: Album, image: Json) -> list[Image.Image]:
    """All of them, both forms."""
    return [items.picture(source["url"]) for source in image["sources"]]


def assert_drawn(picture: Image.Image) -> None:
    """It shows the middle of what ``drawn`` makes, the right way up."""
    side = picture.width
    shown = picture.convert("RGB")
    assert is_near(shown.getpixel((side // 2, side // 4)), RED)
    assert is_near(shown.getpixel((side // 2, side * 3 // 4)), BLUE)
    assert is_near(shown.getpixel((side - 3, 3)), RED)
    assert is_near(shown.getpixel((3, 3)), GREEN)


@pytest.mark.parametrize("profiled", [True, False])
def test_a_phone_photo_stands_upright_and_tells_nothing(items: Album, profiled: bool) -> None:
    items.row()
    content = phone_photo(profiled=profiled)
    assert b"SecretPhone" in content
    image = items.upload(content)
    assert items.fetch(image["image"]).data == content
    assert (image["image_dimensions"]["width"], image["image_dimensions"]["height"]) == (300, 400)
    for source in image["sources"]:
        data = items.fetch(source["url"]).data
        for secret in (b"Secret", b"Exif", b"GPS", b"ICC_PROFILE", b"ICCP", b"EXIF", b"XMP"):
            assert secret not in data
        picture = Image.open(io.BytesIO(data))
        assert not picture.getexif()
        assert not {"exif", "icc_profile", "comment", "xmp"} & set(picture.info)
        assert_drawn(picture)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation(items: Album, orientation: int) -> None:
    items.row()
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = drawn(160, 200)
    if orientation in turns:
        stored = stored.transpose(turns[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = items.upload(encoded(stored, "JPEG", quality=95, exif=exif))
    assert (image["image_dimensions"]["width"], image["image_dimensions"]["height"]) == (160, 200)
    assert_drawn(items.picture(image["image_sm_url"]))


@pytest.mark.parametrize(
    ("size", "sides"),
    [
        ((1500, 1300), [150, 300, 600, 1200]),
        ((500, 400), [150, 300, 400, 400]),
        ((90, 70), [70, 70, 70, 70]),
        ((300, 1), [1, 1, 1, 1]),
        ((1, 1), [1, 1, 1, 1]),
    ],
)
def test_a_small_original_is_not_enlarged(items: Album, size: tuple[int, int], sides: list[int]) -> None:
    items.row()
    image = items.upload(jpeg(*size))
    assert [items.picture(image[f"image_{name}_url"]).size[0] for name in NAMES] == sides
    for source in image["sources"]:
        assert items.picture(source["url"]).size == (source["width"], source["height"])


def test_a_rendition_is_cropped_from_the_middle(items: Album) -> None:
    items.row()
    wide = Image.new("RGB", (900, 300), WHITE)
    wide.paste(RED, (300, 0, 600, 300))
    image = items.upload(encoded(wide, "PNG"))
    picture = items.picture(image["image_sm_url"]).convert("RGB")
    for place in ((5, 5), (150, 150), (294, 294)):
        assert is_near(picture.getpixel(place), RED)


def test_transparency_is_white_in_jpeg_and_kept_in_webp(items: Album) -> None:
    items.row()
    clear = drawn(200, 200, "RGBA")
    clear.paste((0, 0, 0, 0), (100, 0, 200, 100))
    for content in (
        encoded(clear, "PNG"),
        encoded(clear, "WEBP", lossless=True),
        encoded(clear.convert("P"), "PNG", transparency=clear.convert("P").getpixel((150, 50))),
        encoded(clear.convert("LA"), "PNG"),
    ):
        image = items.upload(content)
        flat, kept = (items.picture(image["sources"][place]["url"]) for place in (4, 0))
        assert (flat.format, kept.format) == ("JPEG", "WEBP")
        assert is_near(flat.convert("RGB").getpixel((110, 40)), WHITE)
        corner, below = kept.convert("RGBA").getpixel((110, 40)), kept.convert("RGBA").getpixel((75, 120))
        assert isinstance(corner, tuple)
        assert isinstance(below, tuple)
        assert (corner[3], below[3]) == (0, 255)


def test_kinds_of_pixels(items: Album) -> None:
    items.row()
    for content in (
        jpeg(200, 200, progressive=True),
        encoded(drawn(200, 200, "CMYK"), "JPEG", quality=95),
        png(200, 200, "P"),
        png(200, 200),
        encoded(drawn(200, 200), "WEBP", quality=95),
    ):
        for picture in renditions(items, items.upload(content)):
            assert_drawn(picture)


def test_gray_of_16_bits_and_of_one(items: Album) -> None:
    items.row()
    deep = Image.new("I;16", (100, 100), 128 * 256)
    for content, level in (
        (encoded(deep, "PNG"), 128),
        (encoded(Image.new("1", (100, 100), 1), "PNG"), 255),
        (encoded(Image.new("L", (100, 100), 77), "JPEG"), 77),
    ):
        for picture in renditions(items, items.upload(content)):
            assert is_near(picture.convert("RGB").getpixel((50, 50)), (level, level, level), tolerance=6)


def test_an_animation_stands_still_at_its_first_picture(items: Album) -> None:
    items.row()
    image = items.upload(animated_webp())
    assert image["image_dimensions"]["format"] == "WEBP"
    assert image["image"].endswith("original.webp")
    for picture in renditions(items, image):
        assert getattr(picture, "n_frames", 1) == 1
        assert is_near(picture.convert("RGB").getpixel((30, 30)), RED)


def test_colours_of_another_space_are_converted(items: Album) -> None:
    """Not relabelled: the same numbers mean another colour there. Here, red and green have changed places."""
    items.row()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")
    red = Image.new("RGB", (60, 60), RED)
    clear = red.copy()
    clear.putalpha(255)
    for profile, turned in ((swapped, True), (srgb, False), (swapped[:60], False), (b"nonsense", False)):
        for content in (
            encoded(red, "JPEG", quality=95, icc_profile=profile),
            encoded(clear, "PNG", icc_profile=profile),
        ):
            for picture in renditions(items, items.upload(content)):
                pixel = picture.convert("RGB").getpixel((30, 30))
                assert isinstance(pixel, tuple)
                assert (pixel[1] > pixel[0]) == turned


def test_the_form_decides_not_the_name(items: Album) -> None:
    items.row()
    image = items.upload(png(), name="photo.jpg")
    assert image["image"].endswith("/original.png")
    assert items.fetch(image["image"]).content_type == "image/png"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KB"), (1_572_864, "1.5 MB"), (5 * 1024**4, "5.0 TB")],
)
def test_sizes_for_people(count: int, text: str) -> None:
    assert readable_size(count) == text
