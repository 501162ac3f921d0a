"""Errors as problem details, and failures of ours, which tell an id and no cause."""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.extensions import db
from ecatalog.session_read import SessionRead
from tests.contract.catalogue import Catalogue, refused

PROBLEM = {"Accept": "application/problem+json"}


@pytest.mark.parametrize(
    ("accept", "is_problem"),
    [
        ("Application/Problem+JSON", True),
        ("application/problem+json; charset=utf-8", True),
        ("text/html, application/json, application/problem+json", True),
        ("*/*, application/problem+json;q=0.1", True),
        ("application/json;q=0.5, application/problem+json;q=0.6", True),
        ("application/json, application/problem+json;q=0.5", False),
        ("application/problem+json;q=0", False),
        ("application/problem+json;q=0, */*", False),
        ("application/problem+json-seq", False),
        ("x-application/problem+json", False),
        ("application/*", False),
        ("*/*", False),
        ("", False),
        (";q=,,;", False),
    ],
)
def test_who_asks_for_problem_details(projects: Catalogue, accept: str, is_problem: bool) -> None:
    answer = projects.get("none", headers={"Accept": accept})
    assert answer.status_code == 404
    assert answer.content_type == ("application/problem+json" if is_problem else "application/json")


NO_TOKEN = {"detail": "Authentication credentials were not provided."}
REQUIRED = "This field is required."
SECRET = "SELECT password FROM app_user"


class TestProblemDetails:
    """The same facts as RFC 9457 for those who ask."""

    def test_field_errors(self, rows: Catalogue) -> None:
        answer = rows.call("POST", rows.base, json={}, headers=PROBLEM)
        assert answer.content_type == "application/problem+json"
        assert answer.get_json() == {
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "detail": "Invalid input.",
            "errors": {rows.code: [REQUIRED], "name": [REQUIRED]},
        }

    def test_details(self, client: FlaskClient, rows: Catalogue) -> None:
        stranger = Catalogue(client, rows.resource, {})
        missing = f"No {rows.resource.label} matches the given query."
        cases = [
            (rows.call("GET", rows.path("x"), headers=PROBLEM), 404, "Not Found", missing),
            (
                rows.call("PUT", rows.base, headers=PROBLEM),
                405,
                "Method Not Allowed",
                'Method "PUT" not allowed.',
            ),
            (stranger.call("POST", rows.base, headers=PROBLEM), 401, "Unauthorized", NO_TOKEN["detail"]),
        ]
        for answer, status, title, detail in cases:
            assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
            expected = {"type": "about:blank", "title": title, "status": status, "detail": detail}
            assert answer.get_json() == expected
        assert "WWW-Authenticate" in cases[2][0].headers
        assert "Allow" in cases[1][0].headers

    def test_other_members_stay(self, children: Catalogue, projects: Catalogue) -> None:
        owner = projects.create()
        children.create("T")
        children.create("T", project_id=owner["id"])
        body = children.get("T", headers=PROBLEM).get_json()
        assert (body["status"], body["title"]) == (409, "Conflict")
        assert [project and project["id"] for project in body["projects"]] == [None, owner["id"]]

    def test_success_stays_json(self, rows: Catalogue) -> None:
        rows.create("J")
        answer = rows.get("J", headers=PROBLEM)
        assert (answer.status_code, answer.content_type) == (200, "application/json")

    def test_any_other_accept_gets_json(self, rows: Catalogue) -> None:
        for accept in ("text/html", "*/*", "application/xml", ""):
            answer = rows.get("nobody", headers={"Accept": accept})
            assert (answer.status_code, answer.content_type) == (404, "application/json")


@contextmanager
def before_statements(engine: sa.Engine, look: Callable[[str], None]) -> Iterator[None]:
    """``look`` is shown each statement before it runs: SQLAlchemy's, and what goes to the driver as text."""

    def execute(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        look(statement)

    ask = SessionRead._ask

    def looked_at(read: SessionRead, *arguments: Any) -> Any:
        look(read._text_and_constants[0])
        return ask(read, *arguments)

    sa.event.listen(engine, "before_cursor_execute", execute)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SessionRead, "_ask", looked_at)
        yield
    sa.event.remove(engine, "before_cursor_execute", execute)


class TestUnforeseen:
    """Failures of ours: an id that finds the trace in the log, and no word about the cause."""

    @pytest.fixture
    def fail(self, app: Flask) -> Iterator[Callable[[Exception], None]]:
        """Makes every statement on a row's table or clock fail with the given error."""
        with app.app_context():
            engine = db.engine
        errors: list[Exception] = []

        def execute(statement: str) -> None:
            if errors and re.search(r"(FROM|INTO) project|resource_clock", statement):
                raise errors[-1]

        with before_statements(engine, execute):
            yield errors.append

    def calls(self, rows: Catalogue) -> list[Any]:
        return [
            rows.call("GET", rows.path("X"), headers={"X-Request-ID": "id-1"}),
            rows.call("POST", rows.base, json=rows.body(), headers={"X-Request-ID": "id-1"}),
            rows.call("PATCH", rows.path("X"), json={}, headers={"X-Request-ID": "id-1"}),
        ]

    @pytest.mark.parametrize(
        "error",
        [
            RuntimeError(SECRET),
            OSError(errno.EIO, SECRET),
            KeyError(SECRET),
            sa.exc.ProgrammingError(SECRET, {}, Exception(SECRET)),
            sa.exc.IntegrityError(SECRET, {}, Exception(SECRET)),
            sa.exc.DataError(SECRET, {}, Exception(SECRET)),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_internal_error(
        self,
        projects: Catalogue,
        fail: Callable[[Exception], None],
        error: Exception,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        fail(error)
        for answer in self.calls(projects):
            refused(answer, {"detail": "Internal server error.", "request_id": "id-1"}, 500)
            assert answer.headers["X-Request-ID"] == "id-1"
        logged = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert len(logged) == 3
        assert all(record.exc_info and record.exc_info[1] is error for record in logged)

    def test_database_away(self, projects: Catalogue, fail: Callable[[Exception], None]) -> None:
        for error in (
            sa.exc.OperationalError(SECRET, {}, Exception(SECRET)),
            sa.exc.InterfaceError(SECRET, {}, Exception(SECRET)),
            sa.exc.TimeoutError(SECRET),
            OSError(errno.ENOSPC, SECRET),  # a disk that is full
        ):
            fail(error)
            for answer in self.calls(projects):
                detail = {"detail": "Service temporarily unavailable, try again later."}
                refused(answer, detail, 503)
                assert int(answer.headers["Retry-After"]) > 0

    def test_as_problem_details(self, projects: Catalogue, fail: Callable[[Exception], None]) -> None:
        fail(RuntimeError(SECRET))
        answer = projects.call("GET", projects.path("X"), headers=PROBLEM)
        assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
        assert answer.get_json()["request_id"] == answer.headers["X-Request-ID"]
        assert SECRET not in answer.get_data(as_text=True)

    def test_a_failed_write_leaves_nothing(self, app: Flask, rows: Catalogue) -> None:
        """Its history is among the last things that a write adds."""
        rows.create("before")
        with app.app_context():
            engine = db.engine

        def execute(statement: str) -> None:
            if "INSERT INTO row_history" in statement:
                raise RuntimeError(SECRET)

        with before_statements(engine, execute):
            refusals = [rows.post(rows.body("never")), rows.delete("before")]
        assert [answer.status_code for answer in refusals] == [500, 500]
        assert rows.get("never").status_code == 404
        assert rows.codes() == ["before"]
        assert [entry["code"] for entry in rows.changes()["results"]] == ["before"]
        assert len(rows.history("before")) == 1
        rows.create("never")
        assert rows.page()["count"] == 2
