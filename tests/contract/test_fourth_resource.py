"""A resource more takes a model, a schema and a declaration; a wrong declaration fails when it is made.

That it then behaves as the others do is shown by the whole of this folder, which runs over it, too.
"""

from __future__ import annotations

from dataclasses import fields as dataclass_fields
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Mapped, mapped_column

from ecatalog import fields
from ecatalog.catalog import clock
from ecatalog.catalog.models import CatalogRow
from ecatalog.catalog.resource import DeclarationError, Resource
from ecatalog.catalog.schemas import CatalogSchema
from tests.contract.catalogue import Catalogue, ok
from tests.contract.extra import PRICE_LIST, WAREHOUSE, WarehouseSchema

ROUTES = {
    "": {"get", "post"},
    "{%s}/": {"get", "put", "patch", "delete"},
    "{%s}/restore/": {"post"},
    "{%s}/history/": {"get"},
    "by-code/": {"get", "put", "patch", "delete"},
    "by-code/restore/": {"post"},
    "by-code/history/": {"get"},
    "changes/": {"get"},
    "suggest/": {"get"},
}


def test_it_is_in_the_index(client: FlaskClient) -> None:
    resources = ok(client.get("/api/v1/"))["resources"]
    assert resources["warehouse"] == "http://localhost/api/v1/warehouse/"
    assert resources["price-list"] == "http://localhost/api/v1/price-list/"


@pytest.mark.parametrize("resource", [WAREHOUSE, PRICE_LIST], indirect=True, ids=lambda item: item.name)
def test_every_route_is_documented(client: FlaskClient, resource: Resource) -> None:
    document = ok(client.get("/api/schema/"))
    for suffix, methods in ROUTES.items():
        path = f"/api/v1/{resource.name}/" + suffix.replace("%s", resource.code)
        assert methods <= set(document["paths"][path]), path
    parameters = document["paths"][f"/api/v1/{resource.name}/"]["get"]["parameters"]
    names = {parameter["name"] for parameter in parameters if "name" in parameter}
    assert {*resource.all_filters, "search", "ordering", "page", "cursor"} <= names
    assert resource.label in document["components"]["schemas"]


def test_its_clock_starts_by_itself(rows: Catalogue, app: Flask) -> None:
    rows.create()
    rows.create("D")
    rows.delete("D")
    with app.app_context():
        reading = clock.read([rows.resource.name])[rows.resource.name]
    assert (reading.live_rows, bool(reading.epoch)) == (1, True)
    assert reading.tick == rows.changes()["results"][-1]["tick"]


def declare(**changes: Any) -> Resource:
    """The warehouse, declared otherwise."""
    given = {field.name: getattr(WAREHOUSE, field.name) for field in dataclass_fields(WAREHOUSE)}
    return Resource(**{**given, **changes})


class OptionalName(CatalogSchema):
    number = fields.Code(40, required=True)
    name = fields.Text(120)
    address = fields.Text()
    area = fields.Decimals(9, 2)


class OptionalNumber(WarehouseSchema):
    number = fields.Code(40)


class TextNumber(CatalogSchema):
    number = fields.Text(40, required=True)
    name = fields.Text(120, required=True)
    address = fields.Text()
    area = fields.Decimals(9, 2)


class NoColumn(WarehouseSchema):
    height = fields.Integer()


class NoField(CatalogSchema):
    number = fields.Code(40, required=True)
    name = fields.Text(120, required=True)
    area = fields.Decimals(9, 2)


class OtherLength(WarehouseSchema):
    name = fields.Text(121, required=True)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"name": "Ware house"}, "does not fit into a URL"),
        ({"name": "ware/house"}, "does not fit into a URL"),
        ({"name": ""}, "does not fit into a URL"),
        ({"code": "address"}, "'address' must be a required field"),
        ({"code": "unknown"}, "'unknown' must be a required field"),
        ({"code": "name"}, "'name' must be a Code field"),
        ({"schema": OptionalName}, "'name' must be a required field"),
        ({"schema": OptionalNumber}, "'number' must be a required field"),
        ({"schema": TextNumber}, "'number' must be a Code field"),
        ({"schema": NoColumn}, "'height' is no column of Warehouse"),
        ({"schema": NoField}, "column 'address' is missing from NoField"),
        ({"schema": OtherLength}, "'name' has 120 characters in the table"),
        ({"search": ("number", "colour")}, "'colour' is no column"),
        ({"search": ("number",)}, "'name' is not among the searched attributes"),
        ({"exact": ("area",)}, "'area' is not among the searched attributes"),
        ({"ordering": ("colour",)}, "'colour' is no column"),
        ({"filters": ("colour",)}, "filter 'colour' is no field"),
        ({"parent": PRICE_LIST}, "no column 'price-list_id'"),
        ({"example": {"number": "1", "name": "A", "colour": "x"}}, "fields that cannot be written"),
        ({"example": {"number": "1"}}, "the example is not valid: {'name': ['This field is required.']}"),
        ({"example": {"number": "1", "name": "A", "area": "x"}}, "the example is not valid"),
    ],
)
def test_a_wrong_declaration_fails_at_once(changes: dict[str, Any], cause: str) -> None:
    with pytest.raises(DeclarationError) as failure:
        declare(**changes)
    name = changes.get("name", "warehouse")
    assert str(failure.value).startswith(f"resource {name!r}: ")
    assert cause in str(failure.value)


def test_a_missing_part_fails_at_once() -> None:
    given = {field.name: getattr(WAREHOUSE, field.name) for field in dataclass_fields(WAREHOUSE)}
    for part in ("name", "label", "model", "schema", "code", "search", "example"):
        with pytest.raises(TypeError, match=part):
            Resource(**{name: value for name, value in given.items() if name != part})


def test_a_column_that_nobody_declares_fails() -> None:
    class Shed(CatalogRow):
        __tablename__ = "shed"
        metadata = sa.MetaData()

        number: Mapped[str] = mapped_column(sa.String(40))
        name: Mapped[str] = mapped_column(sa.String(120))
        address: Mapped[str | None] = mapped_column(sa.Text)
        area: Mapped[int | None]
        forgotten: Mapped[int | None]

    with pytest.raises(DeclarationError, match="column 'forgotten' is missing from WarehouseSchema"):
        declare(model=Shed)


def test_a_right_declaration_can_be_repeated() -> None:
    assert declare().all_filters.keys() == WAREHOUSE.all_filters.keys()
