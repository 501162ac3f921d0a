"""Lists: envelope, order, search, and what a page may be asked for."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from ecatalog.resources import RESOURCES
from tests.contract.catalogue import Catalogue, ok, refused

ORDERED = {
    "project": "id code_1c name created_at updated_at is_active title",
    "client": """id client_code_1c name created_at updated_at is_active email phone company_name tax_id city
        region country rating priority credit_limit annual_revenue""",
    "nomenklatura": """id code_1c name created_at updated_at is_active title sku barcode brand manufacturer
        category base_price sale_price stock_quantity rating""",
}
SEARCHED = {
    "project": "code_1c name title",
    "client": "client_code_1c name email phone company_name tax_id contact_person city region",
    "nomenklatura": "code_1c name title sku article_code barcode brand manufacturer model category",
}


def test_empty_list(rows: Catalogue) -> None:
    assert rows.page() == {"count": 0, "next": None, "previous": None, "results": []}
    assert (
        rows.page(page=1)
        == rows.page(page="last")
        == rows.page(cursor="")
        == rows.page(limit=5)
        == rows.page()
    )


def test_newest_first(rows: Catalogue) -> None:
    made = [rows.create() for _ in range(5)]
    page = rows.page()
    assert list(page) == ["count", "next", "previous", "results"]
    assert page["count"] == 5
    assert page["results"] == made[::-1]


def test_equal_times_are_ordered_by_id(rows: Catalogue, app: Flask) -> None:
    import sqlalchemy as sa

    from ecatalog.extensions import db

    made = [rows.create() for _ in range(4)]
    model: Any = rows.resource.model
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.update(model).values(created_at=model.updated_at))
        first = sa.select(sa.func.min(model.created_at)).scalar_subquery()
        connection.execute(sa.update(model).values(created_at=first))
    assert [row["id"] for row in rows.page()["results"]] == [row["id"] for row in made[::-1]]


def test_deleted_rows_are_neither_listed_nor_counted(rows: Catalogue) -> None:
    for code in "ABC":
        rows.create(code)
    rows.delete("B")
    assert (rows.page()["count"], rows.codes()) == (2, ["C", "A"])
    assert (rows.page(name_contains="row")["count"], rows.codes(name_contains="row")) == (2, ["C", "A"])
    assert rows.codes(search="B") == []
    assert rows.codes(**{rows.code: "B"}) == []


def test_addresses_are_absolute_and_keep_the_query(rows: Catalogue) -> None:
    for number in range(3):
        rows.create(name=f"a&b #{number}")
    page = rows.page(page_size=1, page=2, ordering="name", search="a&b", unknown="й")
    assert page["next"].startswith(f"http://localhost{rows.base}?")
    for side, number in (("next", 2), ("previous", 0)):
        other = ok(rows.call("GET", page[side]))
        assert (other["count"], [row["name"] for row in other["results"]]) == (3, [f"a&b #{number}"])
        assert "unknown=%D0%B9" in page[side]
    answer = rows.call("GET", f"{rows.base}?page_size=1", base_url="https://127.0.0.1:8443")
    assert answer.get_json()["next"].startswith(f"https://127.0.0.1:8443{rows.base}?")


def test_unknown_parameters_are_ignored(rows: Catalogue) -> None:
    rows.create("A")
    assert rows.codes(colour="blue", is_deleted="true", tick="1", format="json", **{"": "x"}) == ["A"]


def test_empty_parameters_count_as_absent(rows: Catalogue) -> None:
    rows.create("A")
    names = (
        *rows.resource.all_filters,
        "search",
        "ordering",
        "page",
        "page_size",
        "limit",
        "offset",
        "cursor",
    )
    assert rows.codes(**dict.fromkeys(names, "")) == ["A"]


@pytest.mark.parametrize("resource", RESOURCES, indirect=True, ids=lambda resource: resource.name)
def test_ordering_of_the_contract(rows: Catalogue) -> None:
    assert set(ORDERED[rows.resource.name].split()) <= set(rows.resource.all_ordering)
    rows.create("A")
    for name in rows.resource.all_ordering:
        assert rows.codes(ordering=name) == rows.codes(ordering=f"-{name}") == ["A"]


def test_ordering_by_several_fields(rows: Catalogue) -> None:
    for code, name in (("1", "b"), ("2", "a"), ("3", "b"), ("4", "a")):
        rows.create(code, name=name)
    assert rows.codes(ordering="name,-created_at") == ["4", "2", "3", "1"]
    assert rows.codes(ordering="name,created_at") == ["2", "4", "1", "3"]
    assert rows.codes(ordering="-name,created_at") == ["1", "3", "2", "4"]
    assert rows.codes(ordering=f" -name , -{rows.code},") == ["3", "1", "4", "2"]
    assert rows.codes(ordering="created_at") == ["1", "2", "3", "4"]
    assert rows.codes(ordering="name,-name,-created_at") == ["4", "2", "3", "1"]


def test_unknown_ordering(rows: Catalogue) -> None:
    for name in ("colour", "-colour", "tick", "search_text", "is_deleted", "--name", "name;drop", "+name"):
        for text in (name, f"name,{name}"):
            answer = rows.call("GET", rows.base, query_string={"ordering": text})
            refused(answer, {"ordering": [f'"{name}" is not a valid choice.']})


class TestSearch:
    """Every word must occur, in any of the search fields, in any letter case."""

    @pytest.mark.parametrize("resource", RESOURCES, indirect=True, ids=lambda resource: resource.name)
    def test_fields_of_the_contract(self, rows: Catalogue) -> None:
        names = SEARCHED[rows.resource.name].split()
        for number, name in enumerate(names):
            text = f"needle{number}@example.com" if "email" in name else f"needle{number}"
            rows.create(**({name: text} if name != rows.code else {"code": text}))
        for number in range(len(names)):
            assert rows.page(search=f"needle{number}")["count"] == 1, names[number]
        others = set(rows.resource.fields) - set(names) - {"name"}
        assert {"description", "notes", "country"} & others <= others
        if "description" in others:
            rows.create(description="haystack")
        assert rows.page(search="haystack")["count"] == 0

    def test_any_letter_case_and_script(self, rows: Catalogue) -> None:
        rows.create("A", name="Шоколад молочный ALPEN")
        rows.create("B", name="Oʻzbekiston Ёқут")
        for text in ("шоколад", "ШОКОЛАД", "shokolad", "SHOKOLAD", "околад", "okolad", "МОЛОЧНЫЙ alpen"):
            assert rows.codes(search=text) == ["A"], text
        for text in ("oʻzbek", "O'ZBEK", "o‘zbek", "o`zbek", "özbek", "ўзбек", "ozbek", "ёқут", "ЁҚУТ yoqut"):
            assert rows.codes(search=text) == ["B"], text

    def test_every_word_in_any_field(self, rows: Catalogue) -> None:
        rows.create("X-1", name="Қизил олма")
        rows.create("X-2", name="Яшил олма")
        assert rows.codes(search="олма") == ["X-2", "X-1"]
        assert rows.codes(search="  олма   қизил ") == ["X-1"]
        assert rows.codes(search="x-2 ОЛМА") == ["X-2"]
        assert rows.codes(search="қизил яшил") == []

    def test_wildcards_are_taken_literally(self, rows: Catalogue) -> None:
        names = ("50% off", "500 off", "a_b", "axb", r"back\slash", "it's", '"q"')
        for name in names:
            rows.create(name=name)
        for text, found in (
            ("50%", 1),
            ("a_b", 1),
            ("%", 1),
            ("_", 1),
            ("\\", 1),
            ("its", 1),
            ("it's", 1),
            ('"', 1),
            ("50", 2),
        ):
            assert rows.page(search=text)["count"] == found, text

    def test_follows_every_write(self, rows: Catalogue) -> None:
        rows.create("A", name="before")
        rows.patch("A", {"name": "after"})
        assert (rows.codes(search="before"), rows.codes(search="after")) == ([], ["A"])
        rows.delete("A")
        assert rows.codes(search="after") == []
        rows.restore("A")
        assert rows.codes(search="after") == ["A"]

    def test_with_filters_ordering_and_paging(self, rows: Catalogue) -> None:
        for number in range(6):
            rows.create(f"S-{number}", name=f"Олма {number}", is_active=number % 2 == 0)
        page = rows.page(search="олма", is_active="true", ordering="name", page_size=2)
        assert (page["count"], [row[rows.code] for row in page["results"]]) == (3, ["S-0", "S-2"])

    def test_what_cannot_be_searched(self, rows: Catalogue) -> None:
        long = {"search": ["Ensure this field has no more than 500 characters."]}
        refused(rows.call("GET", rows.base, query_string={"search": "x" * 501}), long)
        null = {"search": ["Null characters are not allowed."]}
        refused(rows.call("GET", rows.base, query_string={"search": "\0"}), null)
        assert rows.page(search=" ".join("abcdefghijklmnopqrstuvwxyz" * 9))["count"] == 0
