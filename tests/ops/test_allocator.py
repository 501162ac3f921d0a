"""Many threads that each need much memory for a moment must not keep it."""

from __future__ import annotations

import subprocess
import sys

from tests.serving import ROOT

MEGABYTES = 150  # without the bound it was 400

SCRIPT = """
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore

from ecatalog.ops.allocator import bound_memory

bound_memory()
from ecatalog.auth.passwords import _hasher

at_once = Semaphore(4)

def work(_number):
    with at_once:
        _hasher.hash("olma-daraxti-7")

with ThreadPoolExecutor(72) as threads:
    list(threads.map(work, range(150)))
status = open("/proc/self/status").read()
print(int(re.search(r"VmRSS:\\s+(\\d+)", status)[1]) // 1024)
"""


def test_memory_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < MEGABYTES


def test_gunicorn_is_bounded() -> None:
    assert "allocator.bound_memory()" in (ROOT / "gunicorn.conf.py").read_text()
