"""The network of the hosts under test: a bridge on this machine, and a cable to it from each host."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

BRIDGE = "ecatalog-test"
OUTSIDE = "10.203.7.1"  # this machine, a stranger to the hosts
PROMETHEUS = "10.203.7.9"  # this machine again, in the part of who may read the exporters' numbers


def run_ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def network() -> Iterator[None]:
    """The bridge, with this machine's own two addresses on it."""
    _remove_bridge()
    run_ip("link", "add", BRIDGE, "type", "bridge")
    try:
        for address in (OUTSIDE, PROMETHEUS):
            run_ip("addr", "add", f"{address}/24", "dev", BRIDGE)
        run_ip("link", "set", BRIDGE, "up")
        yield
    finally:
        _remove_bridge()


def _remove_bridge() -> None:
    subprocess.run(["ip", "link", "delete", BRIDGE], capture_output=True, check=False)


def plug(namespace: str, cable: str, address: str) -> None:
    """A fresh namespace with a cable to the bridge: firewall rules live there, and none may be left in it."""
    unplug(namespace, cable)
    run_ip("netns", "add", namespace)
    run_ip("link", "add", cable, "type", "veth", "peer", "name", "host0", "netns", namespace)
    run_ip("link", "set", cable, "master", BRIDGE, "up")
    for words in (
        ("addr", "add", f"{address}/24", "dev", "host0"),
        ("link", "set", "host0", "up"),
        ("link", "set", "lo", "up"),
        ("route", "add", "default", "via", OUTSIDE),
    ):
        run_ip("-n", namespace, *words)


def unplug(namespace: str, cable: str) -> None:
    subprocess.run(["ip", "link", "delete", cable], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "delete", namespace], capture_output=True, check=False)
