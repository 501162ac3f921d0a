"""The client table."""

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


class Client(InProject):
    """A client (kontragent): a company or person that buys."""

    __tablename__ = "client"
    __table_args__ = catalog_indexes("client", code="client_code_1c", parent="project_id", exact=("tax_id",))

    client_code_1c: Mapped[str] = mapped_column(sa.String(100))
    name: Mapped[str] = mapped_column(sa.String(255))
    email: Mapped[str | None] = mapped_column(sa.String(254))
    phone: Mapped[str | None] = mapped_column(sa.String(100))
    description: Mapped[str | None] = mapped_column(sa.Text)
    company_name: Mapped[str | None] = mapped_column(sa.String(255))
    tax_id: Mapped[str | None] = mapped_column(sa.String(50))
    registration_number: Mapped[str | None] = mapped_column(sa.String(100))
    legal_address: Mapped[str | None] = mapped_column(sa.Text)
    actual_address: Mapped[str | None] = mapped_column(sa.Text)
    fax: Mapped[str | None] = mapped_column(sa.String(50))
    website: Mapped[str | None] = mapped_column(sa.String(500))
    social_media: Mapped[dict[str, Any]] = mapped_column(JSONType, default=dict)
    additional_phones: Mapped[list[Any]] = mapped_column(JSONType, default=list)
    industry: Mapped[str | None] = mapped_column(sa.String(150))
    business_type: Mapped[str | None] = mapped_column(sa.String(100))
    employee_count: Mapped[int | None]
    annual_revenue: Mapped[Decimal | None] = mapped_column(ExactDecimal(15, 2))
    established_date: Mapped[date | None]
    payment_terms: Mapped[str | None] = mapped_column(sa.String(255))
    credit_limit: Mapped[Decimal | None] = mapped_column(ExactDecimal(15, 2))
    # evaluates_none: a null that is sent stays null; the default is for what is left out.
    currency: Mapped[str | None] = mapped_column(sa.String(10).evaluates_none(), default="UZS")
    city: Mapped[str | None] = mapped_column(sa.String(100))
    region: Mapped[str | None] = mapped_column(sa.String(100))
    country: Mapped[str | None] = mapped_column(sa.String(100).evaluates_none(), default="Uzbekistan")
    postal_code: Mapped[str | None] = mapped_column(sa.String(20))
    latitude: Mapped[Decimal | None] = mapped_column(ExactDecimal(9, 6))
    longitude: Mapped[Decimal | None] = mapped_column(ExactDecimal(9, 6))
    contact_person: Mapped[str | None] = mapped_column(sa.String(150))
    contact_position: Mapped[str | None] = mapped_column(sa.String(100))
    contact_email: Mapped[str | None] = mapped_column(sa.String(254))
    contact_phone: Mapped[str | None] = mapped_column(sa.String(100))
    business_region_code: Mapped[str | None] = mapped_column(sa.String(100))
    business_region_name: Mapped[str | None] = mapped_column(sa.String(255))
    notes: Mapped[str | None] = mapped_column(sa.Text)
    tags: Mapped[list[Any]] = mapped_column(JSONType, default=list)
    rating: Mapped[Decimal | None] = mapped_column(ExactDecimal(3, 2))
    priority: Mapped[int | None]
    source: Mapped[str | None] = mapped_column(sa.String(100))
    extra: Mapped[dict[str, Any]] = mapped_column("metadata", JSONType, default=dict)


class ClientImage(ImageRow, owner=Client):
    """An image of a client."""
