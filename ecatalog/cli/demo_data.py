"""The demo catalogue: the same believable rows on every machine, made from a fixed seed.

Rows are mappings of the field names and value forms that the API takes on writing (decimals and dates as
text, ``project`` as its code), without the fields that have nothing to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ecatalog.cli import demo_clients as clients
from ecatalog.cli import demo_items as items

SEED = 478

Row = dict[str, Any]


def demo_projects() -> list[Row]:
    """The three projects: building materials, food, household goods."""
    return [
        {
            "code_1c": "00-000001",
            "name": "Qurilish mollari savdosi",
            "title": "Строительные материалы оптом и в розницу",
            "description": "<p>Sementdan elektr mollarigacha: <strong>usta va korxonalar</strong> uchun.</p>",
            "is_active": True,
        },
        {
            "code_1c": "НФ-000002",
            "name": "Озиқ-овқат улгуржи савдоси",
            "title": "Oziq-ovqat mahsulotlari",
            "description": "Дўконлар, ошхоналар ва чойхоналар учун озиқ-овқат маҳсулотлари.",
            "is_active": True,
        },
        {
            "code_1c": "УТ/03",
            "name": "Товары для дома и быта",
            "title": "Uy-roʻzgʻor buyumlari",
            "description": "Бытовая химия, посуда, текстиль и техника для дома.",
            "is_active": True,
        },
    ]


def demo_clients(projects: Sequence[Row], seed: int = SEED) -> list[Row]:
    """500 clients of these projects; a few belong to none."""
    return clients.demo_clients(projects, seed)


def demo_items(projects: Sequence[Row], seed: int = SEED) -> list[Row]:
    """2,000 items of these (three) projects; a few belong to none."""
    return items.demo_items(projects, seed)
