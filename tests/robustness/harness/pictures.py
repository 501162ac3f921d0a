"""Small images that differ from each other."""

from __future__ import annotations

import io
import zlib

from PIL import Image


def jpeg(text: str, width: int = 320, height: int = 240) -> bytes:
    """A JPEG of one colour, in which ``text`` stands as a comment: no two texts make the same bytes."""
    value = zlib.crc32(text.encode())
    out = io.BytesIO()
    colour = (value & 255, value >> 8 & 255, value >> 16 & 255)
    Image.new("RGB", (width, height), colour).save(out, "JPEG", comment=text.encode())
    return out.getvalue()
