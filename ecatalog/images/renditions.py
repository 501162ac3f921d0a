"""From an uploaded file to its renditions: verified, upright, in sRGB, without metadata."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, ImageCms

from ecatalog.images.facts import BadImage, Facts
from ecatalog.images.sizes import ENDINGS, SIZES, THUMBNAIL

# Pillow's own bound warns before it refuses; ours, checked before anything is decoded, is stricter.
Image.MAX_IMAGE_PIXELS = None

MAX_SIDE = 30_000  # pixels
MAX_PIXELS = {"JPEG": 50_000_000, "PNG": 25_000_000, "WEBP": 25_000_000}
_LARGEST = SIZES[0].side
_SRGB = ImageCms.createProfile("sRGB")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = (5, 6, 7, 8)  # orientations in which width and height change places


@dataclass(frozen=True)
class Header:
    """What the first bytes of a file say. ``memory`` is what decoding it takes, in bytes, about."""

    format: str
    memory: int


def read_header(path: Path) -> Header:
    """Look at a file without decoding it. Raises BadImage."""
    with _open(path) as image:
        return Header(str(image.format), _decoding_bytes(image))


def make_renditions(path: Path, folder: Path) -> Facts:
    """Write all renditions of the file at ``path`` into ``folder``. Raises BadImage and OSError.

    Each is a square from the middle, no larger than the original, in both forms.
    """
    square, image_format, width, height = _decode(path)
    thumbnail_bytes = 0
    for size in SIZES:
        side = size.side_of(width, height)
        if square.size != (side, side):
            square = square.resize((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
        jpeg = _encode(_on_white(square), "JPEG", quality=size.jpeg_quality, progressive=True)
        webp = _encode(square, "WEBP", quality=size.webp_quality)
        (folder / f"{size.name}.jpg").write_bytes(jpeg)
        (folder / f"{size.name}.webp").write_bytes(webp)
        if size is THUMBNAIL:
            thumbnail_bytes = len(jpeg)
    return Facts(image_format, width, height, thumbnail_bytes)


@contextmanager
def _reading() -> Iterator[None]:
    """Whatever a reader of files raises over bytes from anybody says that they are no good image."""
    try:
        yield
    except BadImage:
        raise
    except Exception as error:
        raise BadImage(f"{type(error).__name__}: {error}") from error


def _open(path: Path) -> Image.Image:
    """The image, not decoded yet, its size checked."""
    with _reading():
        image = Image.open(path, formats=tuple(ENDINGS))
    if image.width * image.height > MAX_PIXELS[str(image.format)] or max(image.size) > MAX_SIDE:
        image.close()
        raise BadImage(f"{image.width} x {image.height} pixels are too many")
    return image


def _decoding_bytes(image: Image.Image) -> int:
    """About how much memory decoding takes, measured with large files of each kind."""
    pixels = image.width * image.height
    if image.format == "WEBP":
        return pixels * 17  # its decoder keeps several canvases
    if image.format == "PNG":
        return pixels * 9
    return pixels * (7 if image.info.get("progressive") else 1)


def _decode(path: Path) -> tuple[Image.Image, str, int, int]:
    """(the largest square, the format, the width and height of the upright original)."""
    with _open(path) as image, _reading():
        image.verify()  # a PNG to its last chunk: decoding is content with all pixels
    with _open(path) as image, _reading():
        width, height = image.size
        image.draft(None, (_LARGEST, _LARGEST))  # JPEG: decoded at the smallest size that is enough
        image.load()
        square = _square(image, min(_LARGEST, width, height))
        orientation = _orientation(image)
        if orientation in _TURNS:
            square = square.transpose(_TURNS[orientation])
        if orientation in _LYING:
            width, height = height, width
        square.info = {}  # what would go into files by itself: comments, profiles, resolutions
        return square, str(image.format), width, height


def _orientation(image: Image.Image) -> int | None:
    """How the camera was held, by the EXIF; broken EXIF counts as none."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation)
    except Exception:
        return None


def _square(image: Image.Image, side: int) -> Image.Image:
    """The middle of an image, as RGB or RGBA in sRGB, ``side`` pixels wide."""
    edge = min(image.size)
    left, top = (image.width - edge) / 2, (image.height - edge) / 2
    plain = _in_plain_mode(image)
    box = (left, top, left + edge, top + edge)
    square = plain.resize((side, side), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    return _in_srgb(square, image.info.get("icc_profile"))


def _in_plain_mode(image: Image.Image) -> Image.Image:
    """In a mode that can be resized well: L, LA, RGB, RGBA, or CMYK."""
    if image.mode.startswith("I"):  # 16 bits a pixel, which convert() would cut off at 255
        scaled = image.point(lambda value: value * (1 / 256))
        return scaled.convert("L")
    if image.has_transparency_data:
        return image if image.mode in ("LA", "RGBA") else image.convert("RGBA")
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """As RGB or RGBA; colours of another space (phones have wider ones) are converted, not relabelled."""
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    if profile and image.mode in ("RGB", "RGBA", "CMYK"):
        with suppress(ImageCms.PyCMSError, OSError, TypeError):  # a broken profile counts as none
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            flat = image.convert("RGB") if image.mode == "RGBA" else image
            image = ImageCms.profileToProfile(flat, source, _SRGB, outputMode="RGB") or image
    image = image.convert("RGB")
    if alpha is not None:
        image.putalpha(alpha)
    return image


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _encode(image: Image.Image, image_format: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, image_format, **options)
    return target.getvalue()
