"""What the commands do: finding files that no row names, purging, making renditions anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from ecatalog.catalog.resource import Resource
from ecatalog.catalog.service import Origin
from ecatalog.database import utc_now, write_transaction
from ecatalog.errors import RowNotFound
from ecatalog.extensions import db
from ecatalog.images import service
from ecatalog.images.declaration import image_model
from ecatalog.images.facts import BadImage
from ecatalog.images.sizes import original_name
from ecatalog.images.storage import current_storage
from ecatalog.images.uploads import discard, discarded_on_failure, store

PURGE_ROWS = 500  # a transaction


@dataclass(frozen=True)
class Inspection:
    """The store beside the tables.

    orphans  folders that no row names, and what killed writers left; none is younger than was asked for
    lost     (resource's name, id) of images whose files are gone
    known    folders that rows name, and that are there
    """

    orphans: list[str]
    lost: list[tuple[str, int]]
    known: int


def inspect(resources: Sequence[Resource], older_than: timedelta) -> Inspection:
    """Compare the store with the tables. Raises StorageError.

    What is younger than ``older_than`` counts as being written.
    """
    storage, before = current_storage(), utc_now() - older_than
    stored = list(storage.folders())  # before the rows: what is written meanwhile is too young anyway
    folders = {folder.name for folder in stored}
    old = {folder.name for folder in stored if folder.modified < before}
    orphans, lost, known = storage.abandoned(before), [], 0
    for resource in resources:
        named = _folders(resource)
        prefix = f"{resource.name}/"
        orphans += sorted(name for name in old if name.startswith(prefix) and name not in named)
        lost += [(resource.name, image_id) for name, image_id in named.items() if name not in folders]
        known += len(named.keys() & folders)
    return Inspection(orphans, lost, known)


def _folders(resource: Resource) -> dict[str, int]:
    """The folders that a resource's images name, deleted images included, with their ids."""
    model: Any = image_model(resource)
    rows = db.session.execute(sa.select(model.folder, model.id)).all()
    db.session.close()
    return {row.folder: row.id for row in rows}


def expired(resource: Resource, older_than: timedelta) -> int:
    """How many images were deleted longer ago than that."""
    model: Any = image_model(resource)
    statement = sa.select(sa.func.count()).select_from(model).where(model.deleted_at < utc_now() - older_than)
    return db.session.scalar(statement) or 0


def purge(resource: Resource, older_than: timedelta) -> Iterator[int]:
    """Delete for good what was deleted longer ago than that; yields the number of each transaction's images.

    First the rows, then their files: a crash leaves at most files that :func:`inspect` finds.
    """
    model: Any = image_model(resource)
    before = utc_now() - older_than
    while True:
        with write_transaction():
            rows = db.session.execute(
                sa.select(model.id, model.folder)
                .where(model.deleted_at < before)
                .order_by(model.deleted_at)
                .limit(PURGE_ROWS)
            ).all()
            db.session.execute(sa.delete(model).where(model.id.in_([row.id for row in rows])))
        if not rows:
            return
        for row in rows:
            discard(row.folder)
        yield len(rows)


def live_ids(resource: Resource) -> list[int]:
    """The ids of a resource's images that can be made anew."""
    model: Any = image_model(resource)
    statement = service.live_images(resource).with_only_columns(model.id).order_by(model.id)
    ids = list(db.session.scalars(statement))
    db.session.close()
    return ids


def regenerate(resource: Resource, image_id: int, origin: Origin) -> str | None:
    """Make an image's renditions anew from its original; what is wrong, or None.

    They get new names, since the old ones may be cached for ever; the old files go. Raises StorageError.
    """
    try:
        image = service.find(resource, image_id)
        db.session.close()
        with current_storage().open(f"{image.folder}/{original_name(image.format)}") as original:
            fresh = store(resource, original, bounded=False)
    except RowNotFound:
        return None  # it was deleted meanwhile
    except FileNotFoundError:
        return "its original is not in the store"
    except BadImage as error:
        return str(error)
    with discarded_on_failure([fresh]), write_transaction():
        renewed = service.renew(resource, image_id, image.folder, fresh, origin)
    discard(image.folder if renewed else fresh.folder)
    return None
