"""Real answers are those that the document announces: status, media type and schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import MakeUser
from tests.docs.document import Document, Json

pytestmark = pytest.mark.any_database

Headers = dict[str, str]
RESOURCES = ("project", "client", "nomenklatura")
CODES = {"project": "code_1c", "client": "client_code_1c", "nomenklatura": "code_1c"}
FULL: dict[str, Json] = {
    "project": {"title": "Sarlavha", "description": "<p>Matn</p>"},
    "client": {
        "email": "info@example.com",
        "website": "https://example.com/",
        "annual_revenue": "-12.5",
        "latitude": 41.311081,
        "social_media": {"telegram": "@a"},
        "additional_phones": ["+998901234567"],
        "established_date": "2020-02-29",
        "rating": 5,
        "priority": 100,
    },
    "nomenklatura": {
        "base_price": 12000,
        "stock_quantity": "1.125",
        "weight": "0.5",
        "warranty_period": 12,
        "expiry_date": "2027-12-31",
        "metadata": {"a": None},
    },
}


@dataclass
class Caller:
    """Calls the service, and checks each answer against the document."""

    client: FlaskClient
    document: Document
    headers: Headers

    def call(
        self, method: str, path: str, *names: str, status: int, headers: Headers | None = None, **options: Any
    ) -> TestResponse:
        """``names`` fill the ``{…}`` of the path, as the document writes it."""
        address = path
        for name in names:
            address = address[: address.index("{")] + name + address[address.index("}") + 1 :]
        answer = self.client.open(
            address, method=method, headers={**self.headers, **(headers or {})}, **options
        )
        assert answer.status_code == status, answer.text
        operation = self.document.operation(method.lower(), path)
        self.document.check_answer(operation, answer)
        announced = self.document.response(operation, status).get("headers", {})
        assert {name for name in announced if name not in answer.headers} == set()
        return answer


@pytest.fixture
def caller(client: FlaskClient, document: Document, editor: Headers) -> Caller:
    return Caller(client, document, editor)


@pytest.mark.parametrize("name", RESOURCES)
def test_rows(caller: Caller, name: str) -> None:
    base, row = f"/api/v1/{name}/", f"/api/v1/{name}/{{{CODES[name]}}}/"
    caller.call("POST", "/api/v1/project/", json={"code_1c": "P", "name": "Loyiha"}, status=201)
    bare = {CODES[name]: "A", "name": "Bare"}
    full = {CODES[name]: "B", "name": "Full", **FULL[name]}
    if name != "project":
        full["project"] = "P"
    caller.call("POST", base, json=bare, status=201)
    etag = caller.call("POST", base, json=full, status=201).headers["ETag"]

    caller.call("GET", row, "B", status=200)
    caller.call("GET", row, "B", headers={"If-None-Match": etag}, status=304)
    listed = caller.call("GET", base, query_string={"page_size": 1}, status=200)
    assert listed.get_json()["next"]
    caller.call("GET", base, query_string={"page": "last"}, status=200)
    caller.call("GET", base, headers={"If-None-Match": "*"}, status=304)
    caller.call("PUT", row, "B", json=full, status=200)
    caller.call("PATCH", row, "B", json={"name": "Other"}, status=200)
    caller.call("PATCH", row, "B", json={"name": "X"}, headers={"If-Match": '"0"'}, status=412)
    caller.call("GET", f"{row}history/", "B", status=200)
    caller.call("DELETE", row, "B", status=204)
    assert any(
        item["deleted"] for item in caller.call("GET", f"{base}changes/", status=200).get_json()["results"]
    )
    caller.call("POST", f"{row}restore/", "B", status=200)
    by_code = {"query_string": {"code": "B"}}
    caller.call("GET", f"{base}by-code/", **by_code, status=200)
    caller.call("PATCH", f"{base}by-code/", **by_code, json={"name": "Y"}, status=200)
    caller.call("GET", f"{base}by-code/history/", **by_code, status=200)
    caller.call("DELETE", f"{base}by-code/", **by_code, status=204)
    caller.call("POST", f"{base}by-code/restore/", **by_code, status=200)


@pytest.mark.parametrize("name", RESOURCES)
def test_errors_of_rows(
    caller: Caller, auth: Callable[..., Headers], client: FlaskClient, document: Document, name: str
) -> None:
    base, row = f"/api/v1/{name}/", f"/api/v1/{name}/{{{CODES[name]}}}/"
    caller.call("GET", row, "none", status=404)
    caller.call("GET", base, query_string={"page": 99}, status=404)
    caller.call("GET", base, query_string={"ordering": "secret"}, status=400)
    caller.call("POST", base, json={}, status=400)
    caller.call("POST", base, json=[], status=400)
    caller.call("POST", base, data="{", content_type="application/json", status=400)
    caller.call("POST", base, data="a", content_type="text/plain", status=415)
    caller.call("POST", base, data=b" " * 11_000_000, content_type="application/json", status=413)
    caller.call("POST", base, json={}, headers={"Host": "elsewhere.example"}, status=400)
    caller.call("POST", base, json={}, headers={"Accept": "application/problem+json"}, status=400)
    caller.call("GET", row, "none", headers={"Accept": "application/problem+json"}, status=404)
    caller.call("GET", f"{base}changes/", query_string={"since": "WyJ4IiwxLDFd"}, status=410)
    Caller(client, document, auth("viewer")).call("POST", base, json={}, status=403)
    Caller(client, document, {}).call("POST", base, json={}, status=401)
    Caller(client, document, {"Authorization": "Bearer x"}).call("GET", base, status=401)


def test_an_ambiguous_code(caller: Caller) -> None:
    for code in ("P1", "P2"):
        caller.call("POST", "/api/v1/project/", json={"code_1c": code, "name": code}, status=201)
        body = {"client_code_1c": "C", "name": "C", "project": code}
        caller.call("POST", "/api/v1/client/", json=body, status=201)
    caller.call("POST", "/api/v1/client/", json={"client_code_1c": "C", "name": "C"}, status=201)
    answer = caller.call("GET", "/api/v1/client/{client_code_1c}/", "C", status=409)
    assert len(answer.get_json()["projects"]) == 3


def test_a_wrong_method(client: FlaskClient, document: Document) -> None:
    answer = client.delete("/api/v1/project/")
    assert answer.status_code == 405
    document.check_answer(document.operation("get", "/api/v1/project/"), answer)


def test_tokens(client: FlaskClient, document: Document, make_user: MakeUser) -> None:
    make_user("anvar", password="olma-daraxti-7")
    caller = Caller(client, document, {})
    credentials = {"username": "anvar", "password": "olma-daraxti-7"}
    pair = caller.call("POST", "/api/token/", json=credentials, status=200).get_json()
    caller.call("POST", "/api/token/", json=credentials | {"password": "no"}, status=401)
    caller.call("POST", "/api/token/", json={}, status=400)
    caller.call("POST", "/api/token/verify/", json={"token": pair["access"]}, status=200)
    caller.call("POST", "/api/token/verify/", json={"token": "x"}, status=401)
    fresh = caller.call(
        "POST", "/api/token/refresh/", json={"refresh": pair["refresh"]}, status=200
    ).get_json()
    caller.call("POST", "/api/token/refresh/", json={"refresh": pair["access"]}, status=401)
    caller.call("POST", "/api/token/logout/", json={"refresh": fresh["refresh"]}, status=200)
    caller.call("POST", "/api/token/logout/", json={"refresh": fresh["refresh"]}, status=401)


def test_probes_and_index(client: FlaskClient, document: Document) -> None:
    caller = Caller(client, document, {})
    for path in ("/livez", "/readyz", "/api/v1/"):
        caller.call("GET", path, status=200)


def test_a_limit(make_app: Callable[..., Flask]) -> None:
    client = make_app(ratelimit_anon="3/hour").test_client()
    document = Document(client.get("/api/schema/").get_json())
    caller = Caller(client, document, {})
    caller.call("GET", "/api/v1/project/", status=200)
    caller.call("GET", "/api/v1/project/", status=200)
    caller.call("GET", "/api/v1/project/", status=429)
    caller.call("GET", "/api/schema/", status=429)
