"""The nomenklatura table."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ecatalog.catalog.models import catalog_indexes
from ecatalog.database import ExactDecimal, JSONType
from ecatalog.images.models import ImageRow
from ecatalog.project.models import InProject


class Nomenklatura(InProject):
    """An item (nomenklatura): what is sold."""

    __tablename__ = "nomenklatura"
    __table_args__ = catalog_indexes(
        "nomenklatura",
        code="code_1c",
        parent="project_id",
        exact=("sku", "article_code", "barcode"),
        filtered=("brand", "category", "base_price", "stock_quantity"),
    )

    code_1c: Mapped[str] = mapped_column(sa.String(255))
    name: Mapped[str] = mapped_column(sa.String(255))
    title: Mapped[str | None] = mapped_column(sa.String(255))
    description: Mapped[str | None] = mapped_column(sa.Text)
    sku: Mapped[str | None] = mapped_column(sa.String(100))
    article_code: Mapped[str | None] = mapped_column(sa.String(100))
    barcode: Mapped[str | None] = mapped_column(sa.String(100))
    vendor_code: Mapped[str | None] = mapped_column(sa.String(100))
    brand: Mapped[str | None] = mapped_column(sa.String(150))
    manufacturer: Mapped[str | None] = mapped_column(sa.String(200))
    model: Mapped[str | None] = mapped_column(sa.String(150))
    series: Mapped[str | None] = mapped_column(sa.String(150))
    base_price: Mapped[Decimal | None] = mapped_column(ExactDecimal(15, 2))
    sale_price: Mapped[Decimal | None] = mapped_column(ExactDecimal(15, 2))
    cost_price: Mapped[Decimal | None] = mapped_column(ExactDecimal(15, 2))
    # evaluates_none: a null that is sent stays null; the default is for what is left out.
    currency: Mapped[str | None] = mapped_column(sa.String(10).evaluates_none(), default="UZS")
    discount_percent: Mapped[Decimal | None] = mapped_column(ExactDecimal(5, 2))
    tax_rate: Mapped[Decimal | None] = mapped_column(ExactDecimal(5, 2))
    stock_quantity: Mapped[Decimal | None] = mapped_column(ExactDecimal(15, 3))
    min_stock: Mapped[Decimal | None] = mapped_column(ExactDecimal(15, 3))
    max_stock: Mapped[Decimal | None] = mapped_column(ExactDecimal(15, 3))
    unit_of_measure: Mapped[str | None] = mapped_column(sa.String(50))
    weight: Mapped[Decimal | None] = mapped_column(ExactDecimal(10, 3))
    volume: Mapped[Decimal | None] = mapped_column(ExactDecimal(10, 3))
    dimensions: Mapped[str | None] = mapped_column(sa.String(100))
    category: Mapped[str | None] = mapped_column(sa.String(150))
    subcategory: Mapped[str | None] = mapped_column(sa.String(150))
    tags: Mapped[list[Any]] = mapped_column(JSONType, default=list)
    color: Mapped[str | None] = mapped_column(sa.String(100))
    size: Mapped[str | None] = mapped_column(sa.String(100))
    material: Mapped[str | None] = mapped_column(sa.String(200))
    warranty_period: Mapped[int | None]
    expiry_date: Mapped[date | None]
    production_date: Mapped[date | None]
    roditel: Mapped[str | None] = mapped_column(sa.String(255))
    supplier: Mapped[str | None] = mapped_column(sa.String(255))
    country_code: Mapped[str | None] = mapped_column(sa.String(10))
    country: Mapped[str | None] = mapped_column(sa.String(150))
    notes: Mapped[str | None] = mapped_column(sa.Text)
    rating: Mapped[Decimal | None] = mapped_column(ExactDecimal(3, 2))
    popularity_score: Mapped[int | None]
    seo_keywords: Mapped[str | None] = mapped_column(sa.String(500))
    source: Mapped[str | None] = mapped_column(sa.String(100))
    extra: Mapped[dict[str, Any]] = mapped_column("metadata", JSONType, default=dict)


class NomenklaturaImage(ImageRow, owner=Nomenklatura):
    """An image of an item."""
