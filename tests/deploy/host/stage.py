"""What the steps of the deploy test share, and their log."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.deploy.host.acme import Authority
from tests.deploy.host.layout import PUBLIC_NAME, Layout
from tests.deploy.host.machine import Machine
from tests.deploy.host.playbooks import Operator
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
    """The hosts under test, who administers them, and who uses them."""

    folder: Path
    layout: Layout
    machines: Sequence[Machine]
    authority: Authority
    operator: Operator
    visitor: Visitor
    release: Path
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    def group(self, name: str) -> list[Machine]:
        """The hosts of a group of the inventory, in its order."""
        by_name = {machine.name: machine for machine in self.machines}
        return [by_name[host] for host in self.layout.groups[name]]

    @property
    def machine(self) -> Machine:
        """The host where commands of the application are given: the first that runs it."""
        return self.group("app")[0]

    def trust(self) -> None:
        """Let the hosts accept what the authority signs, as hosts out there accept public ones."""
        for machine in self.machines:
            place = machine.root / "usr/local/share/ca-certificates/deploy-test.crt"
            place.write_bytes(self.authority.root.read_bytes())
            machine.run("update-ca-certificates")
            with (machine.root / "etc/hosts").open("a") as hosts:
                hosts.write(f"{self.layout.web_address} {PUBLIC_NAME}\n")

    def release_of(self, link: str, machine: Machine | None = None) -> str:
        """Where ``current``, ``previous`` or ``live`` leads to, on the first application host or this one."""
        told = (machine or self.machine).run("readlink", "-f", f"/opt/ecatalog/{link}")
        return told.strip().rpartition("/")[2]

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
