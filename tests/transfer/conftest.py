"""What the tests of imports and exports share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from ecatalog.catalog import clock
from ecatalog.catalog.clock import ClockReading
from ecatalog.catalog.models import HistoryEntry
from ecatalog.catalog.resource import Resource
from ecatalog.extensions import db

Row = dict[str, Any]
NDJSON = "application/x-ndjson"


def ndjson(rows: Iterable[Any]) -> bytes:
    """Rows as NDJSON."""
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def items(*numbers: int, **values: Any) -> list[Row]:
    """Items of these numbers: ``items(1, 2, brand="Nestle")``."""
    return [{"code_1c": f"{number:05}", "name": f"Товар {number}", **values} for number in numbers]


@dataclass
class Desk:
    """Sends rows to one resource as an editor, and looks at what the database holds then."""

    app: Flask
    client: FlaskClient
    headers: dict[str, str]
    name: str = "nomenklatura"
    sent: dict[str, Any] = field(default_factory=dict)

    def of(self, name: str) -> Desk:
        """The same for another resource."""
        return Desk(self.app, self.client, self.headers, name)

    @property
    def resource(self) -> Resource:
        found: Resource = self.app.extensions["ecatalog_resources"][self.name]
        return found

    @property
    def base(self) -> str:
        return f"/api/v1/{self.name}/"

    def bulk(self, body: Any, *, key: str | None = None, **query: Any) -> TestResponse:
        """Send rows as JSON (a list or a dict) or as NDJSON (bytes or a stream)."""
        headers = self.headers | ({"Idempotency-Key": key} if key is not None else {})
        options: dict[str, Any] = {"headers": headers, "query_string": query}
        path = f"{self.base}bulk/"
        if isinstance(body, (list, dict)):
            return self.client.post(path, json=body, **options)
        if isinstance(body, bytes):
            return self.client.post(path, data=body, content_type=NDJSON, **options)
        # As gunicorn hands over a chunked body.
        chunked = {
            "wsgi.input": body,
            "wsgi.input_terminated": True,
            "HTTP_TRANSFER_ENCODING": "chunked",
        }
        return self.client.post(path, content_type=NDJSON, environ_overrides=chunked, **options)

    def report(self, body: Any, **query: Any) -> dict[str, Any]:
        """The report of a call that goes well."""
        answer = self.bulk(body, **query)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.get_json()
        return told

    def upload(self, file: BinaryIO, name: str = "rows.xlsx", **form: Any) -> TestResponse:
        """Send a file to ``import-xlsx``; ``query_…`` goes into the query, ``key`` is the Idempotency-Key."""
        key = form.pop("key", None)
        query = {key.removeprefix("query_"): form.pop(key) for key in list(form) if key.startswith("query_")}
        headers = self.headers | ({"Idempotency-Key": key} if key is not None else {})
        # Left to itself the client would put large bodies into a file that nobody closes.
        boundary, content = encode_multipart({"file": FileStorage(file, name), **form})
        return self.client.post(
            f"{self.base}import-xlsx/",
            data=content,
            content_type=f"multipart/form-data; boundary={boundary}",
            headers=headers,
            query_string=query,
        )

    def get(self, path: str = "", **query: Any) -> TestResponse:
        return self.client.get(f"{self.base}{path}", headers=self.headers, query_string=query)

    def row(self, code: str, **query: Any) -> Row:
        """A row as the API shows it."""
        answer = self.get("by-code/", code=code, **query)
        assert answer.status_code == 200, answer.text
        shown: Row = answer.get_json()
        return shown

    def codes(self, **query: Any) -> list[str]:
        """The codes of a list, in alphabetic order."""
        answer = self.get(page_size=100, **query)
        assert answer.status_code == 200, answer.text
        return sorted(row[self.resource.code] for row in answer.get_json()["results"])

    def count(self) -> int:
        """Rows in the table, deleted ones included."""
        with self.app.app_context():
            return db.session.scalar(sa.select(sa.func.count()).select_from(self.resource.model)) or 0

    def clock(self) -> ClockReading:
        with self.app.app_context():
            return clock.read([self.name])[self.name]

    def stored(self, code: str) -> Any:
        """The row of the table, detached."""
        model: Any = self.resource.model
        with self.app.app_context():
            row = db.session.scalar(sa.select(model).where(getattr(model, self.resource.code) == code))
            db.session.expunge(row)
        return row

    def history(self, code: str) -> list[HistoryEntry]:
        """The row's changes, oldest first."""
        row_id = self.stored(code).id
        with self.app.app_context():
            statement = sa.select(HistoryEntry).where(
                HistoryEntry.resource == self.name, HistoryEntry.row_id == row_id
            )
            found = list(db.session.scalars(statement.order_by(HistoryEntry.id)))
            db.session.expunge_all()
        return found

    def check_live_rows(self) -> None:
        """The clock's count is what counting gives."""
        model = self.resource.model
        with self.app.app_context():
            live = db.session.scalar(sa.select(sa.func.count()).select_from(model).where(~model.is_deleted))
        assert self.clock().live_rows == live


@pytest.fixture
def desk(app: Flask, client: FlaskClient, auth: Callable[..., dict[str, str]]) -> Desk:
    """A writer at the items."""
    return Desk(app, client, auth("editor"))


@pytest.fixture
def projects(desk: Desk) -> dict[str, int]:
    """Two projects, P1 and P2, by code; their ids."""
    report = desk.of("project").report([{"code_1c": "P1", "name": "Бир"}, {"code_1c": "P2", "name": "Икки"}])
    assert report["created"] == 2
    return {code: desk.of("project").row(code)["id"] for code in ("P1", "P2")}
