"""What stops the start says so in one line, whichever program starts the application."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from flask import Flask

from ecatalog.cli.late import GROUPS
from tests.serving import ROOT

# What commands, workbooks and uploads of images need.
UNUSED = {"alembic", "flask_migrate", "mako", "pygments", "rich", "ecatalog.cli.output", "xlsxwriter", "PIL"}


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


def test_a_worker_loads_nothing_that_it_has_no_use_for(tmp_path: Path) -> None:
    """Each of these costs every worker a megabyte or more, and every start its time."""
    code = f"import sys, wsgi; print(sorted(sys.modules.keys() & {UNUSED!r}))"
    settings = {"SECRET_KEY": secrets.token_urlsafe(64), "DEBUG": "True", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=settings, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_commands_that_are_imported_late_are_all_there(app: Flask) -> None:
    listed = app.cli.list_commands(click.Context(app.cli))
    assert set(GROUPS) <= set(listed)
    for name in listed:
        command = app.cli.get_command(click.Context(app.cli), name)
        assert command is not None
        assert command.name == name
