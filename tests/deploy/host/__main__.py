"""``make deploy-test``: an empty Debian, deployed to, changed, broken, and brought back, for real.

With ``--several`` there are four of them, as in the inventory of several hosts. Needs root. What is kept for
the next run lies in the user's cache folder; nothing else stays. With ``--keep`` the hosts go on running at
the end, or at the first failure, until Enter is pressed.
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

from tests.deploy.host import acme, cache, changing, installing, releases, s3, several
from tests.deploy.host.layout import ONE, SEVERAL, Layout
from tests.deploy.host.machine import Machine
from tests.deploy.host.network import OUTSIDE, network
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
Steps = tuple[tuple[str, Callable[[Stage], str]], ...]
STEPS: Steps = (
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


STEPS_OF_SEVERAL: Steps = (
    ("trial run on the bare hosts", installing.try_out),
    ("site.yml", installing.install),
    ("HTTPS", installing.https),
    ("rows, and an image on S3", several.fill),
    ("both hosts answer", several.shared),
    ("site.yml again", installing.install_again),
    ("ports", several.ports),
    ("exporters", several.exporters),
    ("backups on S3", several.backups),
    ("backup, loss, restore", changing.lose_and_restore),
    ("upgrade under load, host by host", changing.upgrade),
    ("rollback under load, host by host", changing.rollback),
    ("a release that fails behind nginx", several.fails_behind_nginx),
    ("a host away", several.host_away),
    ("checklist", several.checklist),
)


# What takes minutes and is seen in the rest, too, or is seldom changed.
ONLY_WHOLE = {
    "trial run on the bare host",
    "trial run on the bare hosts",
    "site.yml again",
    "renewal of the certificate",
    "backup, loss, restore",
    "rollback under load",
    "a host away",
    "checklist",
}


@contextmanager
def staged(folder: Path, log: Log, layout: Layout) -> Iterator[Stage]:
    """Booted hosts with nothing on them, beside everything that they need."""
    with ExitStack() as stack:
        stack.enter_context(network())
        machines = []
        for name, address in layout.hosts.items():
            machine = Machine(name, address, cache.bare_debian(), folder / name)
            stack.callback(machine.remove)
            machine.folder.mkdir()
            machine.prepare(cache.apt_sources(), f"http://{OUTSIDE}:{cache.PROXY_PORT}")
            machine.boot()
            machines.append(machine)
        stack.enter_context(cache.package_proxy(OUTSIDE, folder))
        authority = stack.enter_context(acme.authority(folder / "acme", layout.web_address))
        variables = {}
        if layout is SEVERAL:
            stack.enter_context(s3.service(folder))
            variables = several.variables()
        (folder / "releases").mkdir()
        release = releases.present(folder / "releases")
        operator = Operator(folder, layout, machines, authority, release, variables)
        operator.prepare()
        visitor = Visitor(layout.web_address, authority.root)
        stage = Stage(folder, layout, machines, authority, operator, visitor, release)
        stage.trust()
        print(f"{', '.join(layout.hosts)}: up after {time.monotonic() - log.started:.0f} s.", flush=True)
        yield stage


def main() -> None:
    parser = argparse.ArgumentParser(description="Deploy to a booted Debian and back.")
    parser.add_argument("--keep", action="store_true", help="let the host run on at the end, to look at it")
    parser.add_argument("--several", action="store_true", help="four hosts, with S3 beside them")
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
        layout, steps = (SEVERAL, STEPS_OF_SEVERAL) if arguments.several else (ONE, STEPS)
        stage = stack.enter_context(staged(folder, log, layout))
        try:
            for title, work in steps:
                if not (arguments.short and title in ONLY_WHOLE):
                    log.step(title, partial(work, stage))
        finally:
            if arguments.keep:
                for host in stage.machines:
                    print(f"{host.name}: nsenter -t {host.leader} -a bash -l")
                input(f"{folder}/ansible.log; Enter ends it ")
        log.end()


if __name__ == "__main__":
    main()
