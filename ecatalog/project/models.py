"""The project table."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from ecatalog.catalog.models import CatalogRow, catalog_indexes
from ecatalog.images.models import ImageRow


class Project(CatalogRow):
    """A project: what clients and items belong to."""

    __tablename__ = "project"
    __table_args__ = catalog_indexes("project", code="code_1c")

    code_1c: Mapped[str] = mapped_column(sa.String(255))
    name: Mapped[str] = mapped_column(sa.String(255))
    title: Mapped[str | None] = mapped_column(sa.String(255))
    description: Mapped[str | None] = mapped_column(sa.Text)


class ProjectImage(ImageRow, owner=Project):
    """An image of a project."""


class InProject(CatalogRow):
    """Mixin of rows that belong to a project, or to none."""

    __abstract__ = True

    @declared_attr
    @classmethod
    def project_id(cls) -> Mapped[int | None]:
        return mapped_column(sa.ForeignKey("project.id"), sort_order=-9)

    @declared_attr
    @classmethod
    def project(cls) -> Mapped[Project | None]:
        return relationship(Project, lazy="raise_on_sql")
