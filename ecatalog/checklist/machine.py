"""The machine: space on its disks, and its clock."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import sqlalchemy as sa

from ecatalog.checklist.context import Context
from ecatalog.checklist.registry import Finding, bad, check, good, note

SECTION = "machine"
GIGABYTE = 1_000_000_000
LEAST_SHARE, LOW_SHARE = 0.05, 0.15
LEAST_BYTES = GIGABYTE // 2


def _folders(context: Context) -> list[Path]:
    """What must not run full."""
    settings = context.settings
    url = sa.make_url(settings.database_url)
    named = ["/", "/var/log", settings.backup_state_file]
    named += [
        place for place in (settings.media_storage, settings.backup_repository) if place.startswith("/")
    ]
    named += [url.database or "/"] if url.get_backend_name() == "sqlite" else ["/var/lib/postgresql"]
    return [Path(name) for name in named]


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


@check(SECTION, "disk space")
def disk_space(context: Context) -> Finding:
    lowest: tuple[float, float, Path] | None = None
    for place in map(_existing, _folders(context)):
        usage, nodes = shutil.disk_usage(place), os.statvfs(place)
        free_nodes = nodes.f_favail / nodes.f_files if nodes.f_files else 1.0
        share = min(usage.free / usage.total if usage.total else 1.0, free_nodes)
        lowest = min(lowest or (2.0, 0, place), (share, usage.free, place))
    assert lowest is not None
    share, free, place = lowest
    seen = f"{place}: {share:.0%} free, {free / GIGABYTE:.1f} GB"
    if share < LEAST_SHARE or free < LEAST_BYTES:
        return bad(seen, "Free space or enlarge the disk: du -xh --max-depth=2 / | sort -h | tail")
    if share < LOW_SHARE:
        return note(seen, "See what grows: du -xh --max-depth=2 / | sort -h | tail")
    return good(seen)


@check(SECTION, "clock in sync")
def clock(context: Context) -> Finding:
    ran = context.program("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if ran.code == 0 and ran.text == "yes":
        return good("synchronised by NTP")
    virtual = context.program("systemd-detect-virt", "--container")
    if virtual.code == 0 and virtual.text not in ("", "none"):
        return note(f"in a container ({virtual.text}) the host keeps it", "Look on the host: timedatectl")
    if ran.code == 0:
        return bad(
            "not synchronised: tokens and feeds go by it", "timedatectl set-ntp true; or apt install chrony"
        )
    return note("timedatectl does not answer", "See that an NTP client runs.")
