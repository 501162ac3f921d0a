"""schemathesis against a served application, as one kind of caller."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.executable).with_name("schemathesis")
PASSWORD = "olma-daraxti-7"
ROLES = ("anonymous", "viewer", "editor", "admin")
#: All checks there are. Of operations that only few may call, 401 and 403 are the right answers.
CHECKS = ("--checks", "all")


@dataclass(frozen=True)
class Outcome:
    """What one run came to."""

    passed: bool
    cases: int
    operations: int
    report: str  # for people


def run(url: str, role: str, *options: str, seconds: int = 600) -> Outcome:
    """Test the document at ``url`` as ``role``: nobody, or the user of that name with :data:`PASSWORD`."""
    headers = [] if role == "anonymous" else ["--header", f"Authorization: Bearer {token(url, role)}"]
    command = [str(PROGRAM), "run", f"{url}/api/schema/", *headers, *CHECKS, "--generation-database", "none"]
    done = subprocess.run(
        [*command, "--no-color", "--continue-on-failure", "--no-shrink", *options],
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.specification.hooks", "COLUMNS": "200"},
        cwd=CHECKOUT,
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    report = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    cases, operations = _number(r"(\d+) generated", report), _number(r"Tested: (\d+)", report)
    return Outcome(done.returncode == 0, cases, operations, report)


def token(url: str, role: str) -> str:
    body = json.dumps({"username": role, "password": PASSWORD}).encode()
    sent = urllib.request.Request(f"{url}/api/token/", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(sent, timeout=30) as answer:
        return str(json.load(answer)["access"])


def _number(pattern: str, report: str) -> int:
    found = re.search(pattern, report)
    return int(found[1]) if found else 0
