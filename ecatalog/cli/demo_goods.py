"""What the demo catalogue sells: families of goods whose types, sizes, colours and brands make the items."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Variant:
    """One type or size: its label, what it does to the price, and its weight in kg where it tells one."""

    label: str
    price_factor: Decimal
    weight: Decimal | None


@dataclass(frozen=True)
class Goods:
    """A family of goods.

    ``types`` and ``sizes`` are written ``label=price factor/kg | label …`` (factor 1 and no weight when left
    out), ``colours`` and ``tags`` as ``one | two``; ``price`` is in soʻm for factor 1.
    """

    kind: str
    title: str
    category: str
    unit: str
    price: int
    types: str
    sizes: str
    colours: str = ""
    material: str = ""
    tags: str = ""
    shelf_days: int = 0
    warranty_months: int = 0


@dataclass(frozen=True)
class Range:
    """The goods of one project: the 1C group above them, their brands, and a text for descriptions."""

    group: str
    brands: tuple[str, ...]
    goods: tuple[Goods, ...]
    remarks: tuple[str, ...]


def variants(text: str) -> tuple[Variant, ...]:
    """Read ``label=price factor/kg | …``; an empty text is one variant without a label."""
    return tuple(_variant(part.strip()) for part in text.split("|"))


def _variant(part: str) -> Variant:
    label, _, numbers = part.partition("=")
    factor, _, weight = numbers.partition("/")
    return Variant(label.strip(), Decimal(factor or 1), Decimal(weight) if weight else None)


def words(text: str) -> tuple[str, ...]:
    """Read ``one | two``; an empty text has no words."""
    return tuple(part.strip() for part in text.split("|")) if text else ()
