"""The load: wrk, with requests from a list, and whether all workers bore it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CONNECTIONS = 16
FAIREST_SHARE = 0.35  # of two workers, the lazier one must have done this part; else the round says nothing
TRIES = 6

SCRIPT = """
local requests, at = {}, 0
function init(arguments)
  for line in io.lines(arguments[1]) do
    local path, body = line:match("^(%S+) ?(.*)$")
    if body == "" then body = nil end
    requests[#requests + 1] = wrk.format(body and "POST" or "GET", path, wrk.headers, body)
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
"""


class LoadError(RuntimeError):
    """wrk is missing, or requests failed; the message says which."""


@dataclass(frozen=True)
class Load:
    """What is asked for. ``lines``: a path, and after a space the JSON body of a POST."""

    lines: Sequence[str]
    headers: dict[str, str] = field(default_factory=dict)


def require_wrk() -> None:
    """End with one line when wrk is not there."""
    if shutil.which("wrk") is None:
        sys.exit("bench: wrk is not installed; on Debian and Ubuntu: apt install wrk")


def run(url: str, load: Load, seconds: float, connections: int = CONNECTIONS) -> float:
    """Successful requests a second. Raises LoadError when any failed.

    The list must be long enough where nothing may be asked twice: it begins again at its end.
    """
    with tempfile.TemporaryDirectory(prefix="ecatalog-wrk-") as folder:
        script, lines = Path(folder, "requests.lua"), Path(folder, "lines")
        script.write_text(SCRIPT)
        lines.write_text("\n".join(load.lines) + "\n")
        headers = {"Content-Type": "application/json"} | load.headers
        flags = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
        command = ["wrk", "--threads", "1", "--connections", str(connections)]
        command += ["--duration", f"{seconds:g}s", "--timeout", "30s", *flags, "--script", str(script)]
        done = subprocess.run([*command, url, "--", str(lines)], capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout or re.search(r"(connect|read|write) [1-9]", done.stdout):
        raise LoadError(f"{load.lines[0]}: {done.stdout}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if found is None:
        raise LoadError(done.stdout + done.stderr)
    return float(found.group(1))


def cpu_ticks(pid: int) -> int:
    """What a process has used of the processors so far, in clock ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def run_shared(
    url: str,
    workers: Sequence[int],
    draw: Callable[[], Load],
    seconds: float,
    connections: int = CONNECTIONS,
) -> float:
    """As :func:`run`, with the load on all ``workers`` (process ids).

    One of them can happen to take most connections, and keep them: then other requests go over new ones.
    """
    for _ in range(TRIES):
        before = [cpu_ticks(pid) for pid in workers]
        rate = run(url, draw(), seconds, connections)
        used = [cpu_ticks(pid) - start for pid, start in zip(workers, before, strict=True)]
        if min(used) >= FAIREST_SHARE * sum(used):
            return rate
    raise LoadError(f"the workers do not share the load: {used} ticks")
