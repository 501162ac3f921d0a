"""Headers and cells: which column is which field, and what a cell means for it."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow.fields import Field

from ecatalog import fields
from ecatalog.client.resource import CLIENT
from ecatalog.nomenklatura.resource import NOMENKLATURA
from ecatalog.resources import RESOURCES
from ecatalog.transfer.cells import CellError, converter
from ecatalog.transfer.columns import api_fields, has_code, known_headers, read_header
from ecatalog.transfer.rows import SourceError
from ecatalog.transfer.table import Table

PRICE, STOCK, COUNT = fields.Decimals(15, 2), fields.Decimals(15, 3), fields.Integer()
CODE, NOTES, DAY, FLAG = fields.Code(255, required=True), fields.Text(), fields.Date(), fields.Boolean()
TAGS, EXTRA = fields.JSONList(), fields.JSONObject()


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        # codes and other texts
        (CODE, "007", "007"),
        (CODE, 4780001234567.0, "4780001234567"),
        (CODE, 7, "7"),
        (CODE, 1.5, "1.5"),
        (CODE, 0.1 + 0.2, "0.3"),
        (CODE, 0.00001, "0.00001"),
        (CODE, 999999999999999.0, "999999999999999"),
        (CODE, -0.0, "0"),
        (NOTES, {"date": "2026-01-31"}, "2026-01-31"),
        (NOTES, {"date": "2026-01-31T10:30:00"}, "2026-01-31T10:30:00"),
        (NOTES, {"time": "10:30:00"}, "10:30:00"),
        # numbers
        (PRICE, 12000.0, 12000),
        (PRICE, 0.1 + 0.2, "0.3"),
        (PRICE, 1234567890123.45, "1234567890123.45"),
        (PRICE, "12000.50", "12000.50"),
        (PRICE, "12 000,50", "12000.50"),
        (PRICE, "12\u00a0000,50", "12000.50"),
        (PRICE, "1\u202f234\u202f567", "1234567"),
        (PRICE, "12'000.50", "12000.50"),
        (PRICE, "12,000.50", "12000.50"),
        (PRICE, "12.000,50", "12000.50"),
        (PRICE, "1,234,567", "1234567"),
        (PRICE, "1.234.567", "1234567"),
        (PRICE, "−5,5", "-5.5"),
        (PRICE, " 5 ", "5"),
        (PRICE, "0,125", "0.125"),
        (STOCK, "12,125", "12.125"),
        (COUNT, 12.0, 12),
        (COUNT, "12 000", "12000"),
        # not numbers: left for the schema to refuse
        (PRICE, "1 2", "1 2"),
        (PRICE, "12 сум", "12 сум"),
        (PRICE, "1,2,3", "1,2,3"),
        # dates
        (DAY, {"date": "2026-01-31"}, "2026-01-31"),
        (DAY, {"date": "2026-01-31T10:00:00"}, "2026-01-31"),
        (DAY, "31.01.2026", "2026-01-31"),
        (DAY, "31.01.2026 0:00:00", "2026-01-31"),
        (DAY, "2026-01-31", "2026-01-31"),
        (DAY, "2026-01-31T00:00:00", "2026-01-31"),
        (DAY, "01/02/2026", "01/02/2026"),
        # JSON
        (TAGS, '["a", 1]', ["a", 1]),
        (TAGS, "a, b ,, c", ["a", "b", "c"]),
        (TAGS, 12.0, ["12"]),
        (EXTRA, '{"a": [1]}', {"a": [1]}),
    ],
)
def test_cells(field: Field[Any], cell: Any, value: Any) -> None:
    found = converter(field)(cell)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    "word", ["ha", "Ha", "ДА", "true", "TRUE", "1", "yes", "+", " да ", True, 1.0, "истина"]
)
def test_yes(word: Any) -> None:
    assert FLAG.deserialize(converter(FLAG)(word)) is True


@pytest.mark.parametrize(
    "word", ["yo'q", "yoʻq", "yo‘q", "YO’Q", "нет", "false", "0", "no", "-", False, 0.0, "ложь"]
)
def test_no(word: Any) -> None:
    assert FLAG.deserialize(converter(FLAG)(word)) is False


@pytest.mark.parametrize(
    ("field", "cell", "message"),
    [
        (PRICE, {"error": ""}, "#N/A"),
        (CODE, {"error": ""}, "#N/A"),
        (TAGS, {"error": ""}, "#N/A"),
        (CODE, {"date": "2026-05-12"}, "holds a date"),
        (CODE, {"time": "10:30:00"}, "holds a date"),
        (CODE, 12345678901234567.0, "15 digits"),
        (CODE, {"long": 10_000_000}, "no more than 255 characters"),
        (NOTES, {"long": 10_000_000}, "no more than 100000 characters"),
        (PRICE, "12,000", "12 or 12000"),
        (PRICE, "12,500", "12.5 or 12500"),
        (COUNT, "1,000", "1 or 1000"),
        (TAGS, "[1,", "valid JSON"),
        (EXTRA, "a: b", "valid JSON"),
    ],
)
def test_cells_that_mean_nothing(field: Field[Any], cell: Any, message: str) -> None:
    with pytest.raises(CellError, match=message):
        converter(field)(cell)


def names(header: list[Any]) -> dict[str, int]:
    return {column.name: column.position for column in read_header(NOMENKLATURA, header).columns}


def test_headers_in_any_order_case_and_spelling() -> None:
    assert names([" NAME ", "Base Price", "CODE_1C", "stock_quantity*", "Tags:", "Metadata"]) == {
        "name": 0,
        "base_price": 1,
        "code_1c": 2,
        "stock_quantity": 3,
        "tags": 4,
        "metadata": 5,
    }


def test_headers_as_1c_and_people_write_them() -> None:
    russian = [
        "Код",
        "Наименование",
        "Артикул",
        "Штрих-код",
        "Цена",
        "Остаток",
        "Ед. изм.",
        "Объём",
        "Проект",
    ]
    assert list(names(russian)) == [
        *("code_1c", "name", "article_code", "barcode", "base_price", "stock_quantity"),
        *("unit_of_measure", "volume", "project"),
    ]
    uzbek = ["Kod", "Nomi", "Shtrix kod", "Narxi", "Qoldigʻi", "O`lchov birligi", "Loyiha"]
    assert list(names(uzbek)) == [
        *("code_1c", "name", "barcode", "base_price", "stock_quantity", "unit_of_measure", "project"),
    ]
    client = read_header(CLIENT, ["Код контрагента", "ИНН", "Телефон", "Город"])
    assert client.names == ("client_code_1c", "tax_id", "phone", "city")
    assert read_header(CLIENT, ["STIR", "Kod"]).names == ("tax_id", "client_code_1c")


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
def test_no_alias_means_two_fields(resource: Any) -> None:
    known = known_headers(resource)  # raises for an alias of two fields
    assert set(known.values()) == set(api_fields(resource))
    assert known["код"] == known["kod"] == resource.code


def test_headers_that_are_refused() -> None:
    with pytest.raises(SourceError, match=r'"code_1c" is missing\. Columns found: Название, 5'):
        read_header(NOMENKLATURA, ["Название", 5.0, ""])
    with pytest.raises(SourceError, match='"Цена" and "base_price" both hold the field base_price'):
        read_header(NOMENKLATURA, ["Код", "Цена", "base_price"])
    assert not has_code(NOMENKLATURA, ["Название", "Цена"])


def test_an_empty_cell_says_nothing_and_a_missing_column_leaves_all_as_it_is() -> None:
    header = read_header(
        NOMENKLATURA, ["code_1c", "name", "brand", "tags", "project", "is_active", "base_price"]
    )
    row = Table(header).row(["K1", "", "  ", None, "", ""], line=2)
    assert row is not None
    assert row.values == {
        "code_1c": "K1",
        "name": "",  # refused by name: it may not be blank
        "brand": None,
        "tags": None,
        "project": None,
        "base_price": None,
    }
    assert NOMENKLATURA.patch_schema().load({"tags": None}) == {"tags": []}


def test_a_row_with_values_in_ignored_columns_alone_is_no_row() -> None:
    table = Table(read_header(NOMENKLATURA, ["code_1c", "Итого"]))
    assert table.row(["", "17"], line=2) is None
    row = table.row(["1", "17"], line=3)
    assert row is not None and row.index == 0
