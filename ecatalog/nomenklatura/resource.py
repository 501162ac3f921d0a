"""Items as a resource."""

from __future__ import annotations

from ecatalog import fields
from ecatalog.catalog import query
from ecatalog.catalog.resource import Resource
from ecatalog.images.declaration import ImageList
from ecatalog.nomenklatura.models import Nomenklatura, NomenklaturaImage
from ecatalog.nomenklatura.schemas import NomenklaturaSchema
from ecatalog.project.resource import PROJECT

NOMENKLATURA = Resource(
    name="nomenklatura",
    label="Nomenklatura",
    model=Nomenklatura,
    schema=NomenklaturaSchema,
    code="code_1c",
    parent=PROJECT,
    nested=(ImageList(NomenklaturaImage, plural="nomenklatura"),),
    anonymous_read=True,
    search=(
        *("code_1c", "name", "title", "sku", "article_code", "barcode"),
        *("brand", "manufacturer", "model", "category"),
    ),
    exact=("sku", "article_code", "barcode"),
    filters=(
        *("name", "title", "sku", "article_code", "barcode", "vendor_code"),
        *("brand", "manufacturer", "model", "series", "base_price", "sale_price", "currency"),
        *("discount_percent", "tax_rate", "stock_quantity", "unit_of_measure", "category", "subcategory"),
        *("color", "size", "material", "warranty_period", "expiry_date", "production_date", "roditel"),
        *("supplier", "country_code", "country", "rating", "popularity_score", "source"),
        query.contains("brand_contains", "brand"),
        query.at_least("price_min", "base_price", fields.Decimals(15, 2)),
        query.at_most("price_max", "base_price", fields.Decimals(15, 2)),
        query.at_least("stock_min", "stock_quantity", fields.Decimals(15, 3)),
        query.at_most("stock_max", "stock_quantity", fields.Decimals(15, 3)),
        query.positive("in_stock", "stock_quantity"),
        query.presence("description_status", query.filled("description"), "a description"),
    ),
    ordering=(
        *(
            "title",
            "sku",
            "article_code",
            "barcode",
            "brand",
            "manufacturer",
            "model",
            "category",
            "subcategory",
        ),
        *("base_price", "sale_price", "cost_price", "discount_percent", "stock_quantity", "weight", "volume"),
        *("expiry_date", "production_date", "warranty_period", "roditel", "supplier", "country"),
        *("rating", "popularity_score"),
    ),
    example={
        "code_1c": "00-00012345",
        "name": "Шоколад молочный 100 г",
        "title": "Sutli shokolad 100 g",
        "project": "00-00000001",
        "sku": "SHK-100",
        "barcode": "4780001234567",
        "brand": "Shirinlik",
        "base_price": "12000.00",
        "stock_quantity": "250.00",
        "unit_of_measure": "dona",
        "category": "Qandolat",
        "tags": ["shokolad"],
    },
)
