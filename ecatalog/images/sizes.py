"""The renditions of an image: their sizes, forms and files. Everything else follows from this table."""

from __future__ import annotations

import re
from dataclasses import dataclass

MEDIA_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}  # by the format's name


@dataclass(frozen=True)
class Size:
    """A square of ``side`` pixels, and the quality of its two forms."""

    name: str
    side: int
    jpeg_quality: int
    webp_quality: int

    def side_of(self, width: int, height: int) -> int:
        """The side for an original of that size: what is smaller than the square is not enlarged."""
        return min(self.side, width, height)


THUMBNAIL = Size("thumbnail", 150, 80, 80)
# From large to small: each is made from the one before it.
SIZES = (Size("lg", 1200, 90, 85), Size("md", 600, 85, 82), Size("sm", 300, 85, 82), THUMBNAIL)
ORIGINAL = "original"

_NAMES = "|".join(size.name for size in SIZES)
FILE = re.compile(
    rf"(?P<resource>[a-z][a-z0-9-]*)/\d{{4}}/\d{{2}}/[0-9a-f]{{32}}/"
    rf"(?:{ORIGINAL}(?:\.jpg|\.png|\.webp)|(?:{_NAMES})(?:\.jpg|\.webp))",
    re.ASCII,
)
FOLDER = re.compile(r"[a-z][a-z0-9-]*/\d{4}/\d{2}/[0-9a-f]{32}", re.ASCII)


def original_name(image_format: str) -> str:
    """The file name of an original of that format."""
    return ORIGINAL + ENDINGS[image_format]


def readable_size(count: int) -> str:
    """A number of bytes for people: ``"512 B"``, ``"1.5 MB"``."""
    if count < 1024:
        return f"{count} B"
    amount, unit = count / 1024, "KB"
    for larger in ("MB", "GB", "TB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.1f} {unit}"
