"""Who has the document alone finds nothing that it does not foretell: a few cases of each operation.

With SPECIFICATION=full (``make test-spec``) it is everything that schemathesis can think of, as every kind of
caller: some 15,000 cases each, which take an hour.
"""

from __future__ import annotations

import os

import pytest

from tests.specification.stranger import ROLES, run

FULL = os.environ.get("SPECIFICATION") == "full"
A_FEW = ("--phases", "fuzzing,stateful", "--max-examples", "2", "--seed", "1")
ALL = ("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "50", "--workers", "2")


@pytest.mark.parametrize("role", ROLES if FULL else ["editor"])
def test_the_document_foretells_every_answer(url: str, role: str) -> None:
    outcome = run(url, role, *(ALL if FULL else A_FEW), seconds=7200 if FULL else 300)
    assert outcome.passed, outcome.report
    assert outcome.operations > 90
    assert outcome.cases > (5000 if FULL else 200)
