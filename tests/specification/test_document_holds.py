"""Who has the document alone finds nothing that it does not foretell: a few cases of each operation.

With SPECIFICATION=full (``make test-spec``) it is everything that schemathesis can think of, as every kind of
caller: with the 50 EXAMPLES of an operation that are the default some 29,000 cases each, which take hours.
"""

from __future__ import annotations

import os
import time

import pytest

from tests.specification.stranger import ROLES, run

FULL = os.environ.get("SPECIFICATION") == "full"
A_FEW = ("--phases", "fuzzing,stateful", "--max-examples", "2", "--seed", "1")
EXAMPLES = os.environ.get("EXAMPLES") or "50"
ALL = ("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", EXAMPLES)

pytestmark = [] if FULL else [pytest.mark.any_database]


@pytest.mark.parametrize("role", ROLES if FULL else ["editor"])
def test_the_document_foretells_every_answer(
    url: str, role: str, database_kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    outcome = run(url, role, *(ALL if FULL else A_FEW), seconds=7200 if FULL else 300)
    if FULL:  # the figures are wanted of a run that passes, too
        with capsys.disabled():
            minutes = (time.monotonic() - began) / 60
            counted = f"{outcome.cases} cases of {outcome.operations} operations"
            print(f"\n{role} on {database_kind}: {counted} in {minutes:.0f} min")
    assert outcome.passed, outcome.report
    assert outcome.operations > 90
    assert outcome.cases > (5000 if FULL else 200)
