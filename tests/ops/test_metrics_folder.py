"""What a gunicorn that was killed leaves in shared memory goes at the next start, and nothing else does."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ecatalog.ops import metrics_folder
from tests.serving import ROOT

# As gunicorn does: the folder is made by the main process, and a worker is forked that goes on by itself.
OWNER = """
import os, sys, time
from ecatalog.ops import metrics_folder
metrics_folder.shared_memory = lambda: sys.argv[1]
folder = metrics_folder.prepare()
worker = os.fork() or time.sleep(60)
print(worker, folder, flush=True)
time.sleep(60)
"""


@contextmanager
def owner(memory: Path) -> Iterator[tuple[subprocess.Popen[str], int, Path]]:
    """The main process, its worker's number, and the folder that they made below ``memory``."""
    environment = {name: value for name, value in os.environ.items() if name != metrics_folder.VARIABLE}
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(memory)],
        stdout=subprocess.PIPE,
        text=True,
        env={**environment, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        worker, folder = process.stdout.readline().split()
        try:
            yield process, int(worker), Path(folder)
        finally:
            process.kill()


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(metrics_folder, "shared_memory", lambda: str(tmp_path))
    return tmp_path


def test_a_folder_goes_once_all_its_processes_are_gone(memory: Path) -> None:
    with owner(memory) as (process, worker, folder):
        (folder / "counter_1.db").touch()
        metrics_folder.remove_stale()
        assert folder.is_dir(), "its processes live"
        process.send_signal(signal.SIGKILL)
        process.wait()
        metrics_folder.remove_stale()
        assert folder.is_dir(), "a worker still counts in it"
        end(worker)
        metrics_folder.remove_stale()
        assert not folder.exists()


def end(number: int) -> None:
    """Kill a process that is no child of ours, and wait until it is gone."""
    process = os.pidfd_open(number)
    os.kill(number, signal.SIGKILL)
    gone, _, _ = select.select([process], [], [], 20)
    os.close(process)
    assert gone


def test_what_nobody_can_tell_of_stays(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlocked = memory / "ecatalog-metrics-older"  # of a release that locked nothing
    unlocked.mkdir()
    strange = memory / "others"
    strange.mkdir()
    (strange / "owner").touch()
    foreign = memory / "ecatalog-metrics-foreign"
    foreign.mkdir()
    (foreign / "owner").touch()
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: foreign.stat().st_uid + 1)
        metrics_folder.remove_stale()
    assert {path.name for path in memory.iterdir()} == {unlocked.name, strange.name, foreign.name}
    metrics_folder.remove_stale()
    assert {path.name for path in memory.iterdir()} == {unlocked.name, strange.name}
