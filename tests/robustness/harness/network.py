"""A network of its own for the database: a namespace behind a pair of virtual cards, to be cut and slowed."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

HOST, INSIDE = "10.231.77.1", "10.231.77.2"
# Nothing fits into a bucket of one byte: packets vanish without a word, as behind a dead switch.
CUT = "tbf rate 8bit burst 1 limit 1"
SLOW = "netem delay 100ms 30ms loss 1% rate 2mbit"
# Where the kernel has no netem: a narrow line with a queue, which delays by what stands in it.
NARROW = "tbf rate 400kbit burst 3000 latency 700ms"


class NoNetworkError(RuntimeError):
    """Namespaces cannot be made here; the message says what is missing."""


@dataclass(frozen=True)
class Network:
    """A namespace at the other end of a virtual cable."""

    namespace: str
    card: str  # our end

    @property
    def wrapper(self) -> list[str]:
        """What runs a program inside."""
        return ["ip", "netns", "exec", self.namespace]

    def cut(self) -> str:
        self._shape(CUT)
        return CUT

    def slow(self) -> str:
        """Delay, jitter and loss where the kernel can, else little bandwidth; gives what was set."""
        try:
            self._shape(SLOW)
        except subprocess.CalledProcessError:
            self._shape(NARROW)
            return NARROW
        return SLOW

    def heal(self) -> None:
        for place in ([], self.wrapper):
            run([*place, "tc", "qdisc", "del", "dev", self.card if not place else "db", "root"])

    def _shape(self, discipline: str) -> None:
        run(["tc", "qdisc", "replace", "dev", self.card, "root", *discipline.split()])
        run([*self.wrapper, "tc", "qdisc", "replace", "dev", "db", "root", *discipline.split()])


def run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def network() -> Iterator[Network]:
    """A namespace, gone with the block. Raises NoNetworkError without root or iproute2."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("tc"):
        raise NoNetworkError("a network namespace needs root, ip and tc (Debian: iproute2)")
    name = f"ecat{secrets.token_hex(3)}"
    made = Network(name, name)
    run(["ip", "netns", "add", name])
    try:
        run(["ip", "link", "add", name, "type", "veth", "peer", "name", "db", "netns", name])
        run(["ip", "address", "add", f"{HOST}/30", "dev", name])
        run(["ip", "link", "set", name, "up"])
        for command in (f"address add {INSIDE}/30 dev db", "link set db up", "link set lo up"):
            run([*made.wrapper, "ip", *command.split()])
        yield made
    finally:
        run(["ip", "netns", "delete", name])  # the cable goes with it
