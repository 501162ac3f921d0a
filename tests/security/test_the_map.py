"""docs/security.md names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs" / "security.md"


def declared_in(path: str) -> set[str]:
    file = CHECKOUT / path
    if not file.is_file():
        return set()
    return {
        node.name for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)
    }


def test_every_test_that_the_map_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text("utf-8"))
    assert len(named) > 40
    assert [f"{path}::{name}" for path, name in named if name not in declared_in(path)] == []


def test_every_risk_of_the_list_is_on_the_map_with_tests() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| API")]
    assert [line.split()[1] for line in rows] == [f"API{number}" for number in range(1, 11)]
    assert all("::" in line for line in rows)
