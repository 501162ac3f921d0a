"""What the image routes take and answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import fields as ma_fields
from marshmallow.fields import Field

from ecatalog import fields
from ecatalog.images.presentation import owner_key
from ecatalog.images.sizes import ENDINGS, SIZES
from ecatalog.smorest import AnswerSchema, Schema

if TYPE_CHECKING:
    from ecatalog.catalog.resource import Resource


def _pixels() -> fields.Integer:
    return fields.Integer(required=True, minimum=1, allow_none=False)


class FileSizeSchema(AnswerSchema):
    """A number of bytes, and the same for people."""

    size_bytes = fields.Integer(required=True, minimum=0, maximum=fields.INT64_MAX, allow_none=False)
    size = fields.Text(20, required=True, metadata={"example": "3.4 MB"})


class DimensionsSchema(AnswerSchema):
    """An image file in numbers."""

    width = _pixels()
    height = _pixels()
    format = fields.Choice(tuple(ENDINGS), required=True)
    size_bytes = fields.Integer(required=True, minimum=0, allow_none=False)
    size = fields.Text(20, required=True, metadata={"example": "3.4 MB"})


class ImageSourceSchema(AnswerSchema):
    """A rendition, as `<picture>` wants it."""

    type = fields.Choice(("image/webp", "image/jpeg"), required=True)
    width = _pixels()
    height = _pixels()
    url = fields.Url(2000, required=True)


def image_schema(resource: Resource) -> type[Schema]:
    """An image as answers show it, by itself and in its row."""
    sides = {size.name: size.side for size in SIZES}
    shown: dict[str, Field[Any]] = {
        "id": fields.Integer(required=True, minimum=1, maximum=fields.INT64_MAX),
        owner_key(resource): fields.Integer(
            required=True,
            minimum=1,
            maximum=fields.INT64_MAX,
            metadata={"description": f"Id of the {resource.name}."},
        ),
    }
    if resource.parent is not None:
        shown[resource.parent.name] = ma_fields.Nested(
            resource.parent.link_schema, allow_none=True, required=True
        )
    shown[resource.code] = fields.Text(resource.code_length, required=True)
    for name in ("image", "image_url"):
        shown[name] = fields.Url(
            2000, required=True, metadata={"description": "The original, byte for byte."}
        )
    for name in ("sm", "md", "lg", "thumbnail"):
        about = f"JPEG, a square of {sides[name]} pixels, or of the original's shorter side if that is less."
        shown[f"image_{name}_url"] = fields.Url(2000, required=True, metadata={"description": about})
    shown["image_dimensions"] = ma_fields.Nested(DimensionsSchema, required=True)
    shown["sources"] = ma_fields.List(ma_fields.Nested(ImageSourceSchema), required=True)
    shown["is_main"] = fields.Boolean(required=True)
    shown["category"] = fields.Text(120, required=True, allow_none=True)
    shown["note"] = fields.Text(255, required=True, allow_none=True)
    shown["is_active"] = fields.Boolean(required=True)
    shown["created_at"] = fields.Timestamp(required=True)
    return type(f"{resource.label}Image", (AnswerSchema,), shown)
