"""The one write path of images. No request object in here, and no commit.

A write to an image is a write to its row: it takes the resource's tick, so that writers stand in line, and
stamps the row, so that tags, cached lists and the change feed follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from ecatalog import search
from ecatalog.catalog import etag
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.service import Origin, Write, writing
from ecatalog.errors import RowNotFound
from ecatalog.extensions import db
from ecatalog.images.declaration import image_model
from ecatalog.images.models import ImageRow
from ecatalog.images.owners import find_owner, names_owner
from ecatalog.images.uploads import StoredImage

Values = Mapping[str, Any]

#: What clients may change of an image, besides which is the main one.
TEXTS = ("category", "note", "is_active")
_FILE = ("folder", "format", "width", "height", "size_bytes", "thumbnail_bytes")


def owner_loader(resource: Resource) -> tuple[Any, ...]:
    """Loader options that bring an image's row along, and the row's parent."""
    owner: Any = joinedload(image_model(resource).owner)
    if resource.parent is None:
        return (owner,)
    return (owner.joinedload(getattr(resource.model, resource.parent.name)),)


def live_images(resource: Resource) -> sa.Select[Any]:
    """The images that are there: neither they nor their rows are deleted. The row is joined."""
    model: Any = image_model(resource)
    owner: Any = resource.model
    return (
        sa.select(model)
        .join(owner, model.owner_id == owner.id)
        .where(model.deleted_at.is_(None), ~owner.is_deleted)
    )


def find(resource: Resource, image_id: int) -> ImageRow:
    """A live image of a live row, with its row. Raises RowNotFound."""
    model: Any = image_model(resource)
    statement = live_images(resource).where(model.id == image_id).options(*owner_loader(resource))
    found: ImageRow | None = db.session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise RowNotFound(f"No {resource.label}Image matches the given query.")
    return found


def image_etag(resource: Resource, image: ImageRow) -> str:
    """An image's tag: that of its row, whose tick every write to its images moves."""
    return f"{etag.row_etag(resource, image.owner)}-{image.id:x}"


def add(resource: Resource, files: Sequence[StoredImage], values: Values, origin: Origin) -> list[ImageRow]:
    """New images of the row that ``values`` name, in the present write transaction.

    The first image of a row becomes its main one; with ``is_main``, the first of these does. Raises
    InvalidInput and Conflict as :func:`ecatalog.images.owners.find_owner` does.
    """
    with writing(resource, origin) as write:
        album = _Album(write, find_owner(resource, values))
        images = [album.add(file, values) for file in files]
        if values.get("is_main"):
            album.main = images[0]
        album.close()
        return images


def change(
    resource: Resource,
    image_id: int,
    values: Values,
    origin: Origin,
    *,
    file: StoredImage | None = None,
    if_match: frozenset[str] | None = None,
) -> tuple[ImageRow, str | None]:
    """Change what is in ``values`` of an image; ``file`` replaces its files, another row may get it.

    Returns the image and the folder that it no longer uses, which may be deleted after the commit. Raises
    RowNotFound, PreconditionFailed, InvalidInput, Conflict.
    """
    image = find(resource, image_id)
    etag.check_if_match(if_match, image_etag(resource, image))
    if file is None and not _differs(resource, image, values):
        return image, None
    with writing(resource, origin) as write:
        image = find(resource, image_id)  # again, now that nobody else can write
        etag.check_if_match(if_match, image_etag(resource, image))
        album = target = _Album(write, image.owner)
        if names_owner(resource, values):
            owner = find_owner(resource, values)
            if owner.id != image.owner_id:
                target = _Album(write, owner)
                album.move(image, target)
        replaced = target.change(image, values, file)
        album.close()
        if target is not album:
            target.close()
        return image, replaced


def _differs(resource: Resource, image: ImageRow, values: Values) -> bool:
    if names_owner(resource, values) and find_owner(resource, values).id != image.owner_id:
        return True
    return any(name in values and getattr(image, name) != values[name] for name in ("is_main", *TEXTS))


def delete(
    resource: Resource, image_id: int, origin: Origin, *, if_match: frozenset[str] | None = None
) -> None:
    """Soft-delete an image; its files stay until the purge. The oldest one left becomes the main one."""
    with writing(resource, origin) as write:
        image = find(resource, image_id)
        etag.check_if_match(if_match, image_etag(resource, image))
        album = _Album(write, image.owner)
        image.deleted_at = write.at
        album.leave(image)
        album.close()


def renew(resource: Resource, image_id: int, folder: str, file: StoredImage, origin: Origin) -> bool:
    """Let a live image that is still in ``folder`` have other files; False where it is not, any more."""
    model: Any = image_model(resource)
    with writing(resource, origin) as write:
        statement = live_images(resource).where(model.id == image_id, model.folder == folder)
        image = db.session.scalar(statement.options(*owner_loader(resource)))
        if image is None:
            return False
        album = _Album(write, image.owner)
        album.change(image, {}, file)
        album.close()
        return True


class _Album:
    """The live images of one row while they are being written; :meth:`close` makes it all true.

    ``main`` is the image that is to be the main one.
    """

    def __init__(self, write: Write, owner: Any) -> None:
        self.write = write
        self.owner = owner
        model: Any = image_model(write.resource)
        self.images: list[ImageRow] = list(
            db.session.scalars(
                sa.select(model)
                .where(model.owner_id == owner.id, model.deleted_at.is_(None))
                .order_by(model.id)
            )
        )
        self.before = {image.id: _told(image) for image in self.images}
        self.main = next((image for image in self.images if image.is_main), None)

    def add(self, file: StoredImage, values: Values) -> ImageRow:
        columns = {name: values[name] for name in TEXTS if name in values}
        columns |= {name: getattr(file, name) for name in _FILE}
        model = image_model(self.write.resource)
        image = model(**columns, owner=self.owner, is_main=False, created_at=self.write.at)
        image.search_text = _search_text(image)
        db.session.add(image)
        self._take(image)
        return image

    def _take(self, image: ImageRow) -> None:
        self.images.append(image)
        if self.main is None:
            self.main = image

    def leave(self, image: ImageRow) -> None:
        """The image is no longer one of the row's."""
        self.images = [other for other in self.images if other is not image]
        image.is_main = False
        if self.main is image:
            self.main = min(self.images, key=lambda other: other.id, default=None)

    def move(self, image: ImageRow, target: _Album) -> None:
        self.leave(image)
        db.session.flush()  # before the other row can have it as its main one
        image.owner = target.owner
        target._take(image)

    def change(self, image: ImageRow, values: Values, file: StoredImage | None) -> str | None:
        """Write values and files to one of the row's images; the folder that it no longer uses."""
        for name in TEXTS:
            if name in values:
                setattr(image, name, values[name])
        image.search_text = _search_text(image)
        if values.get("is_main"):
            self.main = image
        elif values.get("is_main") is False and self.main is image:
            self.main = None
        if file is None:
            return None
        replaced = image.folder
        for name in _FILE:
            setattr(image, name, getattr(file, name))
        return replaced

    def close(self) -> None:
        """One main image at most; then the row is stamped, and its history told."""
        for image in self.images:
            image.is_main = image.is_main and image is self.main
        db.session.flush()  # none may be unset after another was set: the index allows one
        if self.main is not None:
            self.main.is_main = True
        db.session.flush()
        after = {image.id: _told(image) for image in self.images}
        changed = [key for key in sorted({*self.before, *after}) if self.before.get(key) != after.get(key)]
        old = [self.before[key] for key in changed if key in self.before]
        new = [after[key] for key in changed if key in after]
        self.write.touch(self.owner, {"images": (old, new)})


def _search_text(image: ImageRow) -> str:
    return search.document([image.category, image.note])


def _told(image: ImageRow) -> dict[str, Any]:
    """An image as the row's history shows it."""
    return {name: getattr(image, name) for name in ("id", "folder", "is_main", *TEXTS)}
