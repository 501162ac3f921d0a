"""Pictures that tests upload: made here, each with something to recognise."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms, ImageDraw

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 160, 60), (30, 60, 200), (255, 255, 255)


def drawn(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Red in the upper half, blue in the lower one, and a green corner at the top left."""
    image = Image.new("RGB", (width, height), RED)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height // 2, width, height), fill=BLUE)
    draw.rectangle((0, 0, width // 3, height // 3), fill=GREEN)
    return image.quantize(16) if mode == "P" else image.convert(mode)


def encoded(image: Image.Image, form: str = "JPEG", **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def jpeg(width: int = 40, height: int = 30, **options: Any) -> bytes:
    return encoded(drawn(width, height), "JPEG", quality=95, **options)


def png(width: int = 40, height: int = 30, mode: str = "RGB", **options: Any) -> bytes:
    return encoded(drawn(width, height, mode), "PNG", **options)


def phone_photo(width: int = 400, height: int = 300, *, profiled: bool = True) -> bytes:
    """As a phone held upright takes it: stored lying, with the place, a profile and a comment."""
    upright = drawn(height, width)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn to the right
    exif[0x010F] = "SecretPhone"
    exif.get_ifd(0x8825).update({1: "N", 2: (41.0, 18.0, 40.0), 3: "E", 4: (69.0, 16.0, 46.0)})
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() if profiled else None
    return encoded(
        lying, "JPEG", quality=95, exif=exif, comment=b"SecretComment", icc_profile=profile, dpi=(300, 300)
    )


def huge_png(width: int = 50_000, height: int = 50_000) -> bytes:
    """A kilobyte that says it is billions of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\x00" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def animated_webp() -> bytes:
    """Red first, then blue."""
    frames = [Image.new("RGB", (60, 60), color) for color in (RED, BLUE)]
    return encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=100, lossless=True)


def is_near(pixel: Any, color: tuple[int, int, int], tolerance: int = 30) -> bool:
    return all(abs(found - wanted) <= tolerance for found, wanted in zip(pixel[:3], color, strict=True))
