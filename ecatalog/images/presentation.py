"""An image as the API shows it, and the addresses of its files."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from flask import has_request_context, request

from ecatalog import fields
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.schemas import render_link
from ecatalog.config import current_settings
from ecatalog.images.models import ImageRow
from ecatalog.images.sizes import MEDIA_TYPES, SIZES, THUMBNAIL, original_name, readable_size

Shown = dict[str, Any]


def owner_key(resource: Resource) -> str:
    """The name under which an image shows and takes its row."""
    return resource.name.replace("-", "_")


# (size, media type, file), as <picture> wants them: the better form first
SOURCES = [
    (size, MEDIA_TYPES[ending], f"{size.name}{ending}")
    for ending in (".webp", ".jpg")
    for size in reversed(SIZES)
]


def media_root() -> str:
    """What file names are put behind to make a URL: absolute, but for a path in a command, with no host."""
    media_url = current_settings().media_url
    if media_url.startswith("/") and has_request_context():
        return request.host_url.rstrip("/") + media_url
    return media_url


def media_version() -> str:
    """A short mark of where images are found: it is a part of the tags of answers that show images."""
    return f"{zlib.crc32(current_settings().media_url.encode()):x}"


def dimensions(width: int, height: int, image_format: str, size_bytes: int) -> Shown:
    return {
        "width": width,
        "height": height,
        "format": image_format,
        "size_bytes": size_bytes,
        "size": readable_size(size_bytes),
    }


def original_dimensions(image: ImageRow) -> Shown:
    return dimensions(image.width, image.height, image.format, image.size_bytes)


def thumbnail_dimensions(image: ImageRow) -> Shown:
    side = THUMBNAIL.side_of(image.width, image.height)
    return dimensions(side, side, "JPEG", image.thumbnail_bytes)


def image_renderer(resource: Resource) -> Callable[[ImageRow, Any], Shown]:
    """A function from an image and its row to what the API shows; the row's parent must be loaded.

    Make it while the request is at hand.
    """
    root = media_root()
    parent, key = resource.parent, owner_key(resource)

    def render(image: ImageRow, owner: Any) -> Shown:
        folder = f"{root}{image.folder}/"
        original = folder + original_name(image.format)
        shown: Shown = {"id": image.id, key: owner.id}
        if parent is not None:
            shown[parent.name] = render_link(parent, getattr(owner, parent.name))
        shown[resource.code] = getattr(owner, resource.code)
        shown["image"] = shown["image_url"] = original
        for name in ("sm", "md", "lg", "thumbnail"):
            shown[f"image_{name}_url"] = f"{folder}{name}.jpg"
        shown["image_dimensions"] = original_dimensions(image)
        sides = {size: size.side_of(image.width, image.height) for size in SIZES}
        shown["sources"] = [
            {"type": media_type, "width": sides[size], "height": sides[size], "url": folder + file}
            for size, media_type, file in SOURCES
        ]
        shown["is_main"] = image.is_main
        shown["category"] = image.category
        shown["note"] = image.note
        shown["is_active"] = image.is_active
        shown["created_at"] = fields.format_timestamp(image.created_at)
        return shown

    return render
