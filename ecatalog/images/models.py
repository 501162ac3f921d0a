"""The tables of images: one a resource, each from two lines.

A table for each, because ids count for each endpoint, a real foreign key holds an image to its row, and the
busy table of items does not slow the others down.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ecatalog.catalog.models import CatalogRow
from ecatalog.database import BigId, UTCDateTime
from ecatalog.extensions import Model

LIVE_MAIN: dict[str, Any] = {"postgresql_where": sa.text("is_main AND deleted_at IS NULL")} | {
    "sqlite_where": sa.text("is_main = 1 AND deleted_at IS NULL")
}
LIVE: dict[str, Any] = {
    f"{dialect}_where": sa.text("deleted_at IS NULL") for dialect in ("postgresql", "sqlite")
}
DELETED: dict[str, Any] = {
    f"{dialect}_where": sa.text("deleted_at IS NOT NULL") for dialect in ("postgresql", "sqlite")
}


class ImageRow(Model):
    """An image of a row; :mod:`ecatalog.images.service` alone writes it.

    A table is made by ``class ClientImage(ImageRow, owner=Client)``, with a docstring and a migration.

    folder           where its files are: ``<resource>/<year>/<month>/<random>``, never written to again
    format           of the original: JPEG, PNG or WEBP
    width, height    of the original, upright, in pixels
    size_bytes, thumbnail_bytes  of the original and of the JPEG thumbnail
    search_text      category and note as the search folds them
    deleted_at       when it was deleted; the files stay until they are purged
    """

    __abstract__ = True

    owner_model: ClassVar[type[CatalogRow]]

    id: Mapped[int] = mapped_column(BigId, primary_key=True, sort_order=-10)
    folder: Mapped[str] = mapped_column(sa.String(120))
    format: Mapped[str] = mapped_column(sa.String(8))
    width: Mapped[int]
    height: Mapped[int]
    size_bytes: Mapped[int]
    thumbnail_bytes: Mapped[int]
    is_main: Mapped[bool]
    category: Mapped[str | None] = mapped_column(sa.String(120))
    note: Mapped[str | None] = mapped_column(sa.String(255))
    is_active: Mapped[bool] = mapped_column(default=True)
    search_text: Mapped[str] = mapped_column(sa.Text, deferred=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    owner_id: Any  # the next two are made below, for each table
    owner: Any

    def __init_subclass__(cls, *, owner: type[CatalogRow], **options: Any) -> None:
        table = f"{owner.__tablename__}_image"
        cls.owner_model = owner
        cls.__tablename__ = table
        cls.__table_args__ = _indexes(table)
        # The column itself, not its name: the table may live in a MetaData of its own.
        key = sa.ForeignKey(owner.__table__.c.id)
        cls.owner_id = mapped_column(BigId, key, nullable=False, sort_order=-9)
        cls.owner = relationship(owner, lazy="raise_on_sql")
        super().__init_subclass__(**options)


def _indexes(table: str) -> tuple[sa.Index, ...]:
    return (
        sa.Index(f"uq_{table}_folder", "folder", unique=True),
        sa.Index(f"uq_{table}_main", "owner_id", unique=True, **LIVE_MAIN),
        sa.Index(f"ix_{table}_owner", "owner_id", "id", **LIVE),
        sa.Index(f"ix_{table}_newest", "created_at", "id", **LIVE),
        sa.Index(f"ix_{table}_deleted", "deleted_at", **DELETED),
    )
