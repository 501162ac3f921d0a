"""Clients as a resource. They are personal and commercial data: reading them needs a token."""

from __future__ import annotations

from ecatalog.catalog import query
from ecatalog.catalog.resource import Resource
from ecatalog.client.models import Client, ClientImage
from ecatalog.client.schemas import ClientSchema
from ecatalog.images.declaration import ImageList
from ecatalog.project.resource import PROJECT

CLIENT = Resource(
    name="client",
    label="Client",
    model=Client,
    schema=ClientSchema,
    code="client_code_1c",
    parent=PROJECT,
    nested=(ImageList(ClientImage, plural="clients"),),
    anonymous_read=False,
    search=(
        "client_code_1c",
        "name",
        "email",
        "phone",
        "company_name",
        "tax_id",
        "contact_person",
        "city",
        "region",
    ),
    exact=("tax_id",),
    filters=(
        *("name", "email", "phone", "company_name", "tax_id", "registration_number"),
        *("industry", "business_type", "employee_count", "established_date", "payment_terms", "currency"),
        *("city", "region", "country", "postal_code", "contact_person", "contact_email", "contact_phone"),
        *("business_region_code", "business_region_name", "rating", "priority", "source"),
        query.contains("email_contains", "email"),
        query.presence("description_status", query.filled("description"), "a description"),
    ),
    ordering=(
        *("email", "phone", "company_name", "tax_id", "industry", "business_type", "employee_count"),
        *(
            "annual_revenue",
            "established_date",
            "credit_limit",
            "city",
            "region",
            "country",
            "rating",
            "priority",
        ),
    ),
    example={
        "client_code_1c": "НФ-000123",
        "name": "Oʻrmon MChJ",
        "project": "00-00000001",
        "email": "info@example.com",
        "phone": "+998 90 123-45-67",
        "company_name": "Oʻrmon MChJ",
        "tax_id": "302123456",
        "city": "Toshkent",
        "region": "Toshkent shahri",
        "credit_limit": "15000000.00",
        "contact_person": "Азиз Каримов",
        "tags": ["ulgurji"],
        "rating": "4.50",
    },
)
