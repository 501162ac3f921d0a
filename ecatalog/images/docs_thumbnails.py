"""The OpenAPI text of the lists of thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from marshmallow import fields as ma_fields

from ecatalog import fields
from ecatalog.catalog.resource import Resource
from ecatalog.images import docs_bodies as bodies
from ecatalog.images.docs import ETAG_HEADER, chain, unchanged
from ecatalog.images.listing import DEFAULT_THUMBNAILS, MAX_THUMBNAILS
from ecatalog.images.schemas import DimensionsSchema, FileSizeSchema
from ecatalog.openapi.notes import Decorator
from ecatalog.smorest import AnswerSchema, Blueprint, Schema


class ThumbnailSchema(AnswerSchema):
    """The thumbnail of a row's image."""

    entity_type = fields.Text(63, required=True)
    entity_id = fields.Integer(required=True, minimum=1, maximum=fields.INT64_MAX)
    code_1c = fields.Text(255, required=True, metadata={"description": "The row's code."})
    entity_name = fields.Text(255, required=True)
    image_id = fields.Integer(required=True, minimum=1, maximum=fields.INT64_MAX)
    thumbnail_url = fields.Url(2000, required=True)
    thumbnail_dimensions = ma_fields.Nested(DimensionsSchema, required=True)
    original_dimensions = ma_fields.Nested(DimensionsSchema, required=True)
    is_main = fields.Boolean(required=True)
    category = fields.Text(120, required=True, allow_none=True)
    note = fields.Text(255, required=True, allow_none=True)
    created_at = fields.Timestamp(required=True)


class TotalSizeSchema(AnswerSchema):
    """What all files together take."""

    thumbnail = ma_fields.Nested(FileSizeSchema, required=True)
    original = ma_fields.Nested(FileSizeSchema, required=True)


class ThumbnailListSchema(AnswerSchema):
    """The newest thumbnails, and the number and size of all that there are."""

    results = ma_fields.List(ma_fields.Nested(ThumbnailSchema), required=True)
    total_count = fields.Integer(required=True, minimum=0, maximum=fields.INT64_MAX)
    total_size = ma_fields.Nested(TotalSizeSchema, required=True)


class ThumbnailParameters(Schema):
    """The query parameters of thumbnails of one resource."""

    is_main = fields.Boolean(metadata={"description": "Main images of their rows, or the others."})
    limit = fields.Count(
        metadata={
            "description": f"Thumbnails: {DEFAULT_THUMBNAILS}; more than {MAX_THUMBNAILS} counts as that."
        },
    )


class ThumbnailDocs:
    """A decorator for each list of thumbnails."""

    description = "Thumbnails of images, newest first, with the size of all files."
    parameters = ThumbnailParameters

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.resources = resources
        self.blueprint = Blueprint("documentation", __name__)  # for its decorators alone

    @cached_property
    def mixed_parameters(self) -> type[Schema]:
        names = tuple(resource.name for resource in self.resources)
        kind = fields.Choice(names, metadata={"description": "Of rows of this kind alone."})
        return type("MixedThumbnailParameters", (ThumbnailParameters,), {"entity_type": kind})

    def _list(self, name: str, summary: str, description: str, example: Resource) -> Decorator:
        return chain(
            self.blueprint.response(
                200,
                ThumbnailListSchema,
                description="Thumbnails.",
                example=bodies.example_thumbnails(example),
                headers=ETAG_HEADER,
            ),
            unchanged(self.blueprint),
            self.blueprint.errors(503),
            self.blueprint.doc(
                summary=summary, description=description, operationId=f"thumbnails_{name}".replace("-", "_")
            ),
        )

    @property
    def of_all(self) -> Decorator:
        closed = ", ".join(resource.name for resource in self.resources if not resource.anonymous_read)
        text = f"Without a token, those of {closed} are left out." if closed else "Of every kind of row."
        return self._list("all", "Thumbnails of all rows", text, self.resources[-1])

    def of_one(self, resource: Resource, plural: str) -> Decorator:
        return self._list(plural, f"Thumbnails of {plural}", "Newest first.", resource)
