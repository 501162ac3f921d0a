"""Two more resources, as somebody who extends the service would declare them: model, schema, declaration.

They have a MetaData of their own: the run's database, which the migrations make, has no such tables.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ecatalog import fields
from ecatalog.catalog import query
from ecatalog.catalog.models import CatalogRow, catalog_indexes
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.schemas import CatalogSchema
from ecatalog.database import ExactDecimal, JSONType
from ecatalog.extensions import Model
from ecatalog.images.declaration import ImageList
from ecatalog.images.models import ImageRow
from ecatalog.project.models import Project
from ecatalog.project.resource import PROJECT
from ecatalog.resources import RESOURCES

EXTRA_TABLES = sa.MetaData(naming_convention=Model.metadata.naming_convention)


class ExtraRow(CatalogRow):
    __abstract__ = True
    metadata = EXTRA_TABLES


class Warehouse(ExtraRow):
    __tablename__ = "warehouse"
    __table_args__ = catalog_indexes("warehouse", code="number")

    number: Mapped[str] = mapped_column(sa.String(40))
    name: Mapped[str] = mapped_column(sa.String(120))
    address: Mapped[str | None] = mapped_column(sa.Text)
    area: Mapped[Decimal | None] = mapped_column(ExactDecimal(9, 2))


class WarehouseImage(ImageRow, owner=Warehouse):
    metadata = EXTRA_TABLES


class PriceList(ExtraRow):
    __tablename__ = "price_list"
    __table_args__ = catalog_indexes("price_list", code="code_1c", parent="project_id")

    # The column itself, not its name: the two tables live in different MetaData.
    project_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Project.__table__.c.id))
    code_1c: Mapped[str] = mapped_column(sa.String(255))
    name: Mapped[str] = mapped_column(sa.String(255))
    description: Mapped[str | None] = mapped_column(sa.Text)
    valid_from: Mapped[date | None]
    weight: Mapped[int | None]
    labels: Mapped[list[Any]] = mapped_column(JSONType, default=list)
    project: Mapped[Project | None] = relationship(Project, lazy="raise_on_sql")


class WarehouseSchema(CatalogSchema):
    number = fields.Code(40, required=True)
    name = fields.Text(120, required=True)
    address = fields.Text()
    area = fields.Decimals(9, 2, minimum=0)


class PriceListSchema(CatalogSchema):
    code_1c = fields.Code(255, required=True)
    name = fields.Text(255, required=True)
    description = fields.RichText()
    valid_from = fields.Date()
    weight = fields.Integer(0, 1000)
    labels = fields.JSONList()


WAREHOUSE = Resource(
    name="warehouse",
    label="Warehouse",
    model=Warehouse,
    schema=WarehouseSchema,
    code="number",
    nested=(ImageList(WarehouseImage, plural="warehouses"),),
    search=("number", "name", "address"),
    filters=("name", "area", query.contains("address_contains", "address")),
    ordering=("area",),
    anonymous_read=True,
    example={"number": "W-1", "name": "Asosiy ombor", "area": "120.50"},
)

PRICE_LIST = Resource(
    name="price-list",
    label="PriceList",
    model=PriceList,
    schema=PriceListSchema,
    code="code_1c",
    parent=PROJECT,
    search=("code_1c", "name"),
    filters=(
        *("valid_from", "weight"),
        query.presence("description_status", query.filled("description"), "a description"),
    ),
    ordering=("valid_from", "weight"),
    example={"code_1c": "PL-1", "name": "Ulgurji narxlar", "valid_from": "2026-01-01"},
)

EVERY_RESOURCE = (*RESOURCES, WAREHOUSE, PRICE_LIST)
CHILDREN = tuple(resource for resource in EVERY_RESOURCE if resource.parent is not None)
