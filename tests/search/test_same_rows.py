"""Both databases find the rows, and keep the order, that the search texts alone say: random rows and queries.

The suite runs on SQLite and on PostgreSQL; what each answers is compared with the same plain Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecatalog import search
from ecatalog.catalog import crowded
from tests.databases import empty

Row = dict[str, Any]

# Words that share beginnings, middles and signs, in both scripts.
SAMPLES = """
    шоколад shokolad Шок околад щётка щетка shyotka ёғсиз yogʻsiz oʻzbek ўзбек 1С 1c м400 M-400 50% a_b a\\b
    it's "q" х/б 5л кг г ab abc aab a%b ' ь 漢字 漢字林 é Ünal _ % \\ / * OR AND NOT ( ) : ^ - NEAR
"""
WORDS = st.sampled_from(SAMPLES.split()) | st.text("абшoк%_\\\"'*", min_size=1, max_size=4)
TEXTS = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
CODES = st.lists(WORDS, min_size=1, max_size=2).map("".join)
ROWS = st.lists(
    st.fixed_dictionaries({"code_1c": CODES, "name": TEXTS, "title": TEXTS, "brand": WORDS, "sku": WORDS}),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row["code_1c"],
)


SETTINGS = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def fragments(draw: st.DrawFn, rows: list[Row]) -> str:
    """A piece of a text of one of the rows."""
    text = draw(st.sampled_from(rows))[draw(st.sampled_from(["code_1c", "name", "title", "sku"]))]
    start = draw(st.integers(0, len(text) - 1))
    return str(text[start : draw(st.integers(start + 1, len(text)))])


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Row], list[str]]:
    rows = draw(ROWS)
    queries = st.one_of(TEXTS, WORDS, st.composite(fragments)(rows))
    return rows, draw(st.lists(queries, min_size=1, max_size=6))


def expected(rows: list[Row], query: str) -> list[str]:
    """Codes of the rows that a query finds, in order; ``rows`` stand as they were written."""
    words = search.words(query)
    ranked = []
    for age, row in enumerate(rows):
        fields = [row[name] for name in ("name", "code_1c", "title", "sku", "brand")]
        tokens = search.document(fields).split(" ")
        if all(any(spelling in token for token in tokens for spelling in word) for word in words):
            named = [token[1:] for token in tokens if token.startswith("\x1e")]
            by_name = all(any(token.startswith(word) for token in named) for word in words)
            typed = {query.strip(), query.strip().upper(), query.strip().lower()}
            exact = bool({row["code_1c"], row["sku"]} & typed)
            ranked.append((-3 if exact else -by_name, -age, row["code_1c"]))
    return [code for _, _, code in sorted(ranked)]


@SETTINGS
@given(cases())
def test_rows_and_order(
    app: Flask, client: FlaskClient, auth: Callable[..., dict[str, str]], case: tuple[list[Row], list[str]]
) -> None:
    compare(app, client, auth, case)


@SETTINGS
@given(cases())
def test_rows_and_order_where_not_all_hits_are_put_in_order(
    app: Flask,
    client: FlaskClient,
    auth: Callable[..., dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[list[Row], list[str]],
) -> None:
    """As if three hits were many, and four rows the newest of very many."""
    for name, number in {"_MANY": 2, "_FIRST": 2, "_SAMPLE": 3, "_NEWEST": 4}.items():
        monkeypatch.setattr(crowded, name, number)
    compare(app, client, auth, case)


def walk(client: FlaskClient, address: str | None) -> Iterator[Any]:
    """The pages of a list, along ``next``."""
    while address:
        page = client.get(address).get_json()
        yield page
        address = page["next"]


def compare(
    app: Flask, client: FlaskClient, auth: Callable[..., dict[str, str]], case: tuple[list[Row], list[str]]
) -> None:
    """What the service finds of the rows, page by page, is what their texts say."""
    rows, queries = case
    empty(app, {})
    headers = auth()  # anew: the users were deleted, too
    answer = client.post("/api/v1/nomenklatura/bulk/?response=full", json=rows, headers=headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    stored = sorted(client.get("/api/v1/nomenklatura/").get_json()["results"], key=lambda row: row["id"])
    for query in queries:
        if search.words(query) and "\0" not in query:  # "ь" alone has no sound: it asks for nothing
            asked = {"search": query, "fuzzy": "false", "page_size": "2"}
            pages = list(walk(client, "/api/v1/nomenklatura/?" + urlencode(asked)))
            found = [row["code_1c"] for page in pages for row in page["results"]]
            shown = expected(
                [{**row, "title": row["title"] or "", "sku": row["sku"] or ""} for row in stored], query
            )
            assert (found, pages[0]["count"]) == (shown, len(shown)), query
