"""The fields of a project."""

from __future__ import annotations

from ecatalog import fields
from ecatalog.catalog.schemas import CatalogSchema


class ProjectSchema(CatalogSchema):
    """A project: what clients and items belong to."""

    code_1c = fields.Code(255, required=True)
    name = fields.Text(255, required=True)
    title = fields.Text(255)
    description = fields.RichText()
