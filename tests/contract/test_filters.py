"""Every declared filter of every resource selects what it should, and refuses what is malformed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from ecatalog import fields
from ecatalog.catalog.filter_fields import Moment
from ecatalog.catalog.resource import Resource
from ecatalog.extensions import db
from ecatalog.resources import RESOURCES
from tests.contract.bodies import samples, shown_name
from tests.contract.catalogue import Catalogue, Row, refused

# What every row of a list of the contract can be filtered by, where the resource has the field.
EVERYWHERE = """is_active name_contains code_contains created_from created_to updated_from updated_to
    description_status"""
EXPECTED = {
    "project": "code_1c name",
    "client": "client_code_1c name project project_id email_contains city region",
    "nomenklatura": """code_1c name project project_id brand brand_contains manufacturer price_min price_max
        stock_min stock_max in_stock""",
}
# Filters that are no plain comparison: the values of a row that matches, of one that does not, and the text.
OTHERS: dict[str, list[tuple[Row, Row, str]]] = {
    "name_contains": [
        ({"name": "Қора Шоколад"}, {"name": "Чой"}, "шокол"),
        ({"name": "50% x"}, {"name": "50 x"}, "0%"),
        ({"name": "a_c"}, {"name": "abc"}, "A_C"),
    ],
    "brand_contains": [({"brand": "Ўрмон"}, {"brand": "Дарё"}, "ўРМ"), ({"brand": "Acme"}, {}, "cm")],
    "email_contains": [({"email": "info@EXAMPLE.com"}, {"email": "info@example.uz"}, "example.COM")],
    "address_contains": [({"address": "Тошкент, Чилонзор"}, {"address": "Самарқанд"}, "чилонзор")],
    "price_min": [
        ({"base_price": "10.00"}, {"base_price": "9.99"}, "10"),
        ({"base_price": "10.01"}, {}, "10"),
    ],
    "price_max": [({"base_price": "10.00"}, {"base_price": "10.01"}, "10"), ({"base_price": "-1"}, {}, "10")],
    "stock_min": [({"stock_quantity": "2.500"}, {"stock_quantity": "2.499"}, "2.5")],
    "stock_max": [({"stock_quantity": "2.500"}, {"stock_quantity": "2.501"}, "2.5")],
    "in_stock": [
        ({"stock_quantity": "0.001"}, {"stock_quantity": "0"}, "true"),
        ({"stock_quantity": "1"}, {"stock_quantity": "-1"}, "1"),
        ({"stock_quantity": "1"}, {}, "True"),
        ({"stock_quantity": "0"}, {"stock_quantity": "1"}, "false"),
        ({}, {"stock_quantity": "1"}, "0"),
    ],
    "description_status": [
        ({"description": "x"}, {}, "with"),
        ({"description": "x"}, {"description": ""}, "with"),
        ({}, {"description": "x"}, "without"),
        ({"description": " "}, {"description": "x"}, "without"),
    ],
}
NEVER_NULL = ("name", "is_active")
ELSEWHERE = (
    "code_contains",
    "image_status",  # in tests/images
    "project",
    "project_id",
    "created_from",
    "created_to",
    "updated_from",
    "updated_to",
)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
def test_filters_of_the_contract(resource: Resource) -> None:
    expected = {*EVERYWHERE.split(), *EXPECTED[resource.name].split()}
    assert expected <= set(resource.all_filters)


def test_exact_filters(rows: Catalogue) -> None:
    resource = rows.resource
    names = [name for name in resource.all_filters if name in resource.fields and name != resource.code]
    values = {name: samples(resource.fields[name]) for name in names}
    for turn, code in enumerate(("first", "second")):
        rows.create(code, **{shown_name(resource, name): both[turn] for name, both in values.items()})
    rows.create("nulls", **{shown_name(resource, name): None for name in names if name not in NEVER_NULL})
    for name, (first, second) in values.items():
        neither = name in NEVER_NULL
        assert set(rows.codes(**{name: first})) - {"nulls" if neither else ""} == {"first"}, name
        assert set(rows.codes(**{name: f" {second} "})) - {"nulls" if neither else ""} == {"second"}, name
    assert len(names) >= 2


def test_other_filters(rows: Catalogue) -> None:
    resource = rows.resource
    for name in sorted(set(resource.all_filters) - set(resource.fields) - set(ELSEWHERE)):
        for number, (matching, other, text) in enumerate(OTHERS[name]):
            yes, no = f"{name}-{number}-yes", f"{name}-{number}-no"
            rows.create(yes, **matching)
            rows.create(no, **other)
            page = rows.page(**{name: text, "page_size": 100})
            selected = [row[rows.code] for row in page["results"]]
            assert yes in selected, (name, text)
            assert no not in selected, (name, text)
            assert page["count"] == len(selected)


def test_code(rows: Catalogue) -> None:
    for code in ("АБВ-10%", "абв-100", "ab_1", "abx1"):
        rows.create(code)
    assert rows.codes(**{rows.code: "абв-100"}) == ["абв-100"]
    assert rows.codes(**{rows.code: "абв"}) == []
    assert set(rows.codes(code_contains="АБВ")) == {"АБВ-10%", "абв-100"}
    assert rows.codes(code_contains="10%") == ["АБВ-10%"]
    assert rows.codes(code_contains="B_") == ["ab_1"]


def test_filters_narrow_together(rows: Catalogue) -> None:
    rows.create("A", name="Олма қизил")
    rows.create("B", name="Олма яшил", is_active=False)
    rows.create("C", name="Нок")
    assert rows.codes(name_contains="олма", is_active="false") == ["B"]
    assert rows.codes(name_contains="олма", is_active="true", search="қизил") == ["A"]
    assert rows.codes(name_contains="нок", is_active="false") == []


def test_the_last_of_several_values_counts(rows: Catalogue) -> None:
    rows.create("A", is_active=True)
    rows.create("B", is_active=False)
    answer = rows.call("GET", f"{rows.base}?is_active=true&is_active=false")
    assert [row[rows.code] for row in answer.get_json()["results"]] == ["B"]


def test_project(children: Catalogue, projects: Catalogue) -> None:
    first, second = projects.create("П 1/2"), projects.create("P2")
    children.create("1", project_id=first["id"])
    children.create("2", project_id=second["id"])
    children.create("0")
    assert children.codes(project_id=first["id"]) == children.codes(project="П 1/2") == ["1"]
    assert children.codes(project_id=second["id"]) == children.codes(project="P2") == ["2"]
    assert children.codes(project_id="null") == ["0"]
    assert children.codes(project_id="") == ["0", "2", "1"]
    assert (
        children.codes(project="null") == children.codes(project="p2") == children.codes(project_id=0) == []
    )
    assert children.codes(project_id=first["id"], project="P2") == []
    assert children.page(project_id="null")["count"] == 1


def malformed(resource: Resource, name: str) -> list[tuple[str, str]]:
    """(text, message) of values that a filter must refuse."""
    field = resource.all_filters[name].field
    if isinstance(field, Moment):
        texts = (
            "x",
            "2026-02-30",
            "2026-1-1",
            "10000-01-01",
            "2026-01-01T25:00",
            "12:00",
            "2026-01-01T10:00:00+99:00",
        )
        message = (
            "Date has wrong format. Use one of these formats instead: "
            "YYYY-MM-DD, YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
        )
        return [(text, message) for text in texts]
    if isinstance(field, fields.Choice):
        return [("maybe", '"maybe" is not a valid choice.'), ("WITH", '"WITH" is not a valid choice.')]
    if isinstance(field, fields.Boolean):
        return [(text, "Must be a valid boolean.") for text in ("maybe", "2", "null")]
    if isinstance(field, fields.Integer):
        return [(text, "A valid integer is required.") for text in ("x", "1.5", "1e3", "0x1")]
    if isinstance(field, fields.Decimals):
        return [(text, "A valid number is required.") for text in ("x", "NaN", "Infinity", "1,5")]
    if isinstance(field, fields.Date):
        message = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
        return [(text, message) for text in ("x", "2026-02-30", "10000-01-01", "01.01.2026")]
    return [("a\0b", "Null characters are not allowed.")] if not isinstance(field, fields.Email) else []


def test_malformed_values(rows: Catalogue) -> None:
    for name in rows.resource.all_filters:
        for text, message in malformed(rows.resource, name):
            refused(rows.call("GET", rows.base, query_string={name: text}), {name: [message]})
    together = {"is_active": "maybe", "created_from": "x"}
    assert set(rows.call("GET", rows.base, query_string=together).get_json()) == set(together)


class TestDates:
    """A date is a day in Asia/Tashkent (UTC+5); a timestamp is an instant."""

    @pytest.fixture
    def place(self, app: Flask, rows: Catalogue) -> Callable[[str, datetime], None]:
        """Makes a row that was created and changed at a given instant."""

        def make(code: str, at: datetime) -> None:
            rows.create(code)
            model: Any = rows.resource.model
            statement = sa.update(model).where(getattr(model, rows.code) == code)
            with app.app_context(), db.engine.begin() as connection:
                connection.execute(statement.values(created_at=at, updated_at=at))

        return make

    @pytest.fixture
    def days(self, place: Callable[[str, datetime], None]) -> None:
        """The first and the last instant of 10 March 2026 in Tashkent, and their neighbours."""
        start = datetime(2026, 3, 9, 19, tzinfo=UTC)
        tick = timedelta(microseconds=1)
        place("before", start - tick)
        place("first", start)
        place("last", start + timedelta(days=1) - tick)
        place("after", start + timedelta(days=1))

    @pytest.mark.parametrize("part", ["created", "updated"])
    def test_a_date_is_that_day_in_tashkent(self, rows: Catalogue, days: None, part: str) -> None:
        ordered = {"ordering": "created_at"}
        day = "2026-03-10"
        assert rows.codes(**{f"{part}_from": day, **ordered}) == ["first", "last", "after"]
        assert rows.codes(**{f"{part}_to": day, **ordered}) == ["before", "first", "last"]
        assert rows.codes(**{f"{part}_from": day, f"{part}_to": day, **ordered}) == ["first", "last"]
        assert rows.codes(**{f"{part}_from": "2026-03-11"}) == ["after"]
        assert rows.codes(**{f"{part}_to": "2026-03-09"}) == ["before"]

    def test_timestamps(self, rows: Catalogue, days: None) -> None:
        same = [
            "2026-03-09T19:00:00Z",
            "2026-03-09T19:00:00.000000Z",
            "2026-03-10T00:00:00+05:00",
            "2026-03-10T00:00:00+0500",
            "2026-03-09t19:00z",
            "2026-03-09T15:00:00-04:00",
            "2026-03-10T00:00",
            "2026-03-10 00:00:00",
        ]
        for text in same:
            assert rows.codes(created_from=text, ordering="created_at") == ["first", "last", "after"], text
            assert rows.codes(created_to=text, ordering="created_at") == ["before", "first"], text
        assert rows.codes(created_to="2026-03-09T18:59:59.999999Z") == ["before"]
        assert rows.codes(created_from="2026-03-10T18:59:59.999999Z") == ["after", "last"]

    def test_a_plus_that_is_not_percent_encoded(self, rows: Catalogue, days: None) -> None:
        answer = rows.call("GET", f"{rows.base}?updated_from=2026-03-11T00:00:00+05:00")
        assert [row[rows.code] for row in answer.get_json()["results"]] == ["after"]

    def test_what_a_row_shows_finds_it(self, rows: Catalogue) -> None:
        row = rows.create("A")
        rows.create("B")
        shown = row["created_at"]
        assert rows.codes(created_from=shown, created_to=shown) == ["A"]

    def test_edges_of_the_calendar(self, rows: Catalogue) -> None:
        rows.create("A")
        assert rows.codes(created_from="0001-01-02", created_to="9999-12-30") == ["A"]
        for text in ("0001-01-01", "9999-12-31", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"):
            for name in ("created_from", "created_to"):
                assert rows.call("GET", rows.base, query_string={name: text}).status_code in (200, 400)
