"""``flask catalog import`` and ``export``: files and pipes, in and out again, exit codes, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from ecatalog.config import Settings
from ecatalog.transfer.pipeline import CHUNK_ROWS
from tests.serving import INHERITED, ROOT
from tests.transfer.conftest import Desk, items, ndjson

FORMATS = ("json", "ndjson", "xlsx", "csv")

Flask_ = Callable[..., Result]


@pytest.fixture
def flask(app: Flask) -> Flask_:
    """Run ``flask catalog …``; ``input`` is what comes through the pipe."""

    def run(*arguments: str, input: bytes | None = None) -> Result:
        return app.test_cli_runner().invoke(args=["catalog", *arguments], input=input)

    return run


@pytest.fixture
def rows_file(tmp_path: Path) -> Callable[..., Path]:
    def write(rows: Any, name: str = "rows.ndjson") -> Path:
        path = tmp_path / name
        path.write_bytes(ndjson(rows) if name.endswith("ndjson") else json.dumps(rows).encode())
        return path

    return write


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.usefixtures("projects")
def test_an_export_imports_again_with_no_changes(
    desk: Desk, flask: Flask_, tmp_path: Path, form: str
) -> None:
    desk.report(items(1, 2, project="P1", brand="=1+1", base_price="0.10", tags=["a", "b"]))
    desk.report([{"code_1c": "0012", "name": "Без проекта", "is_active": False, "expiry_date": "2027-01-31"}])
    before = [desk.row(code) for code in ("00001", "00002", "0012")]
    path = tmp_path / f"out.{form}"
    result = flask("export", "nomenklatura", str(path))
    assert result.exit_code == 0, result.output
    assert "3 rows of nomenklatura exported." in result.stderr
    assert list(tmp_path.iterdir()) == [path]
    result = flask("import", "nomenklatura", str(path), "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["unchanged"], report["created"], report["updated"]) == (3, 0, 0)
    assert [desk.row(code) for code in ("00001", "00002", "0012")] == before
    desk.client.delete(f"{desk.base}0012/", headers=desk.headers)
    result = flask("import", "nomenklatura", str(path), "--json")
    assert json.loads(result.stdout)["updated"] == 1
    assert desk.history("0012")[-1].source == "cli"


@pytest.mark.parametrize("form", FORMATS)
def test_pipes(desk: Desk, flask: Flask_, form: str) -> None:
    desk.report(items(1, 2))
    result = flask("export", "nomenklatura", "-", "--format", form)
    assert result.exit_code == 0, result.output
    result = flask("import", "nomenklatura", "-", "--format", form, "--json", input=result.stdout_bytes)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["unchanged"] == 2


@pytest.mark.usefixtures("projects")
def test_export_heeds_filters_search_and_ordering(desk: Desk, flask: Flask_) -> None:
    desk.report([*items(1, 2, 3, project="P1"), *items(4)])

    def codes(*filters: str) -> list[str]:
        chosen = [part for text in filters for part in ("--filter", text)]
        result = flask("export", "nomenklatura", "-", "--format", "ndjson", *chosen)
        assert result.exit_code == 0, result.output
        return [json.loads(line)["code_1c"] for line in result.stdout.splitlines()]

    assert codes("project=P1", "ordering=-code_1c") == ["00003", "00002", "00001"]
    assert codes("project_id=null") == ["00004"]
    assert codes("search=товар 2") == ["00002"]
    assert codes("name=nothing") == []


def test_bad_rows_are_told_and_the_exit_code_is_1(
    desk: Desk, flask: Flask_, rows_file: Callable[..., Path]
) -> None:
    path = rows_file([*items(1), {"code_1c": "2\u001b[31m", "name": "x"}, {"code_1c": "3"}])
    result = flask("import", "nomenklatura", str(path))
    assert result.exit_code == 1
    assert "name: This field is required." in result.stdout
    assert "\u001b" not in result.stdout
    assert desk.codes() == ["00001"]
    result = flask("import", "nomenklatura", str(path), "--on-error", "reject")
    assert result.exit_code == 1
    assert "nothing was written" in result.stderr


def test_reject_dry_run_and_modes(desk: Desk, flask: Flask_, rows_file: Callable[..., Path]) -> None:
    path = rows_file(items(1, 2), "rows.json")
    result = flask("import", "nomenklatura", str(path), "--dry-run")
    assert result.exit_code == 0, result.output
    assert "nothing was written" in result.stderr
    assert desk.count() == 0
    assert flask("import", "nomenklatura", str(path), "--mode", "update").exit_code == 1
    assert desk.count() == 0
    bad = rows_file([*items(1), {}], "bad.json")
    assert flask("import", "nomenklatura", str(bad), "--on-error", "reject").exit_code == 1
    assert desk.count() == 0
    assert flask("import", "nomenklatura", str(path)).exit_code == 0
    assert desk.count() == 2


def test_a_project_for_rows_that_name_none(
    desk: Desk, flask: Flask_, rows_file: Callable[..., Path], projects: dict[str, int]
) -> None:
    path = str(rows_file(items(1)))
    assert flask("import", "nomenklatura", path, "--project", "P1").exit_code == 0
    assert flask("import", "nomenklatura", path, "--project-id", str(projects["P2"])).exit_code == 0
    assert desk.codes(project="P1") == desk.codes(project="P2") == ["00001"]
    result = flask("import", "nomenklatura", path, "--project", "P9")
    assert result.exit_code == 1
    assert "P9" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("import", "nothing", "FILE"),
        ("import", "nomenklatura", "/does/not/exist.json"),
        ("import", "nomenklatura", "-"),
        ("import", "nomenklatura", "FILE", "--mode", "replace"),
        ("import", "project", "FILE", "--project", "P1"),
        ("export", "nomenklatura", "out.pdf"),
        ("export", "nomenklatura", "-", "--format", "ndjson", "--filter", "colour=red"),
        ("export", "nomenklatura", "-", "--format", "ndjson", "--filter", "base_price=abc"),
        ("export", "nomenklatura", "-", "--format", "ndjson", "--filter", "ordering=secret"),
    ],
)
def test_wrong_usage_is_exit_code_2(
    flask: Flask_, rows_file: Callable[..., Path], arguments: tuple[str, ...]
) -> None:
    path = str(rows_file(items(1)))
    result = flask(*(path if argument == "FILE" else argument for argument in arguments))
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output


def test_a_file_that_cannot_be_read(flask: Flask_, tmp_path: Path, desk: Desk) -> None:
    for name, content in (("a.xlsx", b"no workbook"), ("b.csv", b""), ("c.json", b'{"a": 1}')):
        (tmp_path / name).write_bytes(content)
        result = flask("import", "nomenklatura", str(tmp_path / name))
        assert result.exit_code == 1
        assert "0 rows are in" in result.stderr
    assert desk.count() == 0


def test_an_export_that_fails_leaves_no_file(flask: Flask_, tmp_path: Path) -> None:
    result = flask("export", "nomenklatura", str(tmp_path / "none" / "out.csv"))
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_ctrl_c_stops_between_chunks_and_says_what_is_in(
    desk: Desk, settings: Settings, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "catalog", "import", "nomenklatura", "-"]
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ} | {
        "PYTHONPATH": str(ROOT),
        "SECRET_KEY": settings.secret_key,
        "ALLOWED_HOSTS": "localhost",
        "DATABASE_URL": settings.database_url,
    }
    process = subprocess.Popen(
        [*command, "--format", "ndjson"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(ndjson(items(*range(CHUNK_ROWS + 1000))))
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while desk.count() == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    _, stderr = process.communicate(ndjson(items(*range(10_000, 15_000))), timeout=60)
    assert process.returncode == 1, stderr
    assert f"Stopped. {CHUNK_ROWS} rows are in ({CHUNK_ROWS} created, 0 updated)." in stderr.decode()
    assert desk.count() == CHUNK_ROWS
    desk.check_live_rows()
