"""The fields of a nomenklatura."""

from __future__ import annotations

from ecatalog import fields
from ecatalog.catalog.schemas import CatalogSchema


class NomenklaturaSchema(CatalogSchema):
    """An item (nomenklatura): what is sold."""

    code_1c = fields.Code(255, required=True)
    name = fields.Text(255, required=True)
    title = fields.Text(255)
    description = fields.RichText()
    sku = fields.Text(100)
    article_code = fields.Text(100)
    barcode = fields.Text(100)
    vendor_code = fields.Text(100)
    brand = fields.Text(150)
    manufacturer = fields.Text(200)
    model = fields.Text(150)
    series = fields.Text(150)
    base_price = fields.Decimals(15, 2)
    sale_price = fields.Decimals(15, 2)
    cost_price = fields.Decimals(15, 2)
    currency = fields.Text(10)
    discount_percent = fields.Decimals(5, 2, minimum=0, maximum=100)
    tax_rate = fields.Decimals(5, 2, minimum=0, maximum=100)
    stock_quantity = fields.Decimals(15, 3, shown_places=2)
    min_stock = fields.Decimals(15, 3, shown_places=2)
    max_stock = fields.Decimals(15, 3, shown_places=2)
    unit_of_measure = fields.Text(50)
    weight = fields.Decimals(10, 3, shown_places=2)
    volume = fields.Decimals(10, 3, shown_places=2)
    dimensions = fields.Text(100)
    category = fields.Text(150)
    subcategory = fields.Text(150)
    tags = fields.JSONList()
    color = fields.Text(100)
    size = fields.Text(100)
    material = fields.Text(200)
    warranty_period = fields.Integer(minimum=0)
    expiry_date = fields.Date()
    production_date = fields.Date()
    roditel = fields.Text(255)
    supplier = fields.Text(255)
    country_code = fields.Text(10)
    country = fields.Text(150)
    notes = fields.Text()
    rating = fields.Decimals(3, 2, minimum=0, maximum=5)
    popularity_score = fields.Integer(0, 100)
    seo_keywords = fields.Text(500)
    source = fields.Text(100)
    extra = fields.JSONObject(data_key="metadata")
