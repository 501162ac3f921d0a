"""The OpenAPI document is valid, and says everything of everything."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.docs.document import METHODS, Document, Operation, examples

pytestmark = pytest.mark.any_database

# The way to the pages, and their files: nobody calls them by themselves.
NOT_IN_THE_DOCUMENT = {
    "/.well-known/security.txt",
    "/",
    "/api/{page}/assets/{name}",
    "/media/{name}",
    "/static/{version}/{page}/{name}",
}
UNCOUNTED = {"/api/v1/", "/livez", "/readyz", "/metrics"}


def routes(app: Flask) -> set[tuple[str, str]]:
    """(path as the document writes it, method) of every route."""
    found = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule)
        methods = {method.lower() for method in rule.methods or ()}
        found |= {(path, method) for method in methods & set(METHODS)}
    return found


def test_it_is_valid(document: Document) -> None:
    assert document.content["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document.content).iter_errors()] == []


def test_every_route_is_in_it_and_nothing_else(app: Flask, document: Document) -> None:
    documented = {(operation.path, operation.method) for operation in document.operations}
    served = {(path, method) for path, method in routes(app) if path not in NOT_IN_THE_DOCUMENT}
    assert documented == served
    assert {path for path, _method in routes(app)} >= NOT_IN_THE_DOCUMENT


def test_methods_that_are_not_documented_are_answered_by_flask(app: Flask) -> None:
    """HEAD and OPTIONS alone are left out; the opening text names them."""
    for rule in app.url_map.iter_rules():
        assert (rule.methods or set()) - {method.upper() for method in METHODS} <= {"HEAD", "OPTIONS"}


def test_every_operation_is_described(document: Document) -> None:
    tags = {tag["name"]: tag for tag in document.content["tags"]}
    for operation in document.operations:
        assert operation.doc["summary"], operation
        assert len(operation.doc["tags"]) == 1, operation
        assert tags[operation.doc["tags"][0]]["description"], operation
        assert "security" in operation.doc, operation
    names = [operation.doc["operationId"] for operation in document.operations]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z_]*", name) for name in names), names


def test_parameters_are_described_and_unique(document: Document) -> None:
    for operation in document.operations:
        parameters = document.parameters(operation)
        keys = [(parameter["in"], parameter["name"]) for parameter in parameters]
        assert len(set(keys)) == len(keys), operation
        for parameter in parameters:
            assert parameter["description"], f"{operation}: {parameter['name']}"
            assert parameter["schema"], f"{operation}: {parameter['name']}"
        in_path = {name for place, name in keys if place == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", operation.path)), operation


def test_optional_parameters_are_not_filled_in_by_the_pages(document: Document) -> None:
    for operation in document.operations:
        for parameter in document.parameters(operation):
            if not parameter.get("required"):
                filling = {"example", "examples", "default"}
                assert not filling & {*parameter, *parameter["schema"]}, f"{operation}: {parameter['name']}"


def test_lists_have_their_filters_and_paging(document: Document) -> None:
    operation = document.operation("get", "/api/v1/nomenklatura/")
    names = {parameter["name"] for parameter in document.parameters(operation)}
    assert names >= {"page", "page_size", "limit", "offset", "cursor", "search", "ordering", "project"}
    assert names >= {"project_id", "price_min", "in_stock", "description_status", "created_from", "sku"}
    assert "If-None-Match" in names


def test_conditional_headers(document: Document) -> None:
    for operation in document.operations:
        names = {parameter["name"] for parameter in document.parameters(operation)}
        statuses = operation.doc["responses"]
        assert ("If-Match" in names) == ("412" in statuses), operation
        assert ("If-None-Match" in names) == ("304" in statuses), operation


def test_every_success_has_an_example(document: Document) -> None:
    for operation in document.operations:
        successes = [status for status in operation.doc["responses"] if status.startswith("2")]
        assert successes, operation
        for status in successes:
            response = document.response(operation, int(status))
            for content in response.get("content", {}).values():
                assert list(examples(content)), operation
                assert content["schema"], operation
            assert "content" in response or status == "204", operation


def expected_errors(operation: Operation) -> set[str]:
    """What an operation of this kind can always answer."""
    expected = {"405", "500"}
    if operation.path not in ("/livez", "/readyz", "/metrics"):
        expected |= {"400"}
    if operation.path not in UNCOUNTED:
        expected |= {"429"}
    if "requestBody" in operation.doc:
        expected |= {"413", "415"}
    if {} not in operation.doc["security"] and operation.doc["security"]:
        expected |= {"401"}
        expected |= {"403"} if operation.method != "get" else set()
    if "code" in operation.path:
        expected |= {"404"}
        expected |= {"409"} if "/project/" not in operation.path else set()
    if operation.path.startswith("/api/v1/") and operation.path not in UNCOUNTED:
        expected |= {"503"}
    return expected


def test_every_error_is_declared_with_an_example(document: Document) -> None:
    for operation in document.operations:
        missing = expected_errors(operation) - set(operation.doc["responses"])
        assert not missing, f"{operation}: {missing}"
        for status in operation.doc["responses"]:
            if status >= "400":
                for content in document.response(operation, int(status))["content"].values():
                    assert list(examples(content)), f"{operation}: {status}"


def test_headers_that_clients_use(document: Document) -> None:
    limits = {
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "RateLimit",
        "RateLimit-Policy",
    }
    by_status = {
        "401": {"WWW-Authenticate"},
        "405": {"Allow"},
        "429": {"Retry-After"} | limits,
        "503": {"Retry-After"},
        "304": set(),
    }
    for operation in document.operations:
        for status in operation.doc["responses"]:
            headers = set(document.response(operation, int(status)).get("headers", {}))
            expected = by_status.get(status, set()) | {"X-Request-ID"}
            if status.startswith("2") and operation.path not in UNCOUNTED:
                expected = expected | limits
            if operation.path == "/readyz":
                expected -= {"Retry-After"}
            assert headers >= expected, f"{operation}: {status}"
    for method in ("get", "put", "patch"):
        row = document.response(document.operation(method, "/api/v1/client/{client_code_1c}/"), 200)
        assert "ETag" in row["headers"]


def test_security(document: Document) -> None:
    bearer: dict[str, list[str]] = {"bearerAuth": []}
    security = {str(operation): operation.doc["security"] for operation in document.operations}
    assert security["POST /api/token/"] == []
    assert security["GET /api/v1/"] == []
    assert security["GET /api/v1/project/"] == [{}, bearer]
    assert security["GET /api/v1/client/"] == [bearer]
    assert security["POST /api/v1/nomenklatura/"] == [bearer]
    assert document.content["components"]["securitySchemes"]["bearerAuth"]["scheme"] == "bearer"


def test_the_server_is_wherever_the_document_is(document: Document, client: FlaskClient) -> None:
    assert [server["url"] for server in document.content["servers"]] == ["/"]
    assert b"localhost" not in client.get("/api/schema/", headers={"Host": "localhost"}).data


def test_no_component_is_left_over(document: Document, client: FlaskClient) -> None:
    text = client.get("/api/schema/").text
    for kind in ("schemas", "responses", "parameters", "headers"):
        for name in document.content["components"][kind]:
            assert f'"#/components/{kind}/{name}"' in text, f"{kind}/{name}"


def test_it_is_made_once_and_revalidated(client: FlaskClient) -> None:
    first = client.get("/api/schema/")
    assert first.mimetype == "application/json"
    assert first.headers["Cache-Control"] == "public, no-cache"
    again = client.get("/api/schema/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get("/api/schema/").data == first.data
