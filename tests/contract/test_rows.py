"""Writing rows: creating, replacing, changing, soft-deleting, restoring, and the project they belong to."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ecatalog.resources import RESOURCES
from tests.contract.catalogue import Catalogue, Row, ok, refused

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def taken(rows: Catalogue) -> str:
    return f"{rows.resource.name} with this {rows.code.replace('_', ' ')} already exists."


def link(project: Row) -> Row:
    """A project as its rows show it."""
    return {"id": project["id"], "code_1c": project["code_1c"], "name": project["name"]}


def test_life_of_a_row(rows: Catalogue) -> None:
    created = rows.post(rows.body("L", name="Ўрмон"))
    row = ok(created, 201)
    assert created.content_type == "application/json"
    assert TIMESTAMP.fullmatch(row["created_at"])
    assert row["created_at"] == row["updated_at"]
    assert ok(rows.get("L")) == row
    changed = ok(rows.patch("L", {"name": "Yangi"}))
    assert changed == {**row, "name": "Yangi", "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > row["updated_at"]
    deleted = rows.delete("L")
    assert (deleted.status_code, deleted.data) == (204, b"")
    refused(rows.get("L"), {"detail": f"No {rows.resource.label} matches the given query."}, 404)
    assert rows.page()["results"] == []
    restored = ok(rows.restore("L"))
    assert restored == {**changed, "updated_at": restored["updated_at"]}
    assert ok(rows.get("L")) == restored
    assert rows.page()["count"] == 1


def test_message_of_a_taken_code(rows: Catalogue) -> None:
    rows.create("T")
    refused(rows.post(rows.body("T")), {rows.code: [taken(rows)]})
    refused(rows.post(rows.body(" T ")), {rows.code: [taken(rows)]})
    assert rows.page()["count"] == 1


@pytest.mark.parametrize("resource", RESOURCES, indirect=True, ids=lambda resource: resource.name)
def test_wording_of_a_taken_code(rows: Catalogue) -> None:
    rows.create("T")
    words = {
        "project": {"code_1c": ["project with this code 1c already exists."]},
        "client": {"client_code_1c": ["client with this client code 1c already exists."]},
        "nomenklatura": {"code_1c": ["nomenklatura with this code 1c already exists."]},
    }
    refused(rows.post(rows.body("T")), words[rows.resource.name])


def test_code_of_a_deleted_row_stays_taken(rows: Catalogue) -> None:
    rows.create("D")
    rows.delete("D")
    answer = rows.post(rows.body("D"))
    assert answer.status_code == 400
    [message] = answer.get_json()[rows.code]
    assert message.startswith(taken(rows).removesuffix("."))
    assert "deleted" in message
    assert "restore" in message
    assert rows.get("D").status_code == 404


def test_patch_of_is_deleted_deletes(rows: Catalogue) -> None:
    row = rows.create("D")
    answer = ok(rows.patch("D", {"is_deleted": True, "name": "Last words"}))
    assert (answer["is_deleted"], answer["name"]) == (True, "Last words")
    assert rows.get("D").status_code == 404
    assert rows.page()["count"] == 0
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert rows.call(method, rows.path("D"), json=rows.body("D", is_deleted=False)).status_code == 404
    restored = ok(rows.restore("D"))
    assert (restored["id"], restored["is_deleted"], restored["name"]) == (row["id"], False, "Last words")


def test_put_of_is_deleted_deletes(rows: Catalogue) -> None:
    rows.create("D")
    assert ok(rows.put("D", rows.body("D", is_deleted=True)))["is_deleted"] is True
    assert rows.get("D").status_code == 404


def test_restore_of_a_live_or_unknown_row(rows: Catalogue) -> None:
    row = rows.create("R")
    assert ok(rows.restore("R")) == row
    assert [entry["action"] for entry in rows.history("R")] == ["create"]
    refused(rows.restore("nobody"), {"detail": f"No {rows.resource.label} matches the given query."}, 404)


def test_unknown_row(rows: Catalogue) -> None:
    message = {"detail": f"No {rows.resource.label} matches the given query."}
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        refused(rows.call(method, rows.path("nobody"), json=rows.body()), message, 404)
        refused(rows.by_code(method, "nobody", json=rows.body()), message, 404)


def test_inactive_rows_stay_visible(rows: Catalogue) -> None:
    rows.create("I", is_active=False)
    assert ok(rows.get("I"))["is_active"] is False
    assert rows.codes() == ["I"]
    assert rows.codes(is_active="false") == ["I"]
    assert rows.codes(is_active="true") == []


def test_put_keeps_what_it_leaves_out(rows: Catalogue) -> None:
    example = {name: value for name, value in rows.resource.example.items() if name != "project"}
    row = ok(rows.post({**example, "is_active": False}), 201)
    code = row[rows.code]
    put = ok(rows.put(code, {rows.code: code, "name": "Other"}))
    assert put == {**row, "name": "Other", "updated_at": put["updated_at"]}


def test_examples_of_the_documentation_are_valid(projects: Catalogue, rows: Catalogue) -> None:
    if rows.resource.parent is not None:
        ok(projects.post(projects.resource.example), 201)
    row = ok(rows.post(rows.resource.example), 201)
    expected = {name: value for name, value in rows.resource.example.items() if name != "project"}
    assert {name: row[name] for name in expected} == expected


def test_writing_nothing_new_changes_nothing(rows: Catalogue) -> None:
    row = rows.create("N", name="Same", is_active=True)
    for body in ({}, {"name": "Same"}, {"name": "  Same "}, {"is_active": 1}, {"is_deleted": False}):
        assert ok(rows.patch("N", body)) == row
    assert ok(rows.put("N", row)) == row
    assert [entry["row"] for entry in rows.changes()["results"]] == [row]
    assert len(rows.history("N")) == 1


class TestProject:
    """Rows that belong to a project, or to none."""

    @pytest.fixture
    def owner(self, projects: Catalogue) -> Row:
        return projects.create("П/1 #", name="Лойиҳа")

    def test_written_in_three_ways(self, children: Catalogue, owner: Row) -> None:
        ways: list[Row] = [
            {"project_id": owner["id"]},
            {"project_id": str(owner["id"])},
            {"project": owner["code_1c"]},
            {"project": f" {owner['code_1c']} "},
            {"project": link(owner)},
            {"project_id": owner["id"], "project": owner["code_1c"]},
            {"project_id": None, "project": owner["code_1c"]},
        ]
        for number, way in enumerate(ways):
            made = children.create(f"C-{number}", **way)
            assert made["project"] == link(owner), way
            assert "project_id" not in made
            children.create(f"P-{number}")
            assert ok(children.patch(f"P-{number}", way))["project"] == link(owner)
            assert ok(children.get(f"P-{number}"))["project"] == link(owner)
            put = children.put(f"P-{number}", children.body(f"P-{number}", **way))
            assert ok(put)["project"] == link(owner)

    def test_none_by_null(self, children: Catalogue, owner: Row) -> None:
        ways: list[Row] = [{"project_id": None}, {"project": None}, {"project": ""}, {"project_id": ""}]
        for way in ways:
            made = children.create(project_id=owner["id"])
            assert ok(children.patch(made[children.code], way))["project"] is None, way
            assert children.create(**way)["project"] is None

    def test_left_out_stays(self, children: Catalogue, owner: Row) -> None:
        children.create("K", project_id=owner["id"])
        assert ok(children.put("K", children.body("K")))["project"] == link(owner)
        assert ok(children.patch("K", {"name": "New"}))["project"] == link(owner)

    def test_what_get_answers_can_be_put_back(self, children: Catalogue, owner: Row) -> None:
        row = children.create("B", project_id=owner["id"])
        assert ok(children.put("B", row)) == row
        assert ok(children.patch("B", row)) == row

    def test_unknown_project(self, children: Catalogue, owner: Row) -> None:
        before = children.create("U", project_id=owner["id"])
        ways: list[Row] = [
            {"project_id": 999_999},
            {"project_id": 2**63 - 1},
            {"project": "unknown"},
            {"project": {"id": 5, "code_1c": "unknown", "name": "x"}},
        ]
        for way in ways:
            for answer in (
                children.patch("U", way),
                children.put("U", children.body("U", **way)),
                children.post(children.body(**way)),
            ):
                assert answer.status_code == 400
                assert list(answer.get_json()) == list(way)
        assert ok(children.get("U")) == before
        assert children.page()["count"] == 1

    def test_deleted_project(self, children: Catalogue, projects: Catalogue, owner: Row) -> None:
        children.create("U")
        projects.delete(owner["code_1c"])
        ways: list[Row] = [{"project_id": owner["id"]}, {"project": owner["code_1c"]}]
        for way in ways:
            for answer in (children.patch("U", way), children.post(children.body(**way))):
                assert answer.status_code == 400
                assert list(answer.get_json()) == list(way)
        assert children.page()["count"] == 1

    def test_malformed_project(self, children: Catalogue) -> None:
        number = ["A valid integer is required."]
        text = ["Not a valid string."]
        cases: list[tuple[str, Any, list[str]]] = [
            ("project_id", "x", number),
            ("project_id", 1.5, number),
            ("project_id", [], number),
            ("project_id", True, number),
            ("project_id", 0, ["Ensure this value is greater than or equal to 1."]),
            ("project_id", -1, ["Ensure this value is greater than or equal to 1."]),
            ("project", [], text),
            ("project", {"id": 1}, text),
            ("project", {"code_1c": {}}, text),
            ("project", "a\0", ["Null characters are not allowed."]),
        ]
        for name, value, message in cases:
            refused(children.post(children.body(**{name: value})), {name: message})

    def test_rows_keep_showing_a_deleted_project(
        self, children: Catalogue, projects: Catalogue, owner: Row
    ) -> None:
        children.create("S", project_id=owner["id"])
        projects.delete(owner["code_1c"])
        assert ok(children.get("S"))["project"] == link(owner)
        assert children.page()["results"][0]["project"] == link(owner)
        assert children.codes(project=owner["code_1c"]) == ["S"]
        assert children.codes(project_id=owner["id"]) == ["S"]
        assert ok(children.get("S", query_string={"project": owner["code_1c"]}))["name"]
        # other fields can still be written, also together with the project that the row has
        row = ok(children.patch("S", {"name": "New", "project": owner["code_1c"]}))
        assert (row["name"], row["project"]) == ("New", link(owner))
        assert ok(children.put("S", row)) == row
        assert ok(children.patch("S", {"project_id": None}))["project"] is None

    def test_moving_to_another_project(self, children: Catalogue, projects: Catalogue, owner: Row) -> None:
        other = projects.create("P2")
        children.create("M", project_id=owner["id"])
        assert ok(children.patch("M", {"project": "P2"}))["project"] == link(other)
        assert children.codes(project="P2") == ["M"]
        assert children.codes(project=owner["code_1c"]) == []

    def test_a_renamed_project_is_shown_at_once(
        self, children: Catalogue, projects: Catalogue, owner: Row
    ) -> None:
        children.create("N", project_id=owner["id"])
        assert children.page()["results"][0]["project"]["name"] == "Лойиҳа"
        projects.patch(owner["code_1c"], {"name": "Янги ном"})
        assert children.page()["results"][0]["project"]["name"] == "Янги ном"
        assert ok(children.get("N"))["project"]["name"] == "Янги ном"

    def test_a_deleted_rows_code_stays_taken_in_its_project_alone(
        self, children: Catalogue, owner: Row
    ) -> None:
        children.create("X", project_id=owner["id"])
        children.delete("X")
        assert children.post(children.body("X", project_id=owner["id"])).status_code == 400
        assert children.post(children.body("X")).status_code == 201
