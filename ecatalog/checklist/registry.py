"""A check is a small function that looks at one thing and says what it saw; the registry runs them all."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ecatalog.checklist.context import Context

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 5


class Status(StrEnum):
    """GOOD: as it must be. BAD: to be mended before users come. NOTE: look, or cannot be seen from here."""

    GOOD = "✓"
    BAD = "✗"
    NOTE = "!"


@dataclass(frozen=True)
class Finding:
    """What a check saw, and how to mend it."""

    status: Status
    seen: str
    cure: str = ""


@dataclass(frozen=True)
class Result:
    """A finding with the place of its check in the list."""

    section: str
    name: str
    finding: Finding

    def as_dict(self) -> dict[str, Any]:
        return {
            "section": self.section,
            "check": self.name,
            "status": self.finding.status.name.lower(),
            "seen": self.finding.seen,
            "cure": self.finding.cure,
        }


CheckFunction = Callable[[Context], Finding]


@dataclass(frozen=True)
class Check:
    section: str
    name: str
    look: CheckFunction

    def run(self, context: Context) -> Result:
        """A check that breaks is a bad finding, never a trace."""
        try:
            finding = self.look(context)
        except Exception as error:
            log.debug("the check %s broke", self.name, exc_info=True)
            text = " ".join(str(error).split())[:300]
            finding = bad(f"{type(error).__name__}: {text}", "See what the message says, then run it again.")
        return Result(self.section, self.name, finding)


CHECKS: list[Check] = []


def check(section: str, name: str) -> Callable[[CheckFunction], CheckFunction]:
    """Put the function on the list, in one of SECTIONS."""

    def register(look: CheckFunction) -> CheckFunction:
        CHECKS.append(Check(section, name, look))
        return look

    return register


def good(seen: str) -> Finding:
    return Finding(Status.GOOD, seen)


def bad(seen: str, cure: str) -> Finding:
    return Finding(Status.BAD, seen, cure)


def note(seen: str, cure: str) -> Finding:
    return Finding(Status.NOTE, seen, cure)


#: In the order of the list.
SECTIONS = (
    "environment",
    "database",
    "security",
    "CORS",
    "files",
    "service",
    "network",
    "Redis",
    "machine",
    "backups",
    "endpoints",
)


def all_checks() -> list[Check]:
    """Every check, in the order of the list."""
    from ecatalog.checklist import (  # noqa: F401  # each puts its checks on the list
        backups,
        database,
        endpoints,
        environment,
        machine,
        network,
        security,
        server,
        shared,
        web,
    )

    return sorted(CHECKS, key=lambda item: SECTIONS.index(item.section))


def run_all(context: Context, sections: Sequence[str] = (), patience: float = 0) -> list[Result]:
    """Run the checks of ``sections`` (none named: all).

    What is bad is looked at again for ``patience`` seconds: after an installation or a restart, a service
    may still be about to start, and a busy machine may answer late.
    """
    checks = [item for item in all_checks() if not sections or item.section in sections]
    results = [item.run(context) for item in checks]
    end = time.monotonic() + patience
    while time.monotonic() < end and (bad_ones := _bad(results)):
        time.sleep(min(SECONDS_BETWEEN_LOOKS, max(end - time.monotonic(), 0)))
        for place in bad_ones:
            results[place] = checks[place].run(context)
    return results


def _bad(results: Sequence[Result]) -> list[int]:
    return [place for place, result in enumerate(results) if result.finding.status is Status.BAD]
