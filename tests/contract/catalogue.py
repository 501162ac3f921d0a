"""A resource as a client of the API sees it: addresses and calls, and valid bodies for them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ecatalog.catalog.resource import Resource

Row = dict[str, Any]


@dataclass
class Catalogue:
    """Calls of one resource, signed in as ``headers`` say."""

    client: FlaskClient
    resource: Resource
    headers: dict[str, str]
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def code(self) -> str:
        """The name of the field that holds the code."""
        return self.resource.code

    @property
    def base(self) -> str:
        return f"/api/v1/{self.resource.name}/"

    def path(self, code: str, suffix: str = "") -> str:
        """The address of a row, every special character percent-encoded."""
        return f"{self.base}{quote(code, safe='')}/{suffix}"

    def body(self, code: str | None = None, **values: Any) -> Row:
        """The smallest valid body, with a code of its own unless one is given."""
        number = next(self._numbers)
        return {self.code: code or f"C-{number:05}", "name": f"Row {number:05}", **values}

    def post(self, body: Any, **options: Any) -> TestResponse:
        return self.client.post(self.base, json=body, headers=self._headers(options), **options)

    def create(self, code: str | None = None, **values: Any) -> Row:
        """A new row, as POST answers it."""
        return ok(self.post(self.body(code, **values)), 201)

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        return self.client.open(path, method=method, headers=self._headers(options), **options)

    def get(self, code: str, suffix: str = "", **options: Any) -> TestResponse:
        return self.call("GET", self.path(code, suffix), **options)

    def put(self, code: str, body: Row, **options: Any) -> TestResponse:
        return self.call("PUT", self.path(code), json=body, **options)

    def patch(self, code: str, body: Row, **options: Any) -> TestResponse:
        return self.call("PATCH", self.path(code), json=body, **options)

    def delete(self, code: str, **options: Any) -> TestResponse:
        return self.call("DELETE", self.path(code), **options)

    def restore(self, code: str, **options: Any) -> TestResponse:
        return self.call("POST", self.path(code, "restore/"), **options)

    def by_code(self, method: str, code: str, suffix: str = "", **options: Any) -> TestResponse:
        query = {"code": code, **options.pop("query", {})}
        return self.call(method, f"{self.base}by-code/{suffix}", query_string=query, **options)

    def page(self, **parameters: Any) -> Row:
        """The envelope of one page."""
        return ok(self.call("GET", self.base, query_string=parameters))

    def codes(self, **parameters: Any) -> list[str]:
        """The codes on one page, in order."""
        return [row[self.code] for row in self.page(**parameters)["results"]]

    def changes(self, **parameters: Any) -> Row:
        return ok(self.call("GET", f"{self.base}changes/", query_string=parameters))

    def history(self, code: str, **parameters: Any) -> list[Row]:
        """The entries on one page of a row's history, newest first."""
        entries: list[Row] = ok(self.get(code, "history/", query_string=parameters))["results"]
        return entries

    def _headers(self, options: dict[str, Any]) -> dict[str, str]:
        return {**self.headers, **options.pop("headers", {})}


def ok(answer: TestResponse, status: int = 200) -> Row:
    """The JSON object of an answer that has to have this status."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    body = answer.get_json()
    assert isinstance(body, dict)
    return body


def refused(answer: TestResponse, body: Row, status: int = 400) -> None:
    """Assert that the answer is this refusal, word for word."""
    assert (answer.status_code, answer.get_json()) == (status, body)
    assert answer.content_type == "application/json"
