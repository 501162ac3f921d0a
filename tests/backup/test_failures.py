"""Backups that fail are loud, and never pass for backups."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from ecatalog.backup import runs
from ecatalog.backup.manifest import Manifest
from ecatalog.ops.backup_state import read_state
from tests.backup.conftest import House, MakeHouse
from tests.serving import ROOT


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A URL, and the bodies that are sent to it."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", bodies
    server.shutdown()
    thread.join()
    server.server_close()


def break_the_dump(house: House, folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """PostgreSQL: a pg_dump that does as the script says. SQLite: a damaged database."""
    if house.app.extensions["ecatalog_settings"].database_url.startswith("sqlite"):
        path = Path(house.settings.database_url.removeprefix("sqlite:///"))
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2 // 4096 * 4096)
        return
    program = folder / "bin" / "pg_dump"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_a_dump_that_breaks_off_is_no_backup_and_is_told(
    make_house: MakeHouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    webhook: tuple[str, list[dict[str, Any]]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    url, bodies = webhook
    house = make_house(backup_webhook=url)
    house.succeed("backup", "init")
    house.succeed("backup", "create", "--keep-all")
    break_the_dump(house, tmp_path, monkeypatch, "head -c 300000 /dev/urandom; echo cut off >&2; exit 3")

    line = house.fail("backup", "create", "--keep-all")

    assert "cut off" in line or "damaged" in line or "malformed" in line
    state = read_state(house.settings.backup_state_file)["backup"]
    assert state.failed > state.succeeded > 0
    assert state.detail in line
    assert [body["event"] for body in bodies] == ["backup failed"]
    assert bodies[0]["detail"] == state.detail
    assert bodies[0]["installation"] == "api.example.uz"
    assert [record.levelname for record in caplog.records if record.name == "ecatalog.backup"][-1] == "ERROR"
    listed = json.loads(house.succeed("backup", "list", "--json"))
    assert [fact["complete"] for fact in listed] == [True]


def test_a_webhook_that_is_away_hides_nothing(
    make_house: MakeHouse, caplog: pytest.LogCaptureFixture
) -> None:
    house = make_house(backup_webhook="http://127.0.0.1:1/hook")
    assert "flask backup init" in house.fail("backup", "create", "--keep-all")
    assert "BACKUP_WEBHOOK was not told" in caplog.text


def test_a_terminated_backup_leaves_no_backup(house: House, tmp_path: Path) -> None:
    slow = tmp_path / "bin" / "restic"
    slow.parent.mkdir(exist_ok=True)
    real = subprocess.run(["sh", "-c", "command -v restic"], capture_output=True, text=True, check=True)
    slow.write_text(
        f'#!/bin/sh\ncase "$*" in *--stdin-filename*) touch "{tmp_path}/begun"; exec sleep 60;; esac\n'
        f'exec {real.stdout.strip()} "$@"\n'
    )
    slow.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{slow.parent}:{os.environ['PATH']}",
        "FLASK_APP": str(ROOT / "wsgi.py"),
        "SECRET_KEY": house.settings.secret_key,
        "ALLOWED_HOSTS": "localhost",
        "DATABASE_URL": house.settings.database_url,
        "BACKUP_REPOSITORY": house.settings.backup_repository,
        "BACKUP_PASSWORD_FILE": house.settings.backup_password_file,
        "BACKUP_STATE_FILE": house.settings.backup_state_file,
    }
    command = [sys.executable, "-m", "flask", "backup", "create"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, complaints
    assert read_state(house.settings.backup_state_file)["backup"].detail == "interrupted"
    assert json.loads(house.succeed("backup", "list", "--json")) == []


def test_what_differs_from_its_manifest_is_told(house: House) -> None:
    house.write("project", {"code_1c": "P1", "name": "One"})
    house.succeed("backup", "create", "--keep-all")
    change_manifest(house, lambda manifest: replace(manifest, rows={**manifest.rows, "project": 2}))
    line = house.fail("backup", "verify")
    assert "rows of project: 2 became 1" in line
    assert read_state(house.settings.backup_state_file)["verify"].failed > 0


def test_a_backup_of_a_newer_release_is_refused_before_anything_is_touched(house: House) -> None:
    house.succeed("backup", "create", "--keep-all")
    house.write("project", {"code_1c": "P1", "name": "One"})
    change_manifest(house, lambda manifest: replace(manifest, revisions=("9999",), release="7.0.0"))
    assert "release 7.0.0" in house.fail("backup", "restore", "--yes")
    assert house.codes() == ["P1"]


def change_manifest(house: House, change: Any) -> None:
    """Put another manifest in the place of that of the only run."""
    repository = runs.open_repository(house.settings)
    [run] = runs.all_runs(repository)
    manifest: Manifest = change(runs.manifest_of(repository, run))
    repository.forget([run.snapshots["manifest"]])
    repository.store([manifest.as_json()], "/manifest.json", ("manifest", f"run={run.id}"), run.at)


@pytest.mark.any_database
def test_a_run_that_was_never_finished_is_no_backup(house: House) -> None:
    house.succeed("backup", "create", "--keep-all")
    repository = runs.open_repository(house.settings)
    [run] = runs.all_runs(repository)
    repository.forget([run.snapshots["manifest"]])
    assert "never finished" in house.succeed("backup", "list")
    assert "never finished" in house.fail("backup", "restore", run.id, "--yes")
    assert "there is no backup of" in house.fail("backup", "verify")
    house.succeed("backup", "create")
    assert len(json.loads(house.succeed("backup", "list", "--json"))) == 1


@pytest.mark.any_database
def test_a_damaged_repository_is_told(house: House) -> None:
    house.succeed("backup", "create", "--keep-all")
    pack = max(
        Path(house.settings.backup_repository, "data").rglob("*"), key=lambda path: path.stat().st_size
    )
    pack.chmod(0o600)
    sound = pack.read_bytes()
    middle = len(sound) // 2
    pack.write_bytes(
        sound[:middle] + bytes(byte ^ 255 for byte in sound[middle : middle + 100]) + sound[middle + 100 :]
    )
    house.fail("backup", "check", "--percent", "100")
    assert read_state(house.settings.backup_state_file)["check"].failed > 0


def test_two_at_once_do_not_meet(house: House) -> None:
    lock = Path(house.settings.backup_state_file + ".lock")
    lock.parent.mkdir()
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "another backup is running" in house.fail("backup", "create", "--keep-all")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"backup_repository": ""}, "BACKUP_REPOSITORY is not set"),
        ({"backup_password_file": ""}, "BACKUP_PASSWORD_FILE is not set"),
        ({"backup_password_file": "/nowhere/password"}, "/nowhere/password is no file"),
        ({}, "run flask backup init"),
    ],
)
def test_what_is_missing_is_named(make_house: MakeHouse, overrides: dict[str, str], words: str) -> None:
    house = make_house(**overrides)
    for command in (["create"], ["list"], ["verify"], ["check"], ["restore", "--yes"]):
        assert words in house.fail("backup", *command)


def test_another_password_opens_nothing(house: House) -> None:
    Path(house.settings.backup_password_file).write_text("wrong")
    assert "wrong password" in house.fail("backup", "list")


def test_restore_asks_first(house: House) -> None:
    house.succeed("backup", "create", "--keep-all")
    house.write("project", {"code_1c": "P1", "name": "One"})
    result = house.app.test_cli_runner().invoke(args=["backup", "restore"], input="n\n")
    assert result.exit_code == 1
    assert house.codes() == ["P1"]
