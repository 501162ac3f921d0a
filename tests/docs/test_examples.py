"""What the document shows is what its schemas say, and what the service takes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.docs.document import Document, examples

pytestmark = pytest.mark.any_database

Headers = dict[str, str]
RESOURCES = ("project", "client", "nomenklatura")
CODES = {"project": "code_1c", "client": "client_code_1c", "nomenklatura": "code_1c"}


def test_example_answers_fit_their_schemas(document: Document) -> None:
    for operation in document.operations:
        for status in operation.doc["responses"]:
            for content in document.response(operation, int(status)).get("content", {}).values():
                for example in examples(content):
                    assert document.errors(example, content["schema"]) == [], f"{operation}: {status}"


def test_example_bodies_fit_their_schemas(document: Document) -> None:
    bodies = 0
    for operation in document.operations:
        for media_type, content in operation.doc.get("requestBody", {}).get("content", {}).items():
            for example in examples(content):
                bodies += 1
                assert document.errors(example, content["schema"]) == [], f"{operation}: {media_type}"
    assert bodies > 50


def test_example_parameters_fit_their_schemas(document: Document) -> None:
    for operation in document.operations:
        for parameter in document.parameters(operation):
            if "example" in parameter:
                assert document.errors(parameter["example"], parameter["schema"]) == []


def test_examples_of_fields_fit_their_schemas(document: Document) -> None:
    for name, schema in document.content["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            for example in described.get("examples", ()):
                assert document.errors(example, described) == [], f"{name}.{field}"


def body_examples(document: Document, method: str, path: str, media_type: str) -> list[Any]:
    content = document.operation(method, path).doc["requestBody"]["content"][media_type]
    found = list(examples(content))
    assert found, f"{method} {path}"
    return found


def send(
    client: FlaskClient, method: str, path: str, body: Any, media_type: str, headers: Headers
) -> TestResponse:
    if media_type == "application/json":
        return client.open(path, method=method, json=body, headers=headers)
    return client.open(path, method=method, data=body, content_type=media_type, headers=headers)


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
)
@pytest.mark.parametrize("name", RESOURCES)
def test_the_service_takes_the_example_bodies(
    client: FlaskClient, document: Document, editor: Headers, name: str, media_type: str
) -> None:
    if name != "project":
        (project,) = body_examples(document, "post", "/api/v1/project/", "application/json")
        assert client.post("/api/v1/project/", json=project, headers=editor).status_code == 201
    base, row = f"/api/v1/{name}/", f"/api/v1/{name}/{{{CODES[name]}}}/"
    (body,) = body_examples(document, "post", base, media_type)
    created = send(client, "POST", base, body, media_type, editor)
    assert created.status_code == 201
    path = f"{base}{body[CODES[name]]}/"
    for method in ("put", "patch"):
        for example in body_examples(document, method, row, media_type):
            answer = send(client, method.upper(), path, example, media_type, editor)
            assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", RESOURCES)
def test_the_example_row_is_what_the_example_body_makes(
    client: FlaskClient, document: Document, editor: Headers, name: str
) -> None:
    """Also the values of fields that the body leaves out."""
    (project,) = body_examples(document, "post", "/api/v1/project/", "application/json")
    if name != "project":
        client.post("/api/v1/project/", json=project, headers=editor)
    operation = document.operation("post", f"/api/v1/{name}/")
    (body,) = body_examples(document, "post", operation.path, "application/json")
    made = client.post(operation.path, json=body, headers=editor).get_json()
    (shown,) = examples(document.response(operation, 201)["content"]["application/json"])
    own = {"id", "created_at", "updated_at", "project"}
    assert {key: value for key, value in made.items() if key not in own} == {
        key: value for key, value in shown.items() if key not in own
    }
    assert list(made) == list(shown)
    for key in ("code_1c", "name") if name != "project" else ():
        assert made["project"][key] == shown["project"][key]


# Bodies: (field, values that are taken, values that are refused); the schema must agree with the service.
NUMBERS: list[tuple[str, list[Any], list[Any]]] = [
    ("annual_revenue", ["12.50", 12.5, 12, "-3", None], ["12.505", "abc", True, [], 10**13]),
    ("rating", ["4.5", 4, 5, 0, None], ["-1", 5.5, -1, "x"]),
    ("latitude", ["41.311081", 41.3, -90], [91, "1234.5"]),
    ("employee_count", [12, "12", 0, None], [1.5, -1, True, "12.5", 2**31]),
    ("priority", [0, 100, "7"], [101, -1, "seven"]),
    ("established_date", ["2026-01-31", None], ["31.01.2026", 20260131]),
    ("is_active", [True, False, 1, 0, "true", "false", "yes", "0"], [None, 2, "maybe", []]),
    ("tags", [[], ["a", 1], None], [{}, "a", 1]),
    ("metadata", [{}, {"a": {"b": [1]}}, None], [[], "a"]),
    ("email", ["info@example.com", None], ["nobody", []]),
    ("name", ["Aʼlo", "a" * 255], [None, "", "   ", "a" * 256, []]),
    ("client_code_1c", ["НФ/1 #2", "007"], [None, "", " ", "a\u0001b", "a" * 101]),
    ("city", [None, "", "Toshkent"], ["a" * 101, [], {}]),
    ("project_id", [None], ["x", 0, -5]),
    ("project", [None], [[]]),
]


@pytest.mark.parametrize(("field", "taken", "refused"), NUMBERS, ids=[case[0] for case in NUMBERS])
def test_bodies_are_what_the_schema_says(
    client: FlaskClient,
    document: Document,
    editor: Headers,
    field: str,
    taken: list[Any],
    refused: list[Any],
) -> None:
    numbers = itertools.count()
    operation = document.operation("post", "/api/v1/client/")
    schema = operation.doc["requestBody"]["content"]["application/json"]["schema"]
    for value, status in [*((value, 201) for value in taken), *((value, 400) for value in refused)]:
        body = {"client_code_1c": f"C-{next(numbers)}", "name": "Row", field: value}
        answer = client.post("/api/v1/client/", json=body, headers=editor)
        assert answer.status_code == status, f"{value!r}: {answer.text}"
        assert (document.errors(body, schema) == []) == (status == 201), f"{value!r}"
        document.check_answer(operation, answer)


# Query parameters, as text and as the value that a client generator would hold.
QUERIES: list[tuple[str, list[Any], list[Any]]] = [
    ("page", [1, "last"], ["first", 1.5]),
    ("page_size", [1, 50], [0, "many"]),
    ("offset", [0, 5], [-1, "x"]),
    ("project_id", [1, "null"], ["none", 1.5]),
    ("is_active", [True, False, "1", "0", "yes", "off"], ["maybe", "2"]),
    ("in_stock", ["true", "n"], ["some"]),
    ("price_min", ["12.50", "0"], ["cheap", "1.234"]),
    ("rating", ["4.50"], ["x", "-1"]),
    ("description_status", ["with", "without"], ["maybe"]),
    ("created_from", ["2026-01-31", "2026-01-31T09:30:00Z"], ["yesterday"]),
    ("expiry_date", ["2026-01-31"], ["31.01.2026"]),
    ("warranty_period", [12], [-1, "x"]),
    ("sku", ["SHK-100"], ["a" * 101]),
]


@pytest.mark.parametrize(("name", "taken", "refused"), QUERIES, ids=[case[0] for case in QUERIES])
def test_queries_are_what_the_schema_says(
    client: FlaskClient, document: Document, name: str, taken: list[Any], refused: list[Any]
) -> None:
    operation = document.operation("get", "/api/v1/nomenklatura/")
    (parameter,) = (item for item in document.parameters(operation) if item["name"] == name)
    for value, status in [*((value, 200) for value in taken), *((value, 400) for value in refused)]:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        answer = client.get(operation.path, query_string={name: text})
        assert answer.status_code == status, f"{value!r}: {answer.text}"
        assert (document.errors(value, parameter["schema"]) == []) == (status == 200), f"{value!r}"
        document.check_answer(operation, answer)


def test_the_code_in_a_query_is_required(document: Document, auth: Callable[..., Headers]) -> None:
    for name in RESOURCES:
        operation = document.operation("get", f"/api/v1/{name}/by-code/")
        (code,) = (item for item in document.parameters(operation) if item["name"] == "code")
        assert code["required"]
        assert code["example"]
