"""``suggest/?q=``: up to ten codes and names for what has been typed so far."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from ecatalog.catalog.resource import Resource
from ecatalog.client.resource import CLIENT
from ecatalog.project.resource import PROJECT
from tests.contract.catalogue import Catalogue, Row, ok, refused


def suggest(rows: Catalogue, q: str, **parameters: str) -> list[str]:
    answer = rows.call("GET", f"{rows.base}suggest/", query_string={"q": q, **parameters})
    results: list[Row] = ok(answer)["results"]
    assert all(list(row) == ["code", "name"] for row in results)
    return [row["name"] for row in results]


def test_what_begins_so_comes_first(rows: Catalogue) -> None:
    rows.create("shok", name="Code")
    rows.create(name="Шоколад")
    rows.create(name="Сутли шоколад")
    rows.create(name="Электрошокер")
    for q in ("shok", "Shok", "SHOK "):
        assert suggest(rows, q) == ["Code", "Шоколад", "Сутли шоколад", "Электрошокер"], q
    assert suggest(rows, "шок")[:2] == ["Шоколад", "Сутли шоколад"]
    assert suggest(rows, "сутли шок") == ["Сутли шоколад"]


def test_ten_at_most(rows: Catalogue) -> None:
    for number in range(12):
        rows.create(name=f"Олма {number}")
    assert suggest(rows, "ол") == [f"Олма {number}" for number in range(11, 1, -1)]


def test_nothing_typed(rows: Catalogue) -> None:
    rows.create()
    for q in ("", " ", "'"):
        assert suggest(rows, q) == []
    assert ok(rows.call("GET", f"{rows.base}suggest/")) == {"results": []}


def test_typing_errors(rows: Catalogue) -> None:
    code = rows.create(name="Шоколад")[rows.code]
    answer = ok(rows.call("GET", f"{rows.base}suggest/", query_string={"q": "шокал"}))
    assert answer == {"fuzzy": True, "results": [{"code": code, "name": "Шоколад"}]}
    assert suggest(rows, "шокал", fuzzy="false") == []


def test_deleted_rows_are_not_suggested(rows: Catalogue) -> None:
    rows.create("A", name="Олма")
    assert suggest(rows, "олма") == ["Олма"]
    rows.delete("A")
    assert suggest(rows, "олма") == []


def test_unchanged_is_told(rows: Catalogue) -> None:
    rows.create(name="Олма")
    path = f"{rows.base}suggest/?q=olma"
    first = rows.call("GET", path)
    known = {"If-None-Match": first.headers["ETag"]}
    assert rows.call("GET", path, headers=known).status_code == 304
    rows.create(name="Олма 2")
    assert len(ok(rows.call("GET", path, headers=known))["results"]) == 2


def test_what_cannot_be_asked(rows: Catalogue) -> None:
    path = f"{rows.base}suggest/"
    long = {"q": ["Ensure this field has no more than 500 characters."]}
    refused(rows.call("GET", path, query_string={"q": "x" * 501}), long)
    many = {"q": ["Ensure this field has no more than 32 words."]}
    refused(rows.call("GET", path, query_string={"q": " ".join(map(str, range(33)))}), many)
    refused(rows.call("POST", path, json={}), {"detail": 'Method "POST" not allowed.'}, status=405)


@pytest.mark.parametrize("resource", [PROJECT, CLIENT], indirect=True, ids=lambda item: item.name)
def test_reading_rights_are_those_of_the_rows(client: FlaskClient, resource: Resource) -> None:
    answer = client.get(f"/api/v1/{resource.name}/suggest/?q=a")
    assert answer.status_code == (200 if resource.anonymous_read else 401)


def test_suggestions_within_a_project(children: Catalogue, projects: Catalogue) -> None:
    first, second = projects.create("P1"), projects.create("P2")
    children.create(name="Олма 1", project="P1")
    children.create(name="Олма 2", project_id=second["id"])
    path = f"{children.base}suggest/"
    for chosen in ({"project": "P1"}, {"project_id": str(first["id"])}):
        answer = ok(children.call("GET", path, query_string={"q": "олма", **chosen}))
        assert [row["name"] for row in answer["results"]] == ["Олма 1"]
