"""The rows that are measured with, and how they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from bench.house import House

Row = dict[str, Any]
LINES_A_BLOCK = 200
FIRST_PRICE, SECOND_PRICE = "12500.50", "13000.00"
MORE = {
    **{name: f"{name} of the item" for name in ("vendor_code", "model", "series", "dimensions", "color")},
    **{name: f"{name} of the item" for name in ("size", "material", "subcategory", "source")},
    **dict.fromkeys(("sale_price", "cost_price", "discount_percent", "tax_rate"), "7.50"),
    **dict.fromkeys(("min_stock", "max_stock", "weight", "volume"), "12.500"),
    "description": "Сутли шоколад, 100 г",
    "notes": "Keep dry",
    "expiry_date": "2027-01-31",
    "production_date": "2026-01-31",
    "warranty_period": 12,
    "country_code": "UZ",
    "currency": "UZS",
    "rating": "4.50",
}


def row(number: int, price: str = FIRST_PRICE, prefix: str = "00") -> Row:
    """An item with 15 filled fields."""
    return {
        "code_1c": f"{prefix}-{number:08d}",
        "name": f"Шоколад молочный с орехом {number} г",
        "title": f"Yongʻoqli sutli shokolad {number}",
        "sku": f"SHK-{number}",
        "article_code": f"A{number % 9973}",
        "barcode": f"478{number:010d}",
        "brand": f"Brand {number % 50}",
        "manufacturer": "Toshkent qandolat fabrikasi",
        "category": "Кондитерские изделия",
        "base_price": price,
        "stock_quantity": f"{number % 1000}.500",
        "unit_of_measure": "dona",
        "supplier": "OOO Поставщик",
        "country": "Oʻzbekiston",
        "roditel": "Озиқ-овқат",
    }


def wide_row(number: int, prefix: str) -> Row:
    """An item with 40 filled fields."""
    return {**row(number, prefix=prefix), **MORE}


def ndjson(rows: list[Row]) -> list[bytes]:
    """A body in blocks, made before anything is measured."""
    starts = range(0, len(rows), LINES_A_BLOCK)
    return [
        b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in rows[at : at + LINES_A_BLOCK])
        for at in starts
    ]


def post_ndjson(house: House, body: list[bytes]) -> dict[str, int]:
    """Bulk upsert over HTTP, streamed; the report."""
    blocks: Iterator[bytes] = iter(body)
    answer = house.session().post(
        f"{house.url}/api/v1/nomenklatura/bulk/",
        data=blocks,
        headers={"Content-Type": "application/x-ndjson"},
        timeout=3600,
    )
    answer.raise_for_status()
    report: dict[str, int] = answer.json()
    return report
