"""Every field of every resource: what it takes comes back, what it refuses is refused in DRF's words."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from ecatalog import fields
from ecatalog.nomenklatura.resource import NOMENKLATURA
from ecatalog.resources import RESOURCES
from tests.contract.bodies import extremes, samples, writable, wrong
from tests.contract.catalogue import Catalogue, ok, refused
from tests.contract.extra import EVERY_RESOURCE

REQUIRED = "This field is required."
ENGINE_FIELDS = ["is_active", "is_deleted"]

PROJECT_FIELDS = "code_1c name title description"
CLIENT_FIELDS = """
    client_code_1c name email phone description company_name tax_id registration_number legal_address
    actual_address fax website social_media additional_phones industry business_type employee_count
    annual_revenue established_date payment_terms credit_limit currency city region country postal_code
    latitude longitude contact_person contact_position contact_email contact_phone business_region_code
    business_region_name notes tags rating priority source metadata"""
NOMENKLATURA_FIELDS = """
    code_1c name title description sku article_code barcode vendor_code brand manufacturer model series
    base_price sale_price cost_price currency discount_percent tax_rate stock_quantity min_stock max_stock
    unit_of_measure weight volume dimensions category subcategory tags color size material warranty_period
    expiry_date production_date roditel supplier country_code country notes rating popularity_score
    seo_keywords source metadata"""
SHOWN = {"project": PROJECT_FIELDS, "client": CLIENT_FIELDS, "nomenklatura": NOMENKLATURA_FIELDS}


def table(text: str) -> dict[str, str]:
    """``"name 255, title 255"`` as a dictionary."""
    pairs = (entry.rsplit(maxsplit=1) for entry in text.split(",") if entry.strip())
    return {name.strip(): size for name, size in pairs}


LENGTHS = {
    "project": "code_1c 255, name 255, title 255",
    "client": """client_code_1c 100, name 255, phone 100, company_name 255, tax_id 50,
        registration_number 100, fax 50, industry 150, business_type 100, payment_terms 255, currency 10,
        city 100, region 100, country 100, postal_code 20, contact_person 150, contact_position 100,
        contact_phone 100, business_region_code 100, business_region_name 255, source 100""",
    "nomenklatura": """code_1c 255, name 255, title 255, sku 100, article_code 100, barcode 100,
        vendor_code 100, brand 150, manufacturer 200, model 150, series 150, currency 10, unit_of_measure 50,
        dimensions 100, category 150, subcategory 150, color 100, size 100, material 200, roditel 255,
        supplier 255, country_code 10, country 150, seo_keywords 500, source 100""",
}
DECIMALS = {
    "project": "",
    "client": "annual_revenue 15.2, credit_limit 15.2, latitude 9.6, longitude 9.6, rating 3.2",
    "nomenklatura": """base_price 15.2, sale_price 15.2, cost_price 15.2, discount_percent 5.2, tax_rate 5.2,
        stock_quantity 15.3, min_stock 15.3, max_stock 15.3, weight 10.3, volume 10.3, rating 3.2""",
}
LARGEST = {
    "client": {"rating": 5, "priority": 100},
    "nomenklatura": {"rating": 5, "popularity_score": 100, "discount_percent": 100, "tax_rate": 100},
}
DESCRIBED = tuple(resource for resource in EVERY_RESOURCE if "description" in resource.fields)
DEFAULTS = {
    "client": {"currency": "UZS", "country": "Uzbekistan"},
    "nomenklatura": {"currency": "UZS"},
}


@pytest.mark.parametrize("resource", RESOURCES, indirect=True, ids=lambda resource: resource.name)
def test_the_fields_of_the_contract(rows: Catalogue) -> None:
    row = rows.create()
    own = SHOWN[rows.resource.name].split()
    link = ["project"] if rows.resource.parent else []
    assert list(row) == ["id", *own, *ENGINE_FIELDS, *link, "images", "created_at", "updated_at"]


@pytest.mark.parametrize("declared", RESOURCES, ids=lambda resource: resource.name)
def test_sizes_of_the_contract(declared: Any) -> None:
    texts = (fields.Email, fields.Url, fields.RichText)
    by_name = {field.data_key or name: field for name, field in declared.fields.items()}
    lengths = {
        name: field.max_length
        for name, field in by_name.items()
        if isinstance(field, fields.Text)
        and not isinstance(field, texts)
        and field.max_length != fields.MAX_TEXT_CHARACTERS
    }
    assert lengths == {name: int(size) for name, size in table(LENGTHS[declared.name]).items()}
    decimals = {
        name: f"{field.digits}.{field.places}"
        for name, field in by_name.items()
        if isinstance(field, fields.Decimals)
    }
    assert decimals == table(DECIMALS[declared.name])
    for name, maximum in LARGEST.get(declared.name, {}).items():
        assert (by_name[name].minimum, by_name[name].maximum) == (0, maximum)


def test_defaults(rows: Catalogue) -> None:
    row = rows.create()
    expected: dict[str, Any] = {"is_active": True, "is_deleted": False}
    expected |= {nested.name: [] for nested in rows.resource.nested}
    for name, field in writable(rows.resource).items():
        if isinstance(field, fields.JSONObject):
            expected[name] = {}
        elif isinstance(field, fields.JSONList):
            expected[name] = []
        elif name not in ("name", "is_active"):
            expected[name] = DEFAULTS.get(rows.resource.name, {}).get(name)
    if rows.resource.parent:
        expected["project"] = None
    assert {name: row[name] for name in expected} == expected


def test_extremes_come_back(rows: Catalogue) -> None:
    cases = {name: extremes(field) for name, field in writable(rows.resource).items()}
    for turn in range(max(map(len, cases.values()))):
        chosen = {name: pairs[turn % len(pairs)] for name, pairs in cases.items()}
        sent = {name: given for name, (given, _) in chosen.items()}
        expected = {name: answered for name, (_, answered) in chosen.items()}
        row = rows.create(f"E-{turn}", **sent)
        assert {name: row[name] for name in expected} == expected
        assert ok(rows.get(f"E-{turn}")) == row
        assert rows.page()["results"][0] == row


def test_decimals_are_strings(client: FlaskClient, editor: dict[str, str]) -> None:
    rows = Catalogue(client, NOMENKLATURA, editor)
    for sent, price, stock in (
        (12000, "12000.00", "12000.00"),
        ("12.5", "12.50", "12.50"),
        (0, "0.00", "0.00"),
        ("-0.01", "-0.01", "-0.01"),
    ):
        row = rows.create(base_price=sent, stock_quantity=sent)
        assert (row["base_price"], row["stock_quantity"]) == (price, stock)
    assert rows.create(stock_quantity="12.345")["stock_quantity"] == "12.345"
    assert rows.create(base_price="9999999999999.99")["base_price"] == "9999999999999.99"
    assert rows.create(base_price=0.1)["base_price"] == "0.10"


def test_patch_and_put_write_every_field(rows: Catalogue) -> None:
    pairs = {name: samples(field) for name, field in writable(rows.resource).items()}
    rows.create("P", **{name: second for name, (_, second) in pairs.items()})
    for name, (first, second) in pairs.items():
        before = ok(rows.get("P"))
        assert before[name] == second
        after = ok(rows.patch("P", {name: first}))
        assert after == {**before, name: first, "updated_at": after["updated_at"]}
    put = ok(rows.put("P", {rows.code: "P", **{name: second for name, (_, second) in pairs.items()}}))
    assert {name: put[name] for name in pairs} == {name: second for name, (_, second) in pairs.items()}


def test_wrong_values_are_refused(rows: Catalogue) -> None:
    before = rows.create("W")
    cases = {name: wrong(field) for name, field in writable(rows.resource).items()}
    for turn in range(max(map(len, cases.values()))):
        chosen = {name: pairs[turn % len(pairs)] for name, pairs in cases.items()}
        body = {rows.code: "W", **{name: value for name, (value, _) in chosen.items()}}
        messages = {name: [message] for name, (_, message) in chosen.items()}
        refused(rows.patch("W", body), messages)
        refused(rows.put("W", body), messages)
        refused(rows.post({**body, rows.code: "new"}), messages)
    assert ok(rows.get("W")) == before
    assert rows.page()["count"] == 1


def test_values_out_of_bounds(rows: Catalogue) -> None:
    rows.create("B")
    for name, field in writable(rows.resource).items():
        if not isinstance(field, fields.Decimals):
            continue
        if field.maximum is not None:
            message = f"Ensure this value is less than or equal to {field.maximum}."
            refused(rows.patch("B", {name: f"{field.maximum}.01"}), {name: [message]})
        if field.minimum is not None:
            message = f"Ensure this value is greater than or equal to {field.minimum}."
            refused(rows.patch("B", {name: f"{field.minimum - 1}"}), {name: [message]})


def test_null_and_blank_of_optional_fields_read_as_null(rows: Catalogue) -> None:
    optional = {
        name: field
        for name, field in writable(rows.resource).items()
        if name not in ("name", "is_active") and not isinstance(field, (fields.JSONObject, fields.JSONList))
    }
    full = {name: samples(field)[0] for name, field in optional.items()}
    for nothing in (None, "", "   "):
        row = rows.create(**full)
        emptied = ok(rows.patch(row[rows.code], dict.fromkeys(optional, nothing)))
        assert {name: emptied[name] for name in optional} == dict.fromkeys(optional)
        made = rows.create(**dict.fromkeys(optional, nothing))
        assert {name: made[name] for name in optional} == dict.fromkeys(optional)


def test_null_of_json_fields_reads_as_empty(rows: Catalogue) -> None:
    names: dict[str, Any] = {
        name: field.kind()
        for name, field in writable(rows.resource).items()
        if isinstance(field, (fields.JSONObject, fields.JSONList))
    }
    row = rows.create(**dict.fromkeys(names))
    assert {name: row[name] for name in names} == names


def test_required_fields(rows: Catalogue) -> None:
    both = {rows.code: [REQUIRED], "name": [REQUIRED]}
    refused(rows.post({}), both)
    rows.create("R")
    refused(rows.put("R", {}), both)
    refused(rows.put("R", {rows.code: "R"}), {"name": [REQUIRED]})
    refused(rows.put("R", {"name": "N"}), {rows.code: [REQUIRED]})
    assert rows.patch("R", {}).status_code == 200
    for nothing, message in ((None, "null"), ("", "blank"), ("  ", "blank")):
        expected = [f"This field may not be {message}."]
        refused(rows.post({rows.code: nothing, "name": nothing}), {rows.code: expected, "name": expected})
        refused(rows.patch("R", {"name": nothing}), {"name": expected})
        refused(rows.put("R", {rows.code: "R", "name": nothing}), {"name": expected})


def test_booleans_may_not_be_null(rows: Catalogue) -> None:
    rows.create("B")
    for name in ENGINE_FIELDS:
        refused(rows.patch("B", {name: None}), {name: ["This field may not be null."]})


def test_read_only_and_unknown_fields_are_ignored(rows: Catalogue) -> None:
    read_only = {"id": 999, "created_at": "2001-01-01T00:00:00Z", "updated_at": "x", "images": [1]}
    noise: dict[str, Any] = read_only | {
        "tick": 1,
        "search_text": "x",
        "unknown": {"a": 1},
        "extra": {"a": 1},
    }
    row = rows.create(**noise)
    assert row["id"] != 999
    assert row["created_at"] == row["updated_at"] > "2026"
    assert ("images" in row, row.get("images", [])) == (bool(rows.resource.nested), [])
    assert not {"tick", "search_text", "unknown", "extra"} & set(row)
    assert ok(rows.patch(row[rows.code], noise)) == row
    assert rows.history(row[rows.code])[0]["action"] == "create"


SANITISED = [
    ("<p>Яхши</p><script>alert(1)</script>", "<p>Яхши</p>"),
    ('<b onclick="alert(1)">x</b>', "<b>x</b>"),
    ('<img src="x" onerror="alert(1)">', '<img src="x">'),
    ("<iframe src='https://example.com'></iframe>x", "x"),
    ("<style>*{display:none}</style>x", "x"),
    ("<script>alert(1)</script>", None),
    ("<svg><script>alert(1)</script></svg>x", "x"),
]
RUNS = [
    '<a href="javascript:alert(1)">x</a>',
    '<a href="JaVaScRiPt:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href="java\tscript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<p style="background:url(javascript:alert(1))">x</p>',
]


@pytest.mark.parametrize("resource", DESCRIBED, indirect=True, ids=lambda resource: resource.name)
def test_description_is_sanitised(rows: Catalogue) -> None:
    for number, (given, kept) in enumerate(SANITISED):
        code = f"D-{number}"
        assert rows.create(code, description=given)["description"] == kept
        rows.patch(code, {"description": "plain"})
        assert ok(rows.patch(code, {"description": given}))["description"] == kept
        put = {rows.code: code, "name": "N", "description": given}
        rows.patch(code, {"description": "plain"})
        assert ok(rows.put(code, put))["description"] == kept


def test_description_keeps_no_address_that_runs(projects: Catalogue) -> None:
    for given in RUNS:
        kept = projects.create(description=given)["description"].lower()
        assert "script" not in kept
        assert "data:" not in kept
        assert "x" in kept


@pytest.mark.parametrize("given", ["<b><table>" * 20_000, "<" * 100_000, "<b><i>" * 2_501])
def test_description_of_tags_without_number_is_refused_at_once(projects: Catalogue, given: str) -> None:
    begun = time.process_time()
    answer = projects.post(projects.body(description=given))
    assert time.process_time() - begun < 1
    assert answer.status_code == 400
    assert list(answer.get_json()) == ["description"]
    assert projects.post(projects.body(description="<b><i>x" * 1_000)).status_code == 201
