"""The OpenAPI text of the image routes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from marshmallow import fields as ma_fields

from ecatalog import fields
from ecatalog.catalog import examples
from ecatalog.catalog.answers import envelope
from ecatalog.catalog.resource import Resource
from ecatalog.images import docs_bodies as bodies
from ecatalog.images.declaration import images_of
from ecatalog.images.presentation import owner_key
from ecatalog.images.uploads import BULK_FILES, BULK_IMAGES, INVALID
from ecatalog.openapi.components import header_references
from ecatalog.openapi.notes import Decorator
from ecatalog.smorest import AnswerSchema, Blueprint

ETAG_HEADER = header_references("ETag")
BAD_REQUEST = {"$ref": "#/components/schemas/BadRequest"}
PROBLEM = {"$ref": "#/components/schemas/Problem"}


def chain(*decorators: Decorator) -> Decorator:
    def apply(view: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            view = decorator(view)
        return view

    return apply


def unchanged(blueprint: Blueprint) -> Decorator:
    """Decorator for what can be asked with ``If-None-Match``."""
    kept = "The client's copy is still true."
    return chain(
        blueprint.conditional("If-None-Match"),
        blueprint.alt_response(304, description=kept, headers=ETAG_HEADER),
    )


class ImageDocs:
    """A decorator for each operation on a resource's images."""

    def __init__(self, resource: Resource) -> None:
        images = images_of(resource)
        assert images is not None
        self.resource = resource
        self.schema = images.schema(resource)
        self.blueprint = Blueprint("documentation", __name__)  # for its decorators alone
        reading = "Anyone may read" if resource.anonymous_read else "Reading needs a token, too"
        self.description = (
            f"Images of {images.plural}. {reading}; editors and admins write. A write to an image is a write "
            f"to its {resource.name}: its tag, its lists and the change feed follow."
        )

    @property
    def path_parameters(self) -> list[dict[str, Any]]:
        """The id in a path."""
        return [
            {
                "name": "id",
                "in": "path",
                "description": "The image's id.",
                "schema": {"type": "integer", "minimum": 1, "format": "int64"},
                "example": 1,
            }
        ]

    def _operation(self, name: str, summary: str, description: str, **more: Any) -> Decorator:
        operation_id = f"{self.resource.name}_image_{name}".replace("-", "_")
        return self.blueprint.doc(summary=summary, description=description, operationId=operation_id, **more)

    def _image(self, status: int, description: str) -> Decorator:
        return self.blueprint.response(
            status,
            self.schema,
            description=description,
            example=bodies.example_image(self.resource),
            headers=ETAG_HEADER,
        )

    def _refused(self) -> Decorator:
        """400 with its own example: what is said of a file that is no image."""
        refused = {"image": {"value": {"image": [INVALID]}}}
        problem = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "Invalid input."}
        problem["errors"] = {"image": [INVALID]}
        about = (
            "A field is wrong, or the file is no image, broken, or has too many pixels; nothing is stored."
        )
        return chain(
            self.blueprint.alt_response(400, schema=BAD_REQUEST, examples=refused, description=about),
            self.blueprint.alt_response(
                400,
                schema=PROBLEM,
                content_type="application/problem+json",
                example=problem,
                description=about,
            ),
        )

    @cached_property
    def list_images(self) -> Decorator:
        example = examples.page_of(bodies.example_image(self.resource))
        answer = envelope(f"{self.resource.label}ImageList", self.schema)
        return chain(
            self.blueprint.response(
                200, answer, description="One page.", example=example, headers=ETAG_HEADER
            ),
            unchanged(self.blueprint),
            self.blueprint.errors(404, 409, 503),
            self._operation(
                "list", f"List images of {self.resource.name}", "Newest first. The filters all hold together."
            ),
        )

    @cached_property
    def upload(self) -> Decorator:
        return chain(
            self._image(201, "Stored."),
            self._refused(),
            self.blueprint.errors(409, 413, 415, 503),
            self._operation(
                "create",
                f"Upload an image of a {self.resource.name}",
                "JPEG, PNG or WebP. The original is kept byte for byte; its renditions are turned upright, "
                "cropped to squares from the middle, and carry no metadata, such as the place a photo was "
                "taken at. A small original is not enlarged: its renditions are as wide as its shorter "
                "side. Transparency is white in JPEG and kept in WebP. A row's first image becomes main.",
                requestBody=bodies.upload_body(self.resource),
            ),
        )

    @cached_property
    def bulk_upload(self) -> Decorator:
        declared: dict[str, Any] = {
            "message": fields.Text(255, required=True),
            "images": ma_fields.List(ma_fields.Nested(self.schema), required=True),
        }
        answer = type(f"{self.resource.label}ImageBulk", (AnswerSchema,), declared)
        shown = [bodies.example_image(self.resource)]
        return chain(
            self.blueprint.response(
                201, answer, description="Stored.", example={"message": "1 image uploaded.", "images": shown}
            ),
            self._refused(),
            self.blueprint.errors(409, 413, 415, 503),
            self._operation(
                "bulk_upload",
                f"Upload several images of a {self.resource.name}",
                f"At most {BULK_FILES} files of one row, together as large as {BULK_IMAGES} of the largest "
                "images. One bad file fails the whole call, and nothing is stored. The values hold for all; "
                "`is_main` makes the first of them the main one.",
                requestBody=bodies.bulk_body(self.resource),
            ),
        )

    @cached_property
    def read(self) -> Decorator:
        return chain(
            self._image(200, "The image."),
            unchanged(self.blueprint),
            self.blueprint.errors(404, 503),
            self._operation(
                "read", f"Read one image of a {self.resource.name}", "Deleted ones are not found."
            ),
        )

    def _write(self, name: str, summary: str, description: str, *errors: int, **more: Any) -> Decorator:
        return chain(
            self.blueprint.conditional("If-Match"),
            self.blueprint.errors(404, 412, 503, *errors),
            self._operation(name, summary, description, **more),
        )

    @cached_property
    def replace(self) -> Decorator:
        return chain(
            self._image(200, "The image as it is now."),
            self._refused(),
            self._write(
                "put",
                f"Replace an image of a {self.resource.name}",
                "The file and the row must be there; fields left out keep their value. The old files go.",
                *(409, 413, 415),
                requestBody=bodies.upload_body(self.resource),
            ),
        )

    @cached_property
    def change(self) -> Decorator:
        return chain(
            self._image(200, "The image as it is now."),
            self._refused(),
            self._write(
                "patch",
                f"Change an image of a {self.resource.name}",
                "Only what is in the body changes. `is_main: true` unsets the others. "
                f"`{owner_key(self.resource)}` moves it to another row.",
                *(409, 413, 415),
                requestBody=bodies.patch_body(self.resource),
            ),
        )

    @cached_property
    def delete(self) -> Decorator:
        return chain(
            self.blueprint.response(204, description="Deleted."),
            self._write(
                "delete",
                f"Delete an image of a {self.resource.name}",
                "If it was the main one, the oldest that is left becomes it.",
            ),
        )
