"""``requirements/install``: uv where it works, else pip. Both are stood in for: the index is not ours."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.serving import ROOT

PROGRAM = """#!/bin/sh
echo "{name} $*" >>"{calls}"
echo "  index=$UV_DEFAULT_INDEX certificates=$SSL_CERT_FILE" >>"{calls}"
case "$*" in
    *"config list"*) printf "%s\\n" "global.index-url='https://files.example.uz/simple'" "{certificates}" ;;
    *{fails}*) exit 1 ;;
esac
"""
UV_LOCK = "--requirement requirements/uv.txt"
WITH_UV = "--require-hashes --requirement requirements/prod.txt"


def install(folder: Path, fails: str, certificates: str = "") -> tuple[int, list[str]]:
    """The exit status, and which programs were called how; calls that hold ``fails`` fail."""
    programs, calls = folder / "environment" / "bin", folder / "calls"
    programs.mkdir(parents=True)
    for name in ("python", "uv"):
        text = PROGRAM.format(name=name, calls=calls, fails=fails, certificates=certificates)
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    done = subprocess.run(
        ["requirements/install", folder / "environment", "requirements/prod.txt"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, calls.read_text().splitlines()


def asked_for(calls: list[str], program: str, what: str) -> list[str]:
    return [call for call in calls if call.startswith(program) and call.endswith(what)]


def test_uv_installs_what_is_locked_from_where_pip_is_told(tmp_path: Path) -> None:
    certificates = ":env:.cert='/etc/our.pem'"
    status, calls = install(tmp_path, "nothing", certificates)
    assert status == 0
    assert asked_for(calls, "python", UV_LOCK)
    assert len(asked_for(calls, "uv", WITH_UV)) == 1
    assert not asked_for(calls, "python", WITH_UV)
    assert calls[-1] == "  index=https://files.example.uz/simple certificates=/etc/our.pem"


@pytest.mark.parametrize("fails", ["requirements/uv.txt", '"--quiet pip install"'])
def test_pip_does_it_where_uv_does_not(tmp_path: Path, fails: str) -> None:
    status, calls = install(tmp_path, fails)
    assert status == 0
    assert len(asked_for(calls, "python", WITH_UV)) == 1


def test_nobody_is_told_that_it_went_well_when_it_did_not(tmp_path: Path) -> None:
    status, _ = install(tmp_path, "install")
    assert status != 0
