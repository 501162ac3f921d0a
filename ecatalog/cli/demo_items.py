"""The items of the demo catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ecatalog.cli.demo_goods import Goods, Range, Variant, variants, words
from ecatalog.cli.demo_goods_building import BUILDING
from ecatalog.cli.demo_goods_food import FOOD
from ecatalog.cli.demo_goods_household import HOUSEHOLD
from ecatalog.cli.demo_random import Draw

Row = dict[str, Any]

RANGES = (BUILDING, FOOD, HOUSEHOLD)
ITEMS_OF_PROJECT = (800, 700, 460)
ITEMS_WITHOUT_PROJECT = 40

# A fixed day instead of today: the same seed must give the same rows next year.
LAST_PRODUCTION_DAY = date(2026, 6, 1)

# Sold by the running measure: stock may be a fraction, and there is no package to measure.
MEASURED_UNITS = ("kg", "кг", "m²", "м²", "m³", "м", "метр")

BRAND_FACTORS = ("1", "0.92", "1.08", "0.97", "1.15", "0.88")
COUNTRIES = (("UZ", "Oʻzbekiston"),) * 7 + (
    ("RU", "Россия"),
    ("TR", "Turkiya"),
    ("CN", "Xitoy"),
    ("KZ", "Қозоғистон"),
)
SERIES = ("Standart", "Premium", "Eko", "Профи", "Комфорт", "Классик", "Уста")


def demo_items(projects: Sequence[Row], seed: int) -> list[Row]:
    """2,000 items as a client of the API would write them, in no particular order; 40 have no project."""
    draw = Draw(seed)
    rows: list[Row] = []
    for number, (stock_range, project) in enumerate(zip(RANGES, projects, strict=True)):
        maker = _Maker(draw, stock_range, str(project["code_1c"]), number)
        rows.extend(maker.rows(ITEMS_OF_PROJECT[number]))
    rows.extend(_Maker(draw, HOUSEHOLD, None, len(RANGES)).rows(ITEMS_WITHOUT_PROJECT))
    _share_codes(rows)
    _set_barcodes(rows, draw)
    return draw.some(rows, len(rows))


def barcode(body: str) -> str:
    """The EAN-13 of twelve digits: the thirteenth makes the weighted sum a multiple of ten."""
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return f"{body}{-weighted % 10}"


@dataclass(frozen=True)
class _Article:
    """One item of a family, chosen but not yet written down."""

    goods: Goods
    type: Variant
    size: Variant
    colour: str
    brand: str
    brand_number: int

    @property
    def name(self) -> str:
        words_in_order = (self.goods.kind, self.type.label, self.colour, f"«{self.brand}»", self.size.label)
        return " ".join(word for word in words_in_order if word)

    @property
    def price(self) -> int:
        """soʻm, rounded as price tags are."""
        exact = self.goods.price * self.type.price_factor * self.size.price_factor
        return round_price(exact * Decimal(BRAND_FACTORS[self.brand_number]))


def round_price(exact: Decimal) -> int:
    """To 100 soʻm, and to 500 or 1,000 where the price is higher."""
    step = 100 if exact < 20_000 else 500 if exact < 100_000 else 1_000
    return max(step, int(exact / step + Decimal("0.5")) * step)


class _Maker:
    """Makes the items of one project."""

    def __init__(self, draw: Draw, stock_range: Range, project: str | None, number: int) -> None:
        self.draw = draw
        self.range = stock_range
        self.project = project
        self.number = number

    def rows(self, count: int) -> Iterator[Row]:
        """``count`` items, the families taking turns evenly."""
        families = self.range.goods
        share, rest = divmod(count, len(families))
        serial = 0
        for position, goods in enumerate(families):
            for article in self._articles(goods, share + (position < rest)):
                serial += 1
                yield self._row(article, serial)

    def _articles(self, goods: Goods, count: int) -> list[_Article]:
        every = [
            _Article(goods, kind, size, colour, brand, brand_number)
            for kind in variants(goods.types)
            for size in variants(goods.sizes)
            for colour in words(goods.colours) or ("",)
            for brand_number, brand in enumerate(self.range.brands)
        ]
        return self.draw.some(every, count)

    def _row(self, article: _Article, serial: int) -> Row:
        row: Row = {"code_1c": self._code(serial), "name": article.name, "project": self.project}
        row |= self._description(article)
        row |= self._identity(article, serial)
        row |= self._prices(article)
        row |= self._stock(article.goods)
        row |= self._measures(article)
        row |= self._dates(article.goods)
        row |= self._labels(article)
        return {key: value for key, value in row.items() if value is not None}

    def _code(self, serial: int) -> str:
        """As 1C writes codes: mostly a prefix and padded digits, now and then something older."""
        if serial % 97 == 0:
            return f"СТ/{serial:04d}"
        if serial % 89 == 0:
            return f"{self.range.goods[0].kind[:1]} {serial} / {self.number + 1}"
        if serial % 83 == 0:
            return f"{serial:07d}"
        if serial % 79 == 0:
            return f"№{serial}#{self.number + 1}"
        prefix, width = (("00-", 8), ("НФ-", 6), ("УТ-", 8), ("БП-", 6))[self.number]
        return f"{prefix}{serial:0{width}d}"

    def _description(self, article: _Article) -> Row:
        draw = self.draw
        goods = article.goods
        title = f"{goods.title} «{article.brand}» {article.size.label}" if draw.chance(0.8) else None
        if draw.chance(0.3):
            return {"title": title, "description": None}
        remarks = draw.some(self.range.remarks, 2)
        if draw.chance(0.2):
            points = "".join(f"<li>{remark}</li>" for remark in remarks)
            return {"title": title, "description": f"<p><strong>{article.name}</strong></p><ul>{points}</ul>"}
        return {"title": title, "description": f"{article.name}. {remarks[0]}"}

    def _identity(self, article: _Article, serial: int) -> Row:
        draw = self.draw
        country_code, country = draw.one(COUNTRIES)
        sku = f"{'BFHX'[self.number]}{serial:05d}-{draw.digits(2)}"
        maker = f"«{article.brand}» MChJ" if country_code == "UZ" else f"{article.brand} Group"
        has_model = article.goods.warranty_months > 0
        return {
            "sku": sku if draw.chance(0.95) else None,
            "article_code": f"{draw.digits(4)}-{draw.digits(3)}" if draw.chance(0.85) else None,
            "vendor_code": f"V{draw.digits(6)}" if draw.chance(0.5) else None,
            "brand": article.brand,
            "manufacturer": maker if draw.chance(0.85) else None,
            "model": f"{draw.one('ABDKMT')}{draw.one('LNRSX')}-{draw.between(100, 990)}"
            if has_model
            else None,
            "series": draw.one(SERIES) if draw.chance(0.3) else None,
            "country_code": country_code,
            "country": country,
        }

    def _prices(self, article: _Article) -> Row:
        """Money in soʻm; 4 % of the items wait for their price."""
        draw = self.draw
        row: Row = {"currency": "UZS", "tax_rate": "12.00"}
        if draw.chance(0.04):
            return row
        discount = draw.one((5, 10, 15, 20, 30)) if draw.chance(0.18) else 0
        sale = round_price(Decimal(article.price * (100 - discount)) / 100)
        cost = round_price(Decimal(article.price * draw.between(58, 68)) / 100)
        row |= {
            "base_price": f"{article.price}.00",
            "sale_price": f"{sale}.00",
            "discount_percent": f"{discount}.00",
        }
        row["cost_price"] = f"{cost}.00" if draw.chance(0.9) else None
        return row

    def _stock(self, goods: Goods) -> Row:
        """Nothing known for 5 % of the items, and nothing left of 12 %."""
        draw = self.draw
        row: Row = {"unit_of_measure": goods.unit}
        if draw.chance(0.05):
            return row
        least = draw.one((5, 10, 20, 50))
        most = least * draw.one((10, 20, 40))
        quantity = 0 if draw.chance(0.12) else draw.between(1, most)
        part = draw.one(("000", "250", "500", "750")) if quantity and goods.unit in MEASURED_UNITS else "000"
        row |= {
            "stock_quantity": f"{quantity}.{part}",
            "min_stock": f"{least}.000",
            "max_stock": f"{most}.000",
        }
        return row

    def _measures(self, article: _Article) -> Row:
        label, weight = article.size.label, article.size.weight
        row: Row = {
            "size": label if any(character.isdigit() for character in label) else None,
            "color": article.colour or None,
            "material": article.goods.material or None,
        }
        if weight is None:
            return row
        row["weight"] = f"{weight:.3f}"
        if article.goods.unit not in MEASURED_UNITS and self.draw.chance(0.7):
            length, width, height = _package(weight)
            row["dimensions"] = f"{length}×{width}×{height} sm"
            row["volume"] = f"{Decimal(length * width * height) / 1_000_000:.3f}"  # m³
        return row

    def _dates(self, goods: Goods) -> Row:
        row: Row = {"warranty_period": goods.warranty_months or None}
        if goods.shelf_days and self.draw.chance(0.9):
            produced = LAST_PRODUCTION_DAY - timedelta(days=self.draw.between(0, 300))
            row["production_date"] = produced.isoformat()
            row["expiry_date"] = (produced + timedelta(days=goods.shelf_days)).isoformat()
        return row

    def _labels(self, article: _Article) -> Row:
        draw = self.draw
        goods = article.goods
        tags = list(words(goods.tags))
        tags += [tag for tag, share in (("yangi", 0.1), ("xit", 0.08), ("оптом", 0.1)) if draw.chance(share)]
        return {
            "category": goods.category,
            "subcategory": goods.kind,
            "roditel": f"{self.range.group} / {goods.category}" if draw.chance(0.9) else None,
            "supplier": f"«{draw.one(self.range.brands)} Savdo» MChJ" if draw.chance(0.7) else None,
            "tags": tags,
            "rating": f"{draw.between(25, 50) / 10:.2f}" if draw.chance(0.6) else None,
            "popularity_score": draw.between(0, 100) if draw.chance(0.7) else None,
            "seo_keywords": f"{goods.kind}, {goods.title}, {article.brand}".lower()
            if draw.chance(0.4)
            else None,
            "source": draw.one(("1C", "1C", "1C", "Excel")),
            "notes": "Narxi kelishiladi." if draw.chance(0.03) else None,
            "metadata": {"shelf": f"{draw.one('ABCD')}-{draw.between(1, 40)}"} if draw.chance(0.3) else None,
            "is_active": not draw.chance(0.06),
        }


def _package(weight: Decimal) -> tuple[int, int, int]:
    """Length, width and height in cm of a believable box for ``weight`` kg (about 2 cm³ a gram)."""
    edge = 1
    while edge**3 < weight * 2000:
        edge += 1
    return edge + edge // 2, edge, max(1, edge - edge // 3)


def _share_codes(rows: list[Row]) -> None:
    """Give a few items of the other projects a code that the first project has as well."""
    first = rows[: ITEMS_OF_PROJECT[0]]
    others = rows[ITEMS_OF_PROJECT[0] :]
    for position, row in enumerate(others[59::60]):
        row["code_1c"] = first[position * 7]["code_1c"]


def _set_barcodes(rows: list[Row], draw: Draw) -> None:
    """Different barcodes of Uzbekistan's prefix 478 for nine items of ten."""
    used: set[str] = set()
    for row in rows:
        body = f"478{draw.digits(9)}"
        if body not in used and draw.chance(0.9):
            used.add(body)
            row["barcode"] = barcode(body)
