"""When backups and their checks last succeeded and failed, in a small file that outlives the commands."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import orjson

#: What is noted: a backup, a look at the repository's own integrity, a trial restore.
EVENTS = ("backup", "check", "verify")


@dataclass(frozen=True)
class Outcome:
    """Of one kind of event: when it last succeeded and failed, seconds since 1970 (0: never), and why."""

    succeeded: float = 0
    failed: float = 0
    detail: str = ""


def read_state(path: str) -> dict[str, Outcome]:
    """By event what is known; nothing where the file is missing or no such file."""
    try:
        stored = orjson.loads(Path(path).read_bytes())
        return {name: Outcome(**stored[name]) for name in EVENTS if name in stored}
    except (OSError, ValueError, TypeError):
        return {}


def note(path: str, event: str, *, error: str | None = None) -> None:
    """Note that ``event`` succeeded now, or failed with ``error``. Raises OSError when it cannot be kept."""
    state: Mapping[str, Outcome] = read_state(path)
    before = state.get(event, Outcome())
    if error is None:
        outcome = replace(before, succeeded=time.time(), detail="")
    else:
        outcome = replace(before, failed=time.time(), detail=error)
    complete = {name: asdict(known) for name, known in {**state, event: outcome}.items()}
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f"{target.name}.{os.getpid()}.new")
    new.write_bytes(orjson.dumps(complete, option=orjson.OPT_INDENT_2) + b"\n")
    new.replace(target)
