"""Whatever goes wrong around a command, it ends with a message and exit code 1, never with a trace."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from flask import Flask

from ecatalog.config import Settings
from tests.cli.conftest import WriteRows
from tests.conftest import MakeUser
from tests.serving import INHERITED, ROOT

pytestmark = pytest.mark.any_database

NAME = "Анвар"
RunFlask = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def flask(settings: Settings, make_user: MakeUser, write_rows: WriteRows) -> RunFlask:
    """Runs commands in a shell with no terminal, on a database with a user and a row."""
    make_user(NAME)
    write_rows("project", {"code_1c": NAME, "name": NAME})

    def run(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = {name: os.environ[name] for name in INHERITED if name in os.environ} | {
            "PYTHONPATH": str(ROOT),
            "SECRET_KEY": settings.secret_key,
            "ALLOWED_HOSTS": "localhost",
            "DATABASE_URL": settings.database_url,
        }
        return subprocess.run(
            [
                "bash",
                "-o",
                "pipefail",
                "-c",
                f'flask() {{ "{sys.executable}" -m flask --app wsgi "$@"; }}; {command}',
            ],
            env=variables | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        "user list",
        "user list --json",
        "user create Somebody --password-stdin",
        "user role Somebody admin",
        "user password Somebody --password-stdin",
        "user disable Somebody",
        "user enable Somebody",
        "token clean",
        "catalog stats",
    ],
)
def test_the_database_is_away(make_app: Callable[..., Flask], arguments: str) -> None:
    app = make_app(database_url="postgresql+psycopg://nobody@127.0.0.1:1/nowhere")
    result = app.test_cli_runner().invoke(args=arguments.split(), input="olma-daraxti-7")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: The database refused: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "command", ["flask user create Somebody --role editor", f"flask user password {NAME}"]
)
def test_no_terminal_to_ask_for_a_password(flask: RunFlask, command: str) -> None:
    done = flask(command)
    assert done.returncode == 1
    assert (
        done.stderr
        == "Error: There is no terminal to ask for the password on. Send it with --password-stdin.\n"
    )
    assert "Somebody" not in flask("flask user list").stdout


@pytest.mark.parametrize("command", ["flask user list", "flask user list --json", "flask catalog stats"])
def test_a_full_disk(flask: RunFlask, command: str) -> None:
    done = flask(f"{command} > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "Error: Cannot read or write the output: No space left on device.\n"


@pytest.mark.parametrize("command", ["flask user list", "flask user list --json", "flask catalog stats"])
def test_a_reader_that_goes_away(flask: RunFlask, command: str) -> None:
    assert flask(f"{command} | head -1").stderr == ""
    done = flask(f"{command} | true")
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    "command", ["flask user list", f"flask user disable {NAME}", f"flask catalog get project {NAME}"]
)
def test_output_that_knows_ascii_alone(flask: RunFlask, command: str) -> None:
    done = flask(command, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert NAME in done.stdout or NAME.encode("unicode_escape").decode() in done.stdout
