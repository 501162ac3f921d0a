"""The demo rows: the same everywhere, valid, and varied enough for every filter to show something."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ecatalog.catalog.resource import Resource
from ecatalog.catalog.schemas import load
from ecatalog.cli.demo_data import SEED, demo_clients, demo_items, demo_projects
from ecatalog.cli.demo_goods import variants
from ecatalog.cli.demo_random import Draw
from ecatalog.cli.demo_words import MOBILE_CODES, PLACES
from ecatalog.resources import RESOURCES

Row = dict[str, Any]

DICE_OF_478 = [6, 6, 1, 1, 3, 1, 4, 6, 6, 4, 5, 1]
PRINT_DIGEST = "from tests.cli.test_demo_data import digest; print(digest())"


@pytest.fixture(scope="module")
def projects() -> list[Row]:
    return demo_projects()


@pytest.fixture(scope="module")
def clients(projects: list[Row]) -> list[Row]:
    return demo_clients(projects)


@pytest.fixture(scope="module")
def items(projects: list[Row]) -> list[Row]:
    return demo_items(projects)


def digest(seed: int = SEED) -> str:
    projects = demo_projects()
    rows = [projects, demo_clients(projects, seed), demo_items(projects, seed)]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def test_there_are_3_projects_500_clients_and_2000_items(
    projects: list[Row], clients: list[Row], items: list[Row]
) -> None:
    assert (len(projects), len(clients), len(items)) == (3, 500, 2000)


def test_the_rows_come_from_the_seed_alone() -> None:
    assert digest() == digest()
    assert digest(SEED + 1) != digest()


@pytest.mark.parametrize("hash_seed", ["0", "1", "4711"])
def test_the_rows_are_the_same_in_another_process(hash_seed: str) -> None:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", PRINT_DIGEST]
    answer = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == digest()


def test_a_draw_keeps_to_the_sequence_that_python_promises() -> None:
    # Written down once: another sequence would mean other demo rows than those people know.
    draw = Draw(478)
    assert [draw.between(1, 6) for _ in range(12)] == DICE_OF_478
    assert sorted(draw.some("abcde", 9)) == list("abcde")


@pytest.mark.parametrize(("rows_of", "code"), [("clients", "client_code_1c"), ("items", "code_1c")])
def test_codes_are_unique_within_a_project_and_some_exist_in_two(
    rows_of: str, code: str, request: pytest.FixtureRequest
) -> None:
    rows: list[Row] = request.getfixturevalue(rows_of)
    projects_of = defaultdict(list)
    for row in rows:
        projects_of[row[code]].append(row.get("project"))
    assert all(len(found) == len(set(found)) for found in projects_of.values())
    assert sum(len(found) == 2 for found in projects_of.values()) >= 5


@pytest.mark.parametrize(("rows_of", "code"), [("clients", "client_code_1c"), ("items", "code_1c")])
def test_codes_look_as_1c_writes_them(rows_of: str, code: str, request: pytest.FixtureRequest) -> None:
    codes = [row[code] for row in request.getfixturevalue(rows_of)]
    for pattern in (r"00-\d{8}", r".*/.*", r".* .*", r"0\d+", r"[А-Я]+.*"):
        assert any(re.fullmatch(pattern, found) for found in codes), pattern
    assert all(found == found.strip() for found in codes)


def test_names_do_not_repeat(clients: list[Row], items: list[Row]) -> None:
    assert len({row["name"] for row in clients}) == 500
    assert len({row["name"] for row in items}) >= 1980


@pytest.mark.parametrize(
    "pattern", ["oʻ|gʻ", "[ўқғҳ]", "[ыэщ]"], ids=["uzbek latin", "uzbek cyrillic", "russian"]
)
def test_every_script_has_its_share(pattern: str, clients: list[Row], items: list[Row]) -> None:
    for rows in (clients, items):
        found = sum(bool(re.search(pattern, json.dumps(row, ensure_ascii=False).lower())) for row in rows)
        assert found >= len(rows) // 20


def test_barcodes_are_valid_and_different(items: list[Row]) -> None:
    barcodes = [row["barcode"] for row in items if "barcode" in row]
    assert len(barcodes) > 1700
    assert len(set(barcodes)) == len(barcodes)
    for barcode in barcodes:
        assert re.fullmatch(r"478\d{10}", barcode)
        odd, even = (sum(int(digit) for digit in barcode[start::2]) for start in (0, 1))
        assert (odd + 3 * even) % 10 == 0, barcode


def test_phones_have_an_operator_and_seven_digits(clients: list[Row]) -> None:
    phones = [phone for row in clients for phone in (row.get("phone"), *row["additional_phones"]) if phone]
    phones += [row["contact_phone"] for row in clients if "contact_phone" in row]
    assert len(phones) > 900
    assert len(set(phones)) == len(phones)
    assert all(re.fullmatch(rf"\+998(?:{'|'.join(MOBILE_CODES)})\d{{7}}", phone) for phone in phones)


def test_tax_ids_have_nine_digits_and_differ(clients: list[Row]) -> None:
    tax_ids = [row["tax_id"] for row in clients if "tax_id" in row]
    assert len(tax_ids) == len(set(tax_ids)) == 430
    assert all(re.fullmatch(r"[2-6]\d{8}", tax_id) for tax_id in tax_ids)


def test_addresses_reach_nobody(clients: list[Row]) -> None:
    found = [row[key] for row in clients for key in ("email", "contact_email", "website") if key in row]
    assert len(found) > 600
    assert all(re.fullmatch(r"[!-~]*[@/.]example\.(?:com|org)", address) for address in found)


def test_clients_stand_near_their_city(clients: list[Row]) -> None:
    places = {place.city: place for place in PLACES}
    assert {row["city"] for row in clients} == set(places)
    for row in clients:
        place = places[row["city"]]
        assert row["region"] == place.region
        if "latitude" in row:
            assert abs(Decimal(row["latitude"]) - Decimal(place.latitude)) < Decimal("0.05")
            assert abs(Decimal(row["longitude"]) - Decimal(place.longitude)) < Decimal("0.05")


def test_prices_are_plausible(items: list[Row]) -> None:
    for row in (row for row in items if "base_price" in row):
        base, sale = Decimal(row["base_price"]), Decimal(row["sale_price"])
        assert 500 <= base <= 7_000_000, row["name"]
        assert base % 100 == 0
        assert (sale < base) == (row["discount_percent"] != "0.00"), row
        if "cost_price" in row:
            assert Decimal(row["cost_price"]) < sale, row


def test_stock_and_dates_are_plausible(items: list[Row]) -> None:
    for row in items:
        if "stock_quantity" in row:
            assert Decimal(row["min_stock"]) < Decimal(row["max_stock"])
            assert 0 <= Decimal(row["stock_quantity"]) <= Decimal(row["max_stock"]) + 1
        if "expiry_date" in row:
            assert row["production_date"] < row["expiry_date"]


COUNTED: list[tuple[str, Callable[[Row], bool]]] = [
    ("no project", lambda row: "project" not in row),
    ("no description", lambda row: "description" not in row),
    ("markup", lambda row: "<p>" in row.get("description", "")),
    ("no price", lambda row: "base_price" not in row),
    ("discount", lambda row: row.get("discount_percent", "0.00") != "0.00"),
    ("no stock known", lambda row: "stock_quantity" not in row),
    ("sold out", lambda row: row.get("stock_quantity") == "0.000"),
    ("fraction in stock", lambda row: not row.get("stock_quantity", "0.000").endswith("000")),
    ("out of use", lambda row: not row["is_active"]),
    ("without barcode", lambda row: "barcode" not in row),
]


@pytest.mark.parametrize(("what", "holds"), COUNTED, ids=[what for what, _ in COUNTED])
def test_filters_have_something_to_show(what: str, holds: Callable[[Row], bool], items: list[Row]) -> None:
    assert 20 <= sum(map(holds, items)) <= 1000, what


def test_variants_read_factor_and_weight() -> None:
    labels = [(one.label, one.price_factor, one.weight) for one in variants("a | b=1.5 | c d=2/0.25")]
    assert labels == [
        ("a", Decimal(1), None),
        ("b", Decimal("1.5"), None),
        ("c d", Decimal(2), Decimal("0.25")),
    ]


def test_labels_hold_none_of_the_notation(items: list[Row]) -> None:
    assert not [row["name"] for row in items if re.search(r"[=|]|\w/\d", row["name"])]


@pytest.mark.parametrize("resource", RESOURCES, ids=[resource.name for resource in RESOURCES])
def test_every_row_can_be_written_as_it_is(resource: Resource, request: pytest.FixtureRequest) -> None:
    rows_of = {"project": "projects", "client": "clients", "nomenklatura": "items"}
    schema = resource.write_schema()
    for row in request.getfixturevalue(rows_of[resource.name]):
        loaded = load(schema, row)
        assert len(loaded) == len(row), "unknown fields are ignored on writing"
        texts = {key: value for key, value in loaded.items() if isinstance(value, str)}
        assert texts == {
            key: row[key] for key in texts
        }  # nothing trimmed, nothing that sanitising takes away
