"""Values that strangers send: every one is answered with a 400 that names its parameter, or taken exactly."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ecatalog.catalog.resource import Resource
from ecatalog.nomenklatura.resource import NOMENKLATURA
from tests.contract.catalogue import Catalogue, ok, refused


@pytest.fixture
def items(rows: Catalogue) -> Catalogue:
    """The calls of `rows`, for items."""
    return Catalogue(rows.client, NOMENKLATURA, rows.headers)


@pytest.fixture
def resource() -> Resource:
    return NOMENKLATURA


@pytest.mark.parametrize("value", ["1e999999999", "-1e999999999", "1E+400", "9" * 900])
@pytest.mark.parametrize("name", ["price_min", "price_max", "stock_min", "base_price"])
def test_numbers_beyond_all_bounds(items: Catalogue, name: str, value: str) -> None:
    answer = items.call("GET", items.base, query_string={name: value})
    assert answer.status_code == 400
    assert list(answer.get_json()) == [name]
    if name == "base_price":
        assert items.post(items.body(base_price=value)).status_code == 400


@pytest.mark.parametrize("value", ["1e-999999999", "0.0000001"])
def test_numbers_too_fine_are_not_rounded(items: Catalogue, value: str) -> None:
    refused(
        items.post(items.body(base_price=value)),
        {"base_price": ["Ensure that there are no more than 2 decimal places."]},
    )


@pytest.mark.parametrize("value", ["1_2", "１２", "१२", "Infinity", "sNaN", "0x10", "1e", ".", "1 2", "--1"])
def test_what_nobody_means_by_a_number(items: Catalogue, value: str) -> None:
    refused(items.post(items.body(base_price=value)), {"base_price": ["A valid number is required."]})


@pytest.mark.parametrize("value", ["12", " 12 ", "+12", "12.", "12.00", "1.2e1", "120E-1", 12, 12.0])
def test_ways_to_write_a_number(items: Catalogue, value: Any) -> None:
    assert items.create("N", base_price=value)["base_price"] == "12.00"


@pytest.mark.parametrize("value", ["-0", "-0.00", "0e999999", "0e-999999"])
def test_there_is_one_zero(items: Catalogue, value: str) -> None:
    made = items.create("Z", base_price=value)
    assert made["base_price"] == "0.00"
    assert ok(items.get("Z"))["base_price"] == "0.00"


def cursor(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("ordering", "values"),
    [
        ("", ["-created_at,-id", "0001-01-01T00:00:00+14:00", 5]),
        ("", ["-created_at,-id", "9999-12-31T23:59:59-14:00", 5]),
        ("", ["-created_at,-id", "2026-01-01T00:00:00", 5]),
        ("", ["-created_at,-id", "2026-01-01T00:00:00Z", 2**63]),
        ("base_price", ["base_price,id", "1e17", 5]),
        ("base_price", ["base_price,id", "-1e-999999", 5]),
        ("base_price", ["base_price,id", "NaN", 5]),
        ("stock_quantity", ["stock_quantity,id", "123456789012345678", 5]),
        ("warranty_period", ["warranty_period,id", 1099511627776, 5]),
        ("name", ["name,id", "a\x00b", 5]),
        ("name", ["name,id", {"$gt": ""}, 5]),
        ("name", ["name,id", "x", True]),
    ],
)
def test_forged_cursors(items: Catalogue, ordering: str, values: list[Any]) -> None:
    query = {"cursor": cursor(False, *values), "ordering": ordering}
    refused(items.call("GET", items.base, query_string=query), {"cursor": ["Invalid cursor."]})


def test_every_word_counts_or_is_refused(items: Catalogue) -> None:
    items.create("W", name=" ".join(f"w{number}" for number in range(32)))
    found = " ".join(f"w{number}" for number in range(31))
    assert items.codes(search=found) == ["W"]
    assert items.codes(search=f"{found} nosuchword") == []
    answer = items.call("GET", items.base, query_string={"search": f"{found} one more"})
    refused(answer, {"search": ["Ensure this field has no more than 32 words."]})


@pytest.mark.parametrize("name", ["… İSTANBUL …", "ΣΊΣΥΦΟΣ", "Тошкент ШАҲРИ", "100% a_b/c"])
def test_a_name_is_found_by_itself(items: Catalogue, name: str) -> None:
    items.create("S", name=name)
    assert items.codes(name_contains=name) == ["S"]


def test_a_cursor_from_the_future_is_gone(items: Catalogue) -> None:
    items.create("F")
    told = items.changes()["next"]
    epoch, tick, row_id = json.loads(base64.urlsafe_b64decode(told + "=" * (-len(told) % 4)))
    query = {"since": cursor(epoch, tick + 10**15, row_id)}
    assert items.call("GET", f"{items.base}changes/", query_string=query).status_code == 410


def test_restore_finds_the_deleted_row_among_live_ones(items: Catalogue, projects: Catalogue) -> None:
    for code in ("RA", "RB"):
        projects.create(code)
        items.create("dup", project=code)
    items.delete("dup", query_string={"project": "RB"})
    answer = items.post(items.body("dup", project="RB"))
    assert answer.status_code == 400
    told = answer.get_json()["code_1c"][0].partition("POST ")[2]
    assert ok(items.restore("dup"))["project"]["code_1c"] == "RB"
    items.delete("dup", query_string={"project": "RB"})
    assert ok(items.call("POST", told))["project"]["code_1c"] == "RB"


@pytest.mark.parametrize("code", ["/edge/", "#x?y=z&q", "bulk", "a b/№"])
def test_the_way_to_restore_that_is_told_works(items: Catalogue, code: str) -> None:
    items.create(code)
    items.by_code("DELETE", code)
    told = items.post(items.body(code)).get_json()["code_1c"][0].partition("POST ")[2]
    assert ok(items.call("POST", told))["code_1c"] == code


@pytest.mark.parametrize("code", ["a\u200bb", "\u202e", "\u00ad", "a\ufffe", "\u2028x\u2028y"])
def test_invisible_characters_are_no_code(items: Catalogue, code: str) -> None:
    assert list(items.post(items.body(code)).get_json()) == ["code_1c"]
