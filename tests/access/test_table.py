"""Every route times every kind of caller, in docs/access.md as it is."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.access.table import EXPECTED, PAGE, Table, decided, measured, page, routes

pytestmark = pytest.mark.any_database


@pytest.fixture
def table(app: Flask) -> Table:
    return measured(app)


def test_every_caller_is_answered_as_was_decided(app: Flask, table: Table) -> None:
    expected: Table = {}
    for rule, method in routes(app):
        level = decided(app, rule, method)
        assert level is not None, f"{method} {rule.rule}: say who may call it, with @access"
        expected[rule.rule, method] = EXPECTED[level]
    assert table == expected
    assert len(table) > 60
    assert {answer for answers in table.values() for answer in answers.values()} == {"yes", "401", "403"}


def test_the_page_is_true(table: Table) -> None:
    assert PAGE.read_text("utf-8") == page(table), "run: make access-table"


def test_options_runs_no_view(app: Flask) -> None:
    client = app.test_client()
    for path in ("/api/v1/client/", "/api/v1/client/1/", "/api/v1/client/bulk/"):
        answer = client.options(path)
        assert (answer.status_code, answer.data) == (200, b"")
        assert "Allow" in answer.headers
