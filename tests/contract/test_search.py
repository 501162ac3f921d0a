"""Search over every resource: any script, what comes first, typing errors."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from ecatalog.catalog import crowded, hits
from ecatalog.client.resource import CLIENT
from ecatalog.nomenklatura.resource import NOMENKLATURA
from tests.contract.catalogue import Catalogue, Row, ok, refused

SPELLINGS = {
    "Шоколад сутли": "шоколад Шоколад ШОКОЛАД shokolad SHOKOLAD околад okolad shoko",
    "Щётка зубная": "щётка щетка shchetka schetka ётка",
    "Ўзбекистон": "ўзбек Oʻzbek o'zbek o‘zbek özbek ozbek OZBEKISTON",
    "Yogʻsiz qatiq": "ёғсиз йоғсиз yogʻsiz yog'siz yoğsiz yogsiz қатиқ",
    "Nestlé Café": "nestle NESTLÉ nestlé cafe",
    "ЦЕМЕНТ М400 1С": "цемент sement cement М400 m400 1С 1C 1c",
}

NEAREST = {
    "Шоколад сутли": "шакалад,shokolat,шоколат сутли,шокалад султи,shocolad",
    "Nestlé": "nestli,neslte,НЕСТЛИ",
    "Сахар песок": "сахор,сахарр",
    "Цемент М400": "цимент,cemint,цимент М400",
    "Колбаса варёная": "калбаса,kalbasa",
    "Ўзбекистон": "ozbikiston,узбекистон",
}


@pytest.fixture
def names(rows: Catalogue) -> Callable[..., list[str]]:
    """A function from a query to the names of the rows that the list shows, in order."""

    def found(query: str, **parameters: str) -> list[str]:
        return [row["name"] for row in rows.page(search=query, **parameters)["results"]]

    return found


def test_every_spelling_finds_the_row(rows: Catalogue, names: Callable[..., list[str]]) -> None:
    for name in SPELLINGS:
        rows.create(name=name)
    for name, spellings in SPELLINGS.items():
        for spelling in spellings.split():
            assert names(spelling, fuzzy="false") == [name], spelling


def test_words_of_one_and_two_letters(rows: Catalogue, names: Callable[..., list[str]]) -> None:
    for name in ("Ун 1 кг", "Сув 5л", "Нон"):
        rows.create("Q" + name[0], name=name)
    assert names("ун") == ["Ун 1 кг"]
    assert names("кг") == ["Ун 1 кг"]
    assert names("5л") == names("л") == ["Сув 5л"]
    assert names("у 1") == ["Ун 1 кг"]
    assert names("н", fuzzy="false") == ["Нон", "Ун 1 кг"]


def test_signs_without_a_sound_are_no_words(rows: Catalogue, names: Callable[..., list[str]]) -> None:
    rows.create(name="Олма")
    assert names("олма '") == names("ь") == ["Олма"]
    assert names("груша ʻ", fuzzy="false") == []


class TestOrder:
    """Codes first, then names, then the rest, newest first in each; unless an ordering is asked for."""

    def test_ranks(self, rows: Catalogue, names: Callable[..., list[str]]) -> None:
        rows.create("SUT", name="Exact")
        rows.create("A-sut", name="Rest, older")
        rows.create(name="Sut")
        rows.create(name="Yangi sutli")
        rows.create(name="Desut")
        rows.create("B-sut", name="Rest, newer")
        expected = ["Exact", "Yangi sutli", "Sut", "Rest, newer", "Desut", "Rest, older"]
        assert names("sut") == names("Sut") == names(" SUT ") == expected
        assert names("sut", ordering="") == expected
        assert names("sut", ordering="name") == sorted(expected)
        assert names("sut", ordering="-created_at")[:2] == ["Rest, newer", "Desut"]

    def test_every_word_of_the_query_is_looked_for_in_names(
        self, rows: Catalogue, names: Callable[..., list[str]]
    ) -> None:
        rows.create("qora", name="Choy")
        rows.create(name="Qora choy")
        rows.create("X choy", name="Qoralama")
        assert names("qora choy") == ["Qora choy", "Qoralama", "Choy"]

    @pytest.mark.parametrize("resource", [CLIENT, NOMENKLATURA], indirect=True, ids=lambda item: item.name)
    def test_other_exact_attributes(self, rows: Catalogue, names: Callable[..., list[str]]) -> None:
        for attribute in rows.resource.exact:
            rows.create(name=f"has it, {attribute}", **{attribute: "4780-AB"})
            rows.create(name=f"4780-ab {attribute}")
            rows.create("4780-AB " + attribute, name=attribute)
            for query in ("4780-AB", "4780-ab", " 4780-AB "):
                found = names(query)
                assert found[0].startswith("has it"), (attribute, query)
            rows.delete("4780-AB " + attribute)

    def test_pages_in_every_way(self, rows: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
        make_ranks(rows)
        whole = rows.codes(search="sut", page_size=100)
        assert len(whole) == 23
        assert [row["id"] for row in walk(rows, search="sut", page_size=5)] == ids(rows)
        assert [row["id"] for row in walk(rows, search="sut", limit=5, offset=0)] == ids(rows)
        assert [row["id"] for row in walk(rows, search="sut", cursor="", page_size=5)] == ids(rows)
        # The same where not all hits are put in order.
        monkeypatch.setattr(crowded, "_MANY", 3)
        monkeypatch.setattr(crowded, "_FIRST", 10)
        for _ in range(2):
            rows.create(name="Elsewhere")  # a new tick
            assert [row["id"] for row in walk(rows, search="sut", page_size=4)] == ids(rows)
        assert [row["id"] for row in walk(rows, search="sut", cursor="", page_size=4)] == ids(rows)
        # The same beyond those hits that are kept in order.
        monkeypatch.setattr(hits, "TOP", 7)
        rows.create(name="Elsewhere")  # a new tick
        assert [row["id"] for row in walk(rows, search="sut", page_size=4)] == ids(rows)
        assert [row["id"] for row in walk(rows, search="sut", limit=4, offset=0)] == ids(rows)
        assert [row["id"] for row in walk(rows, search="sut", cursor="", page_size=4)] == ids(rows)

    def test_cursors_go_back(self, rows: Catalogue) -> None:
        make_ranks(rows)
        whole = rows.codes(search="sut", page_size=100)
        first = rows.page(search="sut", cursor="", page_size=10)
        second = ok(rows.call("GET", first["next"]))
        back = ok(rows.call("GET", second["previous"]))
        assert [row[rows.code] for row in second["results"]] == whole[10:20]
        assert back["results"] == first["results"]
        cursor = parse_qs(urlsplit(first["next"]).query)["cursor"][0]
        answer = rows.call("GET", rows.base, query_string={"cursor": cursor})
        refused(answer, {"cursor": ["Invalid cursor."]})  # it belongs to another order


def make_ranks(rows: Catalogue) -> None:
    """Rows of every rank for the search "sut", in no order."""
    for number in range(11):
        rows.create(f"sut-{number}", name=f"Rest {number}")
        rows.create(name=f"Sut {number}")
    rows.create("sut", name="Exact")


def walk(rows: Catalogue, **parameters: object) -> list[Row]:
    """All rows, page by page along ``next``."""
    page = rows.page(**parameters)
    found: list[Row] = page["results"]
    while page["next"]:
        page = ok(rows.call("GET", page["next"]))
        found += page["results"]
    return found


def ids(rows: Catalogue) -> list[int]:
    """The ids of what :func:`make_ranks` made, in the order of relevance."""
    page = rows.page(search="sut", page_size=100)["results"]
    ranked = sorted(
        page,
        key=lambda row: (
            -(2 * (row["name"] == "Exact") + (row["name"].startswith("Sut"))),
            -row["id"],
        ),
    )
    return [row["id"] for row in ranked]


class TestTypingErrors:
    """When nothing matches, the nearest words are looked for, and the answer says so."""

    def test_the_nearest_words_are_found(self, rows: Catalogue) -> None:
        nothing: Row = {"count": 0, "next": None, "previous": None, "results": []}
        for name in NEAREST:
            rows.create(name=name)
        for name, mistyped in NEAREST.items():
            for typed in mistyped.split(","):
                page = rows.page(search=typed)
                found = [row["name"] for row in page["results"]]
                assert (found, page["count"], page["fuzzy"]) == ([name], 1, True), typed
                assert list(page) == ["count", "fuzzy", "next", "previous", "results"]
                assert rows.page(search=typed, fuzzy="false") == nothing, typed

    def test_nestle_is_no_error(self, rows: Catalogue) -> None:
        rows.create(name="Nestlé")
        page = rows.page(search="nestle")
        assert page["count"] == 1
        assert "fuzzy" not in page

    def test_what_is_not_guessed_at(self, rows: Catalogue) -> None:
        rows.create("AB-12345", name="Шоколад М400")
        for typed in ("AB-12346", "m401", "qwrtpsdfg", "шк", "шоколад молоко", "x" * 300):
            page = rows.page(search=typed)
            assert (page["count"], page.get("fuzzy")) == (0, None), typed

    def test_words_that_rows_have_stay(self, rows: Catalogue) -> None:
        rows.create(name="Шоколад қора")
        rows.create(name="Чой қора")
        rows.create(name="Шоколад оқ")
        assert [row["name"] for row in rows.page(search="шакалад қора")["results"]] == ["Шоколад қора"]
        assert rows.page(search="чой оқ") == {"count": 0, "next": None, "previous": None, "results": []}

    def test_pages_and_ordering(self, rows: Catalogue) -> None:
        for number in range(12):
            rows.create(f"S-{number:02}", name=f"Шоколад {number}", is_active=number % 3 > 0)
        codes = [f"S-{number:02}" for number in reversed(range(12))]
        for parameters in (
            {"page_size": 5},
            {"limit": 5, "offset": 0},
            {"cursor": "", "page_size": 5},
            {"ordering": "-created_at", "page_size": 5},
            {"ordering": "-created_at", "cursor": "", "page_size": 5},
        ):
            first = rows.page(search="шакалад", **parameters)
            assert (first["count"], first["fuzzy"]) == (12, True)
            walked = walk(rows, search="шакалад", **parameters)
            assert [row[rows.code] for row in walked] == codes
        filtered = rows.page(search="шакалад", is_active="false")
        assert [row[rows.code] for row in filtered["results"]] == ["S-09", "S-06", "S-03", "S-00"]

    def test_follow_every_write(self, rows: Catalogue) -> None:
        rows.create("A", name="Шоколад")
        assert rows.codes(search="шакалад") == ["A"]
        rows.patch("A", {"name": "Мармелад"})
        assert rows.codes(search="шакалад") == []
        assert rows.codes(search="мармилад") == ["A"]
        rows.delete("A")
        assert rows.page(search="мармилад")["count"] == 0
        rows.restore("A")
        assert rows.codes(search="мармилад") == ["A"]

    def test_malformed(self, rows: Catalogue) -> None:
        answer = rows.call("GET", rows.base, query_string={"search": "x", "fuzzy": "perhaps"})
        refused(answer, {"fuzzy": ["Must be a valid boolean."]})
