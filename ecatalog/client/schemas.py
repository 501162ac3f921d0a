"""The fields of a client."""

from __future__ import annotations

from ecatalog import fields
from ecatalog.catalog.schemas import CatalogSchema


class ClientSchema(CatalogSchema):
    """A client (kontragent): a company or person that buys."""

    client_code_1c = fields.Code(100, required=True)
    name = fields.Text(255, required=True)
    email = fields.Email(254)
    phone = fields.Text(100)
    description = fields.RichText()
    company_name = fields.Text(255)
    tax_id = fields.Text(50)
    registration_number = fields.Text(100)
    legal_address = fields.Text()
    actual_address = fields.Text()
    fax = fields.Text(50)
    website = fields.Url(500)
    social_media = fields.JSONObject()
    additional_phones = fields.JSONList()
    industry = fields.Text(150)
    business_type = fields.Text(100)
    employee_count = fields.Integer(minimum=0)
    annual_revenue = fields.Decimals(15, 2)
    established_date = fields.Date()
    payment_terms = fields.Text(255)
    credit_limit = fields.Decimals(15, 2)
    currency = fields.Text(10)
    city = fields.Text(100)
    region = fields.Text(100)
    country = fields.Text(100)
    postal_code = fields.Text(20)
    latitude = fields.Decimals(9, 6, minimum=-90, maximum=90)
    longitude = fields.Decimals(9, 6, minimum=-180, maximum=180)
    contact_person = fields.Text(150)
    contact_position = fields.Text(100)
    contact_email = fields.Email(254)
    contact_phone = fields.Text(100)
    business_region_code = fields.Text(100)
    business_region_name = fields.Text(255)
    notes = fields.Text()
    tags = fields.JSONList()
    rating = fields.Decimals(3, 2, minimum=0, maximum=5)
    priority = fields.Integer(0, 100)
    source = fields.Text(100)
    extra = fields.JSONObject(data_key="metadata")
