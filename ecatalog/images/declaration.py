"""``nested=(ImageList(ClientImage, plural="clients"),)`` in a declaration gives a resource images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ecatalog.catalog import query
from ecatalog.catalog.nested import Nested, Reader, Shown
from ecatalog.catalog.query import Filter
from ecatalog.images.models import ImageRow
from ecatalog.images.presentation import image_renderer, media_version
from ecatalog.images.schemas import image_schema
from ecatalog.smorest import Schema

if TYPE_CHECKING:
    from ecatalog.catalog.resource import Resource


class ImageList(Nested):
    """The images of a resource's rows.

    ``plural`` is the word for the rows in the address of their thumbnails.
    """

    name = "images"

    def __init__(self, model: type[ImageRow], *, plural: str) -> None:
        self.model = model
        self.plural = plural

    def schema(self, resource: Resource) -> type[Schema]:
        return _schema(resource)

    def reader(self, resource: Resource) -> Reader:
        model: Any = self.model
        render = image_renderer(resource)
        columns = [column for column in sa.inspect(model).columns if column.name != "search_text"]

        def read(session: Session, rows: Sequence[Any]) -> dict[int, list[Shown]]:
            owners = {row.id: row for row in rows}
            # Columns: making objects would take longer than the query.
            found = session.execute(
                sa.select(*columns)
                .where(model.owner_id.in_(owners), model.deleted_at.is_(None))
                .order_by(model.is_main.desc(), model.id)
            )
            shown: dict[int, list[Shown]] = {}
            image: Any
            for image in found:
                shown.setdefault(image.owner_id, []).append(render(image, owners[image.owner_id]))
            return shown

        return read

    def present(self, resource: Resource) -> sa.ColumnElement[bool]:
        return self._has_images(resource.model)

    def _has_images(self, row: Any) -> sa.ColumnElement[bool]:
        model: Any = self.model
        return sa.exists().where(model.owner_id == row.id, model.deleted_at.is_(None))

    def filters(self) -> tuple[Filter, ...]:
        return (query.presence("image_status", self._has_images, "images"),)

    def version(self) -> str:
        return media_version()


@cache
def _schema(resource: Resource) -> type[Schema]:
    return image_schema(resource)


def images_of(resource: Resource) -> ImageList | None:
    """The images that a resource declares."""
    return next((nested for nested in resource.nested if isinstance(nested, ImageList)), None)


def image_model(resource: Resource) -> type[ImageRow]:
    """The table of a resource's images. The resource must declare them."""
    images = images_of(resource)
    assert images is not None, f"{resource.name} has no images"
    return images.model
