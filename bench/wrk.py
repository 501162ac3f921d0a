"""The load: wrk, with requests from a list, and whether all workers bore it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CONNECTIONS = 16
CONNECTIONS_EACH = 2  # of one wrk
PAUSE_SECONDS = 0.03
FAIREST_SHARE = 0.35  # of two workers, the lazier one must have done this part; else it is asked again
FEWEST_TICKS = 40  # hundredths of a second; a worker that did less than that was waiting for something else
TRIES = 3

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

    Several wrk begin one after the other, with a few connections each: one worker, woken first, would accept
    all that come at once, and keep them. The list of requests is dealt out among them, and must be long
    enough where nothing may be asked twice: it begins again at its end.
    """
    processes = max(1, connections // CONNECTIONS_EACH)
    running = []
    with tempfile.TemporaryDirectory(prefix="ecatalog-wrk-") as folder:
        script = Path(folder, "requests.lua")
        script.write_text(SCRIPT)
        for number in range(processes):
            lines = Path(folder, f"lines-{number}")
            dealt = load.lines[number::processes] or load.lines
            lines.write_text("\n".join(dealt) + "\n")
            command = _command(url, load, script, lines, seconds, connections // processes)
            running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            time.sleep(PAUSE_SECONDS)
        told = [process.communicate()[0] for process in running]
    return sum(_rate(load, text) for text in told)


def _command(url: str, load: Load, script: Path, lines: Path, seconds: float, connections: int) -> list[str]:
    headers = {"Content-Type": "application/json"} | load.headers
    flags = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds:g}s"]
    return [*command, "--timeout", "30s", *flags, "--script", str(script), url, "--", str(lines)]


def _rate(load: Load, told: str) -> float:
    found = re.search(r"Requests/sec:\s+([\d.]+)", told)
    if found is None or "Non-2xx" in told or re.search(r"(connect|read|write) [1-9]", told):
        raise LoadError(f"{load.lines[0]}: {told}")
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
    rates = []
    for _ in range(TRIES):
        before = [cpu_ticks(pid) for pid in workers]
        rates.append(run(url, draw(), seconds, connections))
        used = [cpu_ticks(pid) - start for pid, start in zip(workers, before, strict=True)]
        if sum(used) < FEWEST_TICKS or min(used) >= FAIREST_SHARE * sum(used):
            return rates[-1]
    print(f"bench: the workers did not share the load: {used} ticks of the processors", file=sys.stderr)
    return max(rates)
