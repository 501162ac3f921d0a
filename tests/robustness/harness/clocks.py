"""A clock that can be stepped, for the application and PostgreSQL alone: a library loaded before theirs.

libfaketime was tried first: beside it, Python's ``time.sleep`` fails where the monotonic clock is left alone.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path


class NoClockError(RuntimeError):
    """The library cannot be built here."""


@dataclass(frozen=True)
class Clock:
    """``file`` holds the seconds that processes with ``environment`` add to the time of day."""

    file: Path
    library: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "CLOCK_OFFSET_FILE": str(self.file)}

    def step(self, seconds: int) -> None:
        """Let the clock differ from the real one by ``seconds`` from now on."""
        with self.file.open("r+b") as file:
            file.write(struct.pack("q", seconds))


def clock(folder: Path) -> Clock:
    """A clock that goes right so far, made in ``folder``. Raises NoClockError without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NoClockError("a C compiler is needed (Debian: apt install gcc libc6-dev)")
    made = Clock(folder / "offset", folder / "clock.so")
    source = Path(__file__).with_name("clock.c")
    command: list[str | Path] = [
        compiler,
        "-shared",
        "-fPIC",
        "-O2",
        "-Wall",
        "-o",
        made.library,
        source,
        "-ldl",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoClockError(done.stderr)
    made.file.write_bytes(struct.pack("q", 0))
    return made
