"""The systemd units: accepted by systemd, and shut in."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.serving import ROOT

UNITS = sorted(path.name for path in (ROOT / "systemd").iterdir())
SERVICES = [name for name in UNITS if name.endswith(".service")]
EXPOSED = 2.0  # of 10, as `systemd-analyze security` counts


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)
    return done


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_shut_in(name: str) -> None:
    done = analyze("security", "--offline=true", f"--threshold={int(EXPOSED * 10)}", ROOT / "systemd" / name)
    assert "Overall exposure level" in done.stdout, done.stderr
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", UNITS)
def test_systemd_accepts_it(name: str, tmp_path: Path) -> None:
    for unit in UNITS:
        shutil.copy(ROOT / "systemd" / unit, tmp_path)
    done = analyze("verify", "--man=no", "--recursive-errors=no", tmp_path / name.replace("@.", "@a."))
    complaints = [
        line
        for line in done.stderr.splitlines()
        # The programs are on servers only.
        if str(tmp_path) in line or (name.split(".")[0] in line and "is not executable" not in line)
    ]
    assert complaints == []


@pytest.mark.parametrize("name", UNITS)
def test_ansible_installs_it(name: str) -> None:
    listed = "".join(path.read_text() for path in (ROOT / "ansible" / "roles").glob("*/vars/main.yml"))
    assert re.search(rf"^  - {re.escape(name)}$", listed, re.MULTILINE)
