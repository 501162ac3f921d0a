"""What stops the start says so in one line, whichever program starts the application."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.serving import ROOT


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-m", "flask", "--app", "wsgi", "routes"],
        [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py")],
    ],
    ids=["flask", "gunicorn"],
)
@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda folder: None, "ecatalog: SECRET_KEY has 5 characters"),
        (lambda folder: (folder / ".env").mkdir(), "ecatalog: The settings in "),
    ],
    ids=["short key", "folder"],
)
def test_the_start_is_refused_in_one_line(
    tmp_path: Path, command: list[str], break_it: Callable[[Path], None], message: str
) -> None:
    break_it(tmp_path)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "SECRET_KEY": "short"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
