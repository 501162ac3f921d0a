"""Fixtures of the audit tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

Entry = dict[str, Any]
Run = Callable[..., Result]
WIDE = {"COLUMNS": "300"}  # tables fold at the width of a terminal
Search = Callable[..., list[Entry]]


@pytest.fixture
def run(app: Flask) -> Run:
    """Runs a ``flask`` command: ``run("user", "list", input="…")``."""

    def invoke(*arguments: str, input: str | None = None) -> Result:
        return app.test_cli_runner().invoke(args=list(arguments), input=input, env=WIDE)

    return invoke


@pytest.fixture
def search(run: Run) -> Search:
    """The entries that ``flask audit search --json`` finds, newest first."""

    def found(*options: str) -> list[Entry]:
        result = run("audit", "search", "--json", *options)
        assert result.exit_code == 0, result.output
        entries: list[Entry] = json.loads(result.stdout)
        return entries

    return found
