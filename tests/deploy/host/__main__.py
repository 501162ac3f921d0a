"""``make deploy-test``: an empty Debian, deployed to, changed, broken, and brought back, for real.

Needs root. What is kept for the next run lies in the user's cache folder; nothing else stays. With ``--keep``
the host goes on running at the end, or at the first failure, until Enter is pressed.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from tests.deploy.host import acme, cache, changing, installing, releases
from tests.deploy.host.machine import OUTSIDE, Machine
from tests.deploy.host.playbooks import Operator
from tests.deploy.host.stage import Log, Stage
from tests.deploy.host.visitor import Visitor

PROGRAMS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "openssl": "openssl",
    "apt-cacher-ng": "apt-cacher-ng",
    "pebble": "pebble",
    "pebble-challtestsrv": "pebble",
}
STEPS: tuple[tuple[str, Callable[[Stage], str]], ...] = (
    ("trial run on the bare host", installing.try_out),
    ("site.yml", installing.install),
    ("HTTPS", installing.https),
    ("rows, images and static files", installing.fill),
    ("site.yml again", installing.install_again),
    ("renewal of the certificate", installing.renew),
    ("ports", installing.ports),
    ("hardening", installing.hardening),
    ("backup, loss, restore", changing.lose_and_restore),
    ("upgrade under load", changing.upgrade),
    ("rollback under load", changing.rollback),
    ("a broken release under load", changing.broken),
    ("reboot", installing.reboot),
    ("checklist", installing.checklist),
)


# What takes minutes and is seen in the rest, too, or is seldom changed.
ONLY_WHOLE = {"trial run on the bare host", "renewal of the certificate", "rollback under load", "checklist"}


@contextmanager
def staged(folder: Path, log: Log) -> Iterator[Stage]:
    """A booted host with nothing on it, beside everything that it needs."""
    machine = Machine(cache.bare_debian(), folder / "machine")
    with ExitStack() as stack:
        stack.callback(machine.remove)
        (folder / "machine").mkdir()
        machine.prepare(cache.apt_sources(), f"http://{OUTSIDE}:{cache.PROXY_PORT}")
        machine.boot()
        stack.enter_context(cache.package_proxy(OUTSIDE, folder))
        authority = stack.enter_context(acme.authority(folder / "acme"))
        (folder / "releases").mkdir()
        release = releases.present(folder / "releases")
        operator = Operator(folder, machine, authority, release)
        operator.prepare()
        stage = Stage(folder, machine, authority, operator, Visitor(authority.root), release)
        stage.trust()
        print(f"A host is up, after {time.monotonic() - log.started:.0f} s.", flush=True)
        yield stage


def main() -> None:
    parser = argparse.ArgumentParser(description="Deploy to a booted Debian and back.")
    parser.add_argument("--keep", action="store_true", help="let the host run on at the end, to look at it")
    parser.add_argument("--short", action="store_true", help="leave out what takes long and seldom fails")
    arguments = parser.parse_args()
    if os.geteuid():
        sys.exit("make deploy-test: needs root, to boot a Debian")
    path = os.pathsep.join((os.environ["PATH"], "/usr/sbin", "/sbin"))
    if missing := {package for name, package in PROGRAMS.items() if not shutil.which(name, path=path)}:
        sys.exit(f"make deploy-test: apt install {' '.join(sorted(missing))}")
    log = Log()
    with ExitStack() as stack:
        lock = stack.enter_context((cache.cache_folder() / "lock").open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX)  # one at a time: there is one network
        # Not below /tmp, which may be in memory.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deploy-test-", dir="/var/tmp")))
        stage = stack.enter_context(staged(folder, log))
        try:
            for title, work in STEPS:
                if not (arguments.short and title in ONLY_WHOLE):
                    log.step(title, partial(work, stage))
        finally:
            if arguments.keep:
                leader = stage.machine.leader
                input(f"nsenter -t {leader} -a bash -l; {folder}/ansible.log; Enter ends it ")
        log.end()


if __name__ == "__main__":
    main()
