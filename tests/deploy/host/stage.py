"""What the steps of the deploy test share, and their log."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.deploy.host.acme import Authority
from tests.deploy.host.machine import INSIDE, Machine
from tests.deploy.host.playbooks import PUBLIC_NAME, Operator
from tests.deploy.host.visitor import Visitor

LIVE = "/opt/ecatalog/live"


class DeployTestError(AssertionError):
    """Something is not as it should be."""


def insist(condition: object, what: str) -> None:
    """Raises DeployTestError with ``what`` unless the condition holds."""
    if not condition:
        raise DeployTestError(what)


@dataclass
class Stage:
    """The host under test, who administers it, and who uses it."""

    folder: Path
    machine: Machine
    authority: Authority
    operator: Operator
    visitor: Visitor
    release: Path
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    def trust(self) -> None:
        """Let the host itself accept what the authority signs, as hosts out there accept public ones."""
        place = self.machine.root / "usr/local/share/ca-certificates/deploy-test.crt"
        place.write_bytes(self.authority.root.read_bytes())
        self.machine.run("update-ca-certificates")
        with (self.machine.root / "etc/hosts").open("a") as hosts:
            hosts.write(f"{INSIDE} {PUBLIC_NAME}\n")

    def release_of(self, link: str) -> str:
        """The name of the release that ``current`` or ``previous`` leads to."""
        return self.machine.run("readlink", "-f", f"/opt/ecatalog/{link}").strip().rpartition("/")[2]

    def version(self) -> str:
        """As the public sees it."""
        return str(self.visitor.get("/api/v1/").data["version"])

    def rows(self) -> dict[str, Any]:
        """All that the API shows of the catalogue, by resource."""
        found = {}
        for name in ("project", "client", "nomenklatura"):
            lines = self.visitor.get(f"/api/v1/{name}/export-ndjson/").body.splitlines()
            found[name] = sorted(json.dumps(json.loads(line), sort_keys=True) for line in lines)
        return found


@dataclass
class Log:
    """Prints what is done, how long it took, and what was seen."""

    started: float = field(default_factory=time.monotonic)

    def step(self, title: str, work: Callable[[], str | None]) -> None:
        """Do it; it raises what goes wrong, and returns what is worth a line."""
        before = time.monotonic()
        print(f"… {title}", flush=True)
        seen = work()
        took = time.monotonic() - before
        print(f"✓ {title}: {seen or 'as it should be'} ({took:.1f} s)", flush=True)

    def end(self) -> None:
        print(f"Everything as it should be, in {time.monotonic() - self.started:.0f} s.", flush=True)
