"""Three ways to page: numbers, limit and offset, and cursors that pass every row exactly once."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from ecatalog.catalog import clock
from ecatalog.catalog.resource import Resource
from ecatalog.database import write_transaction
from ecatalog.extensions import db
from tests.contract.bodies import samples
from tests.contract.catalogue import Catalogue, Row, ok, refused

ROWS = 9
SIZE = 4


def walk(rows: Catalogue, page: Row, side: str) -> list[list[int]]:
    """The ids of each page, from ``page`` on to the ``next`` or ``previous`` end."""
    pages = [[row["id"] for row in page["results"]]]
    while page[side]:
        page = ok(rows.call("GET", page[side]))
        pages.append([row["id"] for row in page["results"]])
        assert len(pages) <= ROWS + 1, "paging goes in circles"
    return pages


class TestNumbers:
    def test_pages(self, rows: Catalogue) -> None:
        made = [rows.create()["id"] for _ in range(7)][::-1]
        first = rows.page(page_size=3)
        assert (first["count"], first["previous"]) == (7, None)
        assert walk(rows, first, "next") == [made[:3], made[3:6], made[6:]]
        last = rows.page(page_size=3, page=3)
        assert last["next"] is None
        assert walk(rows, last, "previous") == [made[6:], made[3:6], made[:3]]
        assert rows.page(page_size=3, page="last")["results"] == last["results"]

    def test_sizes(self, rows: Catalogue) -> None:
        for _ in range(21):
            rows.create()
        assert len(rows.page()["results"]) == 20
        assert len(rows.page(page_size=100)["results"]) == len(rows.page(page_size=10**9)["results"]) == 21
        assert len(rows.page(page=2)["results"]) == 1

    def test_past_the_end(self, rows: Catalogue) -> None:
        rows.create()
        for page in (2, 0, -1, 10**18, 10**25):
            answer = rows.call("GET", rows.base, query_string={"page": page})
            refused(answer, {"detail": "Invalid page."}, 404)

    def test_malformed(self, rows: Catalogue) -> None:
        integer = "A valid integer is required."
        positive = "Ensure this value is greater than or equal to 1."
        cases = [("page", "x", integer), ("page", "1.5", integer), ("page_size", "x", integer)]
        cases += [("page_size", "0", positive), ("page_size", "-5", positive), ("page", "LAST", integer)]
        for name, text, message in cases:
            refused(rows.call("GET", rows.base, query_string={name: text}), {name: [message]})


class TestLimitAndOffset:
    def test_pages(self, rows: Catalogue) -> None:
        made = [rows.create()["id"] for _ in range(7)][::-1]
        first = rows.page(limit=3)
        assert (first["count"], first["previous"]) == (7, None)
        assert walk(rows, first, "next") == [made[:3], made[3:6], made[6:]]
        last = rows.page(limit=3, offset=6)
        assert walk(rows, last, "previous") == [made[6:], made[3:6], made[:3]]
        assert walk(rows, rows.page(limit=3, offset=5), "previous") == [made[5:], made[2:5], made[:3]]

    def test_past_the_end(self, rows: Catalogue) -> None:
        rows.create()
        for offset in (1, 50, 2**62):
            page = rows.page(limit=5, offset=offset)
            assert (page["count"], page["results"], page["next"]) == (1, [], None)

    def test_offset_alone(self, rows: Catalogue) -> None:
        made = [rows.create()["id"] for _ in range(3)][::-1]
        assert [row["id"] for row in rows.page(offset=1)["results"]] == made[1:]

    def test_malformed(self, rows: Catalogue) -> None:
        integer = "A valid integer is required."
        cases = [("limit", "x", integer), ("offset", "x", integer), ("limit", "1.5", integer)]
        cases += [("limit", "0", "Ensure this value is greater than or equal to 1.")]
        cases += [("offset", "-1", "Ensure this value is greater than or equal to 0.")]
        for name, text, message in cases:
            refused(rows.call("GET", rows.base, query_string={name: text}), {name: [message]})

    def test_caps(self, rows: Catalogue, app: Flask) -> None:
        many(app, rows.resource, 1001)
        largest = {"project": 1000}.get(rows.resource.name, 100)
        assert len(rows.page(limit=1000)["results"]) == len(rows.page(limit=10**9)["results"]) == largest
        for size in ({"page_size": 101}, {"page_size": 10**30}, {"cursor": "", "page_size": 1000}):
            assert len(rows.page(**size)["results"]) == 100
        assert len(rows.page(limit=2**63)["results"]) == largest
        assert rows.page(page_size=1)["count"] == 1001


def many(app: Flask, resource: Resource, count: int) -> None:
    """That many rows, written around the API as an operator would."""
    now = datetime.now(UTC)
    values = [
        {
            resource.code: str(number),
            "name": str(number),
            "created_at": now,
            "updated_at": now,
            "tick": number,
        }
        for number in range(count)
    ]
    with app.app_context(), write_transaction():
        db.session.execute(sa.insert(resource.model), values)
        clock.touch(resource)


def rows_with_ties_and_nulls(rows: Catalogue) -> None:
    """Every ordered field in turn is null, or one of two values; neighbours differ from field to field."""
    fields = [
        name for name in rows.resource.all_ordering if name in rows.resource.fields and name != rows.code
    ]
    for number in range(ROWS):
        values: Row = {}
        for place, name in enumerate(fields):
            choices = [*samples(rows.resource.fields[name]), None]
            if name in ("name", "is_active"):
                choices.pop()
            values[name] = choices[(number * (place + 1) + number // 3) % len(choices)]
        rows.create(**values)


def key(resource: Resource, ordering: str) -> Any:
    """What sorts rows as the API does: nulls last in both directions, the id decides between equals."""

    def compare(row: Row) -> list[Any]:
        terms: list[Any] = []
        for part in (*ordering.split(","), "-id" if ordering.split(",")[-1].startswith("-") else "id"):
            value = row[part.removeprefix("-")]
            number = rank(value)
            terms.append((value is None, -number if part.startswith("-") else number))
        return terms

    return compare


def rank(value: Any) -> float:
    """A number that orders the values of the tests as the database does."""
    if value is None:
        return 0
    if isinstance(value, (bool, int)):
        return value
    try:
        return float(value)
    except ValueError:
        return int.from_bytes(value.encode().ljust(60, b"\0")[:60], "big")


class TestCursor:
    def test_passes_every_row_once_in_both_directions(self, rows: Catalogue) -> None:
        rows_with_ties_and_nulls(rows)
        every = rows.page(page_size=100)["results"]
        assert len(every) == ROWS
        for ordering in (*single(rows.resource), *mixed(rows.resource)):
            size = SIZE if "," in ordering else ROWS // 2 + 1
            page = rows.page(cursor="", page_size=size, ordering=ordering)
            assert page["previous"] is None
            forwards = [page]
            while page["next"]:
                page = ok(rows.call("GET", page["next"]))
                forwards.append(page)
            whole = [row["id"] for page in forwards for row in page["results"]]
            assert whole == [row["id"] for row in rows.page(ordering=ordering)["results"]], ordering
            backwards = walk(rows, page, "previous")
            assert list(itertools.chain(*reversed(backwards))) == whole, ordering
            if not has_text(rows.resource, ordering):  # whose order is the database's own affair
                assert whole == [row["id"] for row in sorted(every, key=key(rows.resource, ordering))], (
                    ordering
                )

    def test_keeps_filters_and_count(self, rows: Catalogue) -> None:
        for number in range(6):
            rows.create(name=f"Олма {number}", is_active=number != 3)
        page = rows.page(cursor="", page_size=2, search="олма", is_active="true", ordering="name")
        pages = walk(rows, page, "next")
        assert (page["count"], [len(ids) for ids in pages]) == (5, [2, 2, 1])

    def test_writes_in_between_move_no_row(self, rows: Catalogue) -> None:
        made = [rows.create()["id"] for _ in range(6)][::-1]
        page = rows.page(cursor="", page_size=3)
        rows.create("new")
        rows.delete(page["results"][2][rows.code])
        following = ok(rows.call("GET", page["next"]))
        assert [row["id"] for row in following["results"]] == made[3:]
        back = ok(rows.call("GET", following["previous"]))
        assert [row["id"] for row in back["results"]][-2:] == made[:2]

    def test_empty_list(self, rows: Catalogue) -> None:
        assert rows.page(cursor="") == {"count": 0, "next": None, "previous": None, "results": []}

    def test_broken_cursors(self, rows: Catalogue) -> None:
        for _ in range(3):
            rows.create()
        cursor = cursor_of(rows, ordering="name")
        broken = [
            "x",
            "!!!",
            cursor[:-3],
            cursor + "AAAA",
            "W10",
            "bnVsbA",
            "й",
            "W251bGxd",
            "IiI",
            "eyJhIjoxfQ",
        ]
        for text in broken:
            query = {"cursor": text, "ordering": "name"}
            refused(rows.call("GET", rows.base, query_string=query), {"cursor": ["Invalid cursor."]})
        other = {"cursor": cursor, "ordering": "-name"}
        refused(rows.call("GET", rows.base, query_string=other), {"cursor": ["Invalid cursor."]})

    def test_cursors_with_values_of_another_type(self, rows: Catalogue) -> None:
        from ecatalog.catalog.paging import pack

        rows.create()
        values: list[Any] = [
            None,
            True,
            1.5,
            "x",
            [],
            {},
            2**63,
            "a\0b",
            "9999-99-99T00:00:00Z",
            "2026-01-01",
        ]
        for name in ("id", *one_of_each_kind(rows.resource)):
            names = name if name == "id" else f"{name},id"
            for value in values:
                told = [value] if name == "id" else [value, 1]
                query = {"ordering": name, "cursor": pack([False, names, *told])}
                answer = rows.call("GET", rows.base, query_string=query)
                assert answer.status_code in (200, 400), (name, value)


def cursor_of(rows: Catalogue, **parameters: Any) -> str:
    from urllib.parse import parse_qs, urlsplit

    page = rows.page(cursor="", page_size=1, **parameters)
    return parse_qs(urlsplit(page["next"]).query)["cursor"][0]


def one_of_each_kind(resource: Resource) -> list[str]:
    """An ordered field of each column type, with and without nulls."""
    columns = sa.inspect(resource.model).columns
    kinds = {(type(columns[name].type), columns[name].nullable): name for name in resource.all_ordering}
    return list(kinds.values())


def single(resource: Resource) -> list[str]:
    """Every kind of field in both directions; further fields of a kind in one direction."""
    kinds = one_of_each_kind(resource)
    others = [name for name in resource.all_ordering if name not in kinds]
    signed = [f"{'-' if number % 2 else ''}{name}" for number, name in enumerate(others)]
    return [*kinds, *(f"-{name}" for name in kinds), *signed]


def mixed(resource: Resource) -> list[str]:
    """Some orderings by two or three fields, ascending and descending."""
    chance = random.Random(7)  # noqa: S311  # the same ones in every run
    return [
        ",".join(
            chance.choice(["", "-"]) + name
            for name in chance.sample(resource.all_ordering, min(count, len(resource.all_ordering)))
        )
        for count in (2, 2, 2, 3, 3, 3)
    ]


def has_text(resource: Resource, ordering: str) -> bool:
    names = [part.removeprefix("-") for part in ordering.split(",")]
    return any(isinstance(value, str) and not value[:1].isdigit() for name in names if name in resource.fields
               for value in samples(resource.fields[name]))  # fmt: skip


@pytest.mark.parametrize("sizes", [{"page": 1, "limit": 1}, {"page": 1, "offset": 1}])
def test_page_wins_over_limit_and_offset(rows: Catalogue, sizes: Row) -> None:
    made = [rows.create()["id"] for _ in range(3)][::-1]
    assert [row["id"] for row in rows.page(**sizes)["results"]] == made
