"""Codes come from 1C: any printable text. Whatever a code contains, its row can be reached."""

from __future__ import annotations

from typing import Any

import pytest

from ecatalog.catalog.routing import RESERVED_WORDS
from tests.contract.catalogue import Catalogue, Row, ok, refused

IN_PATHS = [
    "007",
    "a/b",
    "a//b",
    "a/b/c d/е",
    "with space",
    "two  spaces",
    "#1",
    "НФ-000123",
    "50%",
    "a%2Fb",
    "%20",
    "?x=1&y=2",
    "a+b",
    "a.b",
    "a.",
    "...",
    "\"quoted\" 'text'",
    "<b>",
    "null",
    "restore",
    "history",
    "history/1",
    "bulk2",
    "a/bulk",
    "bulk/a",
    "BULK",
    "🙂",
    "oʻzbek",
    "\\",
]
ONLY_BY_CODE = [
    *RESERVED_WORDS,
    "/",
    "//",
    "/begins",
    "ends/",
    "/both/",
    "a/restore",
    "a/history",
    ".",
    "..",
]


def test_code_in_path(rows: Catalogue) -> None:
    made = {code: rows.create(code) for code in IN_PATHS}
    assert len({row["id"] for row in made.values()}) == len(IN_PATHS)
    for code, row in made.items():
        assert row[rows.code] == code
        assert ok(rows.get(code)) == row
        assert ok(rows.patch(code, {"name": f"Name of {code}"}))["id"] == row["id"]
        assert [entry["action"] for entry in rows.history(code)] == ["update", "create"]
        assert ok(rows.restore(code))["name"] == f"Name of {code}"


def test_by_code_reaches_every_code(rows: Catalogue) -> None:
    made = {code: rows.create(code) for code in (*ONLY_BY_CODE, *IN_PATHS[::4])}
    for code, row in made.items():
        assert row[rows.code] == code
        assert ok(rows.by_code("GET", code)) == row


@pytest.mark.parametrize("code", ["/", "changes", "a/restore", "НФ #1"])
def test_by_code_has_every_method(rows: Catalogue, code: str) -> None:
    other = rows.create("other")
    made = rows.create(code)
    for method in ("PUT", "PATCH"):
        changed = ok(rows.by_code(method, code, json={rows.code: "ignored", "name": method}))
        assert (changed["id"], changed[rows.code], changed["name"]) == (made["id"], code, method)
    entries = ok(rows.by_code("GET", code, "history/"))["results"]
    assert [entry["action"] for entry in entries] == ["update", "update", "create"]
    assert rows.by_code("DELETE", code).status_code == 204
    assert rows.by_code("GET", code).status_code == 404
    assert ok(rows.by_code("POST", code, "restore/"))["id"] == made["id"]
    assert ok(rows.get("other")) == other


def test_slashes_are_not_merged(rows: Catalogue) -> None:
    rows.create("begins")
    rows.create("a/b")
    for path in ("/begins/", "begins//", "a//b/", "//begins/"):
        assert rows.call("GET", rows.base + path).status_code == 404, path
        assert rows.call("DELETE", rows.base + path).status_code == 404, path
    assert rows.page()["count"] == 2


def test_words_own_their_paths(rows: Catalogue) -> None:
    for word in RESERVED_WORDS:
        made = rows.create(word)
        found = rows.call("GET", f"{rows.base}{word}/").get_json(silent=True) or {}
        assert found.get("id") != made["id"]
        for method in ("PUT", "PATCH", "DELETE"):
            answer = rows.call(method, f"{rows.base}{word}/", json=rows.body())
            assert answer.status_code in (400 if word == "by-code" else 405, 404), (word, method)
        assert ok(rows.by_code("GET", word)) == made


def test_methods_that_a_word_does_not_have(rows: Catalogue) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = rows.call(method, f"{rows.base}changes/", json={})
        refused(answer, {"detail": f'Method "{method}" not allowed.'}, 405)
    refused(rows.call("POST", f"{rows.base}by-code/"), {"detail": 'Method "POST" not allowed.'}, 405)


def test_by_code_needs_the_code(rows: Catalogue) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        for query in ({}, {"code": ""}):
            answer = rows.call(method, f"{rows.base}by-code/", query_string=query, json=rows.body())
            refused(answer, {"code": ["This field is required."]})


def test_leading_zeros_and_case_make_other_codes(rows: Catalogue) -> None:
    ids = {code: rows.create(code)["id"] for code in ("7", "07", "007", "a1", "A1", "7.0")}
    assert len(set(ids.values())) == len(ids)
    for code, row_id in ids.items():
        assert ok(rows.get(code))["id"] == row_id
        assert rows.codes(**{rows.code: code}) == [code]


def test_white_space_around_is_trimmed(rows: Catalogue) -> None:
    made = rows.create("  P 1\u00a0\t ", name="  Name  ")
    assert (made[rows.code], made["name"]) == ("P 1", "Name")
    assert ok(rows.get("P 1")) == made
    assert ok(rows.get(" P 1 ")) == made
    assert ok(rows.by_code("GET", " P 1  ")) == made
    assert rows.codes(**{rows.code: " P 1 "}) == ["P 1"]
    assert rows.post(rows.body("P 1 ")).status_code == 400


@pytest.mark.parametrize("letter", ["x", "Ж", "🙂"])
def test_longest_code(rows: Catalogue, letter: str) -> None:
    length = rows.resource.code_length
    made = rows.create(letter * length)
    assert made[rows.code] == letter * length
    assert ok(rows.get(letter * length)) == made
    assert ok(rows.by_code("GET", letter * length)) == made
    answer = rows.post(rows.body(letter * (length + 1)))
    refused(answer, {rows.code: [f"Ensure this field has no more than {length} characters."]})
    assert rows.get(letter * (length + 1)).status_code == 404


def test_lengths_of_the_contract() -> None:
    from ecatalog.resources import RESOURCES

    lengths = {resource.name: resource.code_length for resource in RESOURCES}
    assert lengths == {"project": 255, "client": 100, "nomenklatura": 255}


def test_a_number_is_taken_as_text(rows: Catalogue) -> None:
    assert ok(rows.post({**rows.body(), rows.code: 42}), 201)[rows.code] == "42"


@pytest.mark.parametrize("code", ["a\nb", "a\tb", "a\x7fb", "a\x1bb"])
def test_control_characters_are_refused(rows: Catalogue, code: str) -> None:
    refused(rows.post(rows.body(code)), {rows.code: ["Control characters are not allowed in a code."]})


def test_a_code_never_changes(rows: Catalogue) -> None:
    made = rows.create("stays")
    for method in ("PUT", "PATCH"):
        changed = ok(rows.call(method, rows.path("stays"), json={rows.code: "moved", "name": method}))
        assert changed[rows.code] == "stays"
    assert rows.get("moved").status_code == 404
    assert ok(rows.get("stays"))["id"] == made["id"]


def test_null_byte_in_an_address(rows: Catalogue) -> None:
    assert rows.call("GET", f"{rows.base}a%00b/").status_code == 404
    refused(rows.by_code("GET", "a\0b"), {"code": ["Null characters are not allowed."]})
    for path in (f"{rows.base}%FF%FE/", f"{rows.base}by-code/?code=%FF"):
        assert rows.call("GET", path).status_code in (400, 404)


class TestOneCodeInSeveralProjects:
    """Which row is meant is chosen by the project; without a choice nothing happens."""

    @pytest.fixture
    def owners(self, projects: Catalogue) -> list[Row]:
        return [projects.create("P/1", name="Биринчи"), projects.create("P2", name="Second")]

    @pytest.fixture
    def twins(self, children: Catalogue, owners: list[Row]) -> list[Row]:
        """Rows of the first project, of the second, and of none."""
        return [
            children.create("T", name=f"In {owner and owner['name']}", project_id=owner and owner["id"])
            for owner in (*owners, None)
        ]

    def test_may_exist_once_in_each(self, children: Catalogue, owners: list[Row], twins: list[Row]) -> None:
        assert len({row["id"] for row in twins}) == 3
        for owner in (*owners, None):
            answer = children.post(children.body("T", project_id=owner and owner["id"]))
            assert answer.status_code == 400
            assert list(answer.get_json()) == [children.code]

    def test_without_a_choice_409_lists_the_projects(
        self, children: Catalogue, owners: list[Row], twins: list[Row]
    ) -> None:
        listed = [{"id": o["id"], "code_1c": o["code_1c"], "name": o["name"]} for o in owners]
        rows_methods = [(method, "") for method in ("GET", "PUT", "PATCH", "DELETE")]
        for method, suffix in [*rows_methods, ("GET", "history/"), ("POST", "restore/")]:
            for answer in (
                children.call(method, children.path("T", suffix), json={children.code: "T", "name": "New"}),
                children.by_code(method, "T", suffix, json={children.code: "T", "name": "New"}),
            ):
                assert answer.status_code == 409
                body = answer.get_json()
                assert body["projects"] == [*listed, None]
                assert isinstance(body["detail"], str)
                assert "project_id" in body["detail"]
        assert children.page()["count"] == 3
        assert {row["name"] for row in children.page()["results"]} == {row["name"] for row in twins}

    def test_chosen_by_project(self, children: Catalogue, owners: list[Row], twins: list[Row]) -> None:
        choices = [
            ({"project_id": owners[0]["id"]}, twins[0]),
            ({"project": owners[0]["code_1c"]}, twins[0]),
            ({"project_id": owners[1]["id"]}, twins[1]),
            ({"project": owners[1]["code_1c"]}, twins[1]),
            ({"project_id": "null"}, twins[2]),
        ]
        for query, expected in choices:
            assert ok(children.get("T", query_string=query)) == expected
            assert ok(children.by_code("GET", "T", query=query)) == expected

    def test_every_method_acts_on_the_chosen_row_alone(
        self, children: Catalogue, owners: list[Row], twins: list[Row]
    ) -> None:
        query: dict[str, Any] = {"project": owners[1]["code_1c"]}
        path = children.path("T")
        assert (
            ok(children.call("PATCH", path, json={"name": "A"}, query_string=query))["id"] == twins[1]["id"]
        )
        put = children.call("PUT", path, json=children.body("T", name="B"), query_string=query)
        assert ok(put)["id"] == twins[1]["id"]
        assert children.call("DELETE", path, query_string=query).status_code == 204
        history = children.call("GET", children.path("T", "history/"), query_string=query)
        assert [entry["action"] for entry in ok(history)["results"]] == [
            "delete",
            "update",
            "update",
            "create",
        ]
        restored = children.call("POST", children.path("T", "restore/"), query_string=query)
        assert ok(restored)["id"] == twins[1]["id"]
        assert ok(children.get("T", query_string={"project_id": "null"})) == twins[2]
        assert ok(children.get("T", query_string={"project_id": owners[0]["id"]})) == twins[0]

    def test_a_choice_without_such_a_row(
        self, children: Catalogue, owners: list[Row], twins: list[Row]
    ) -> None:
        message = f"No {children.resource.label} matches the given query."
        for query in ({"project_id": 999999}, {"project": "unknown"}):
            refused(children.get("T", query_string=query), {"detail": message}, 404)
        answer = children.get("T", query_string={"project_id": "first"})
        refused(answer, {"project_id": ["A valid integer is required."]})

    def test_a_single_live_row_needs_no_choice(
        self, children: Catalogue, owners: list[Row], twins: list[Row]
    ) -> None:
        for query in ({"project_id": owners[0]["id"]}, {"project_id": "null"}):
            assert children.call("DELETE", children.path("T"), query_string=query).status_code == 204
        assert ok(children.get("T")) == twins[1]

    def test_moving_into_a_project_that_has_the_code(
        self, children: Catalogue, owners: list[Row], twins: list[Row]
    ) -> None:
        path = children.path("T")
        answer = children.call(
            "PATCH", path, json={"project_id": owners[1]["id"]}, query_string={"project_id": owners[0]["id"]}
        )
        assert answer.status_code == 400
        assert list(answer.get_json()) == [children.code]
        assert ok(children.get("T", query_string={"project_id": owners[0]["id"]})) == twins[0]
