"""SQL in every parameter and body stays a value."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from ecatalog.catalog.query import filter_schema
from ecatalog.catalog.resource import Resource
from ecatalog.resources import RESOURCES

PAYLOADS = (
    "' OR '1'='1",
    "'; DROP TABLE project; --",
    '" OR ""="',
    "1) OR (1=1",
    "name; SELECT pg_sleep(5)",
    "x' || pg_sleep(5) || '",
    "' UNION SELECT password_hash FROM app_user --",
    "\\' OR 1=1 --",
    "%' OR name LIKE '%",
    "$$; SELECT 1; $$",
    "{{7*7}}${7*7}",
)
Auth = Callable[..., dict[str, str]]


def cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
def test_every_parameter_of_a_list(client: FlaskClient, auth: Auth, resource: Resource) -> None:
    base, headers = f"/api/v1/{resource.name}/", auth()
    for number in range(3):
        body = {resource.code: f"C{number}", "name": f"Row {number}"}
        assert client.post(base, json=body, headers=headers).status_code == 201
    names = sorted({*filter_schema(resource)().fields, "cursor", "page", "page_size", "limit", "offset"})
    assert {"search", "ordering", "name", "name_contains"} <= set(names)
    for name in names:
        for payload in PAYLOADS:
            begun = time.monotonic()
            answer = client.get(base, query_string={name: payload}, headers=headers)
            assert time.monotonic() - begun < 4  # of the 5 s that a payload sleeps
            assert answer.status_code in (200, 400, 404), f"{name}={payload}: {answer.text}"
            if answer.status_code == 200:  # a text that no row has
                assert answer.get_json()["results"] == [], f"{name}={payload}"
            assert "password_hash" not in answer.text.replace(payload, "")
    assert client.get(base, headers=headers).get_json()["count"] == 3


@pytest.mark.parametrize("payload", PAYLOADS)
def test_codes_cursors_and_bodies(client: FlaskClient, auth: Auth, payload: str) -> None:
    headers = auth()
    base = "/api/v1/nomenklatura/"
    row = {"code_1c": payload, "name": payload, "tags": [payload], "metadata": {payload: payload}}
    made = client.post(base, json=row, headers=headers)
    assert made.status_code == 201
    assert {key: made.get_json()[key] for key in row} == row
    for address in (f"{base}{quote(payload, safe='')}/", f"{base}by-code/?code={quote(payload)}"):
        assert client.get(address).get_json()["name"] == payload
    for parts in (
        (False, "name,id", payload, 1),
        (False, payload, "x", 1),
        (payload, payload, payload, payload),
    ):
        answer = client.get(base, query_string={"cursor": cursor(*parts), "ordering": "name"})
        assert answer.status_code in (200, 400)
        assert client.get(f"{base}changes/", query_string={"since": cursor(*parts)}).status_code in (400, 410)
    assert client.get(base, query_string={"project": payload}).get_json()["results"] == []
    answer = client.post(f"{base}bulk/", json=[row | {"project": payload}], headers=headers)
    assert answer.get_json()["failed"] == 1
    assert client.post("/api/token/", json={"username": payload, "password": payload}).status_code == 401
    assert client.get(base).get_json()["count"] == 1
