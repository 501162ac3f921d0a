"""What decoding an image tells, apart from what decodes it: Pillow is loaded with the first upload."""

from __future__ import annotations

from dataclasses import dataclass


class BadImage(Exception):
    """The file is no image of ours, is broken, or has too many pixels."""


@dataclass(frozen=True)
class Facts:
    """What is known of an image once its renditions are made: see ``ImageRow``."""

    format: str
    width: int
    height: int
    thumbnail_bytes: int


BAD_IMAGE = 3  # exit code of the process that decodes one
