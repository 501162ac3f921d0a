"""Steps of the inventory of several hosts: who reaches whom, and what the hosts share."""

from __future__ import annotations

import re
import urllib.request
from typing import Any

import yaml

from tests.deploy.host import releases, s3
from tests.deploy.host.changing import insist_on_refusal
from tests.deploy.host.installing import add_rows, insist_on_doors, upload
from tests.deploy.host.machine import Machine
from tests.deploy.host.network import OUTSIDE, PROMETHEUS
from tests.deploy.host.playbooks import NO_LIMITS
from tests.deploy.host.stage import Stage, insist
from tests.deploy.host.waiting import listens, wait_for
from tests.serving import ROOT

CLOSED = (5432, 6379, 8001, 8002, 9100, 9113, 9121, 9187)
# By the group whose hosts have it: an exporter's port, and what it shows when it reaches what it tells of.
EXPORTERS = {
    "all": (9100, "node_boot_time_seconds "),
    "web": (9113, "nginx_up 1"),
    "db": (9187, "pg_up 1"),
    "cache": (9121, "redis_up 1"),
}


def variables() -> dict[str, Any]:
    """What the operator of these hosts writes into the inventory, besides what every one needs."""
    given = yaml.safe_load((ROOT / "ansible/inventories/several/group_vars/all/main.yml").read_text())
    return {
        "media_storage": f"s3://{s3.MEDIA}/images",
        "media_url": f"{s3.ENDPOINT}/{s3.MEDIA}/images/",
        "backup_repository": f"s3:{s3.ENDPOINT}/{s3.BACKUPS}",
        "ecatalog_settings": {**given["ecatalog_settings"], "AWS_ENDPOINT_URL": s3.ENDPOINT, **NO_LIMITS},
        "prometheus_addresses": [PROMETHEUS],
    }


def fill(stage: Stage) -> str:
    """A user, rows, and an image that comes back from the store, byte for byte what was uploaded."""
    rows = add_rows(stage)
    image = upload(stage)
    insist(image["image_md_url"].startswith(f"{s3.ENDPOINT}/{s3.MEDIA}/images/"), f"{image}")
    with urllib.request.urlopen(image["image_md_url"], timeout=20) as answer:
        kind, kept, start = answer.headers["Content-Type"], answer.headers["Cache-Control"], answer.read(2)
    insist(kind == "image/jpeg" and start == b"\xff\xd8", f"the store sends {kind}")
    insist("immutable" in kept, "an image is not kept for ever")
    return f"{rows} items, an image in {len(s3.objects(s3.MEDIA))} files on S3"


def shared(stage: Stage) -> str:
    """Both application hosts answer, through nginx."""
    since = {machine.name: machine.run("date", "+%s").strip() for machine in stage.group("app")}
    for _ in range(40):
        stage.visitor.get("/api/v1/project/")
    counted = {}
    for machine in stage.group("app"):
        units = ("--unit=ecatalog@a", "--unit=ecatalog@b")
        lines = machine.run("journalctl", *units, f"--since=@{since[machine.name]}", "--output=cat")
        counted[machine.name] = lines.count('"path": "/api/v1/project/"')
    insist(min(counted.values()) >= 10, f"not shared: {counted}")
    return ", ".join(f"{name} answered {count}" for name, count in counted.items())


def reaches(source: Machine, target: Machine, port: int) -> bool:
    """Whether a program on one host can connect to a port of another."""
    script = f"import socket; socket.create_connection(('{target.address}', {port}), 2)"
    return source.try_run("/usr/bin/python3", "-c", script).returncode == 0


def ports(stage: Stage) -> str:
    """From this machine, and from host to host."""
    for machine in stage.machines:
        opened = (22, 80, 443) if machine in stage.group("web") else (22,)
        insist_on_doors(machine, opened, CLOSED)
    tried = 0
    for source in stage.machines:
        for target in stage.machines:
            if source is target:
                continue
            for port, there, allowed in _doors(stage, source, target):
                insist(
                    reaches(source, target, port) == (there and allowed),
                    f"{target.name}:{port} {'shut' if allowed else 'open'} to {source.name}",
                )
                tried += 1
    return f"{', '.join(map(str, CLOSED))} are closed to strangers; {tried} doors between hosts are as said"


def _doors(stage: Stage, source: Machine, target: Machine) -> list[tuple[int, bool, bool]]:
    """Ports of a host: whether something listens there, and whether the other host may connect."""
    doors = [
        (port, target in stage.group(group), source in stage.group("app"))
        for group, port in (("db", 5432), ("cache", 6379))
    ]
    if target in stage.group("app"):
        live = stage.release_of("live", target)
        doors.append((8002 if live == "b" else 8001, True, source in stage.group("web")))
    return [*doors, (9100, True, False)]


def exporters(stage: Stage) -> str:
    """Each answers the host that collects, with numbers of what it is for, and nobody else."""
    seen = []
    for group, (port, line) in EXPORTERS.items():
        for machine in stage.machines if group == "all" else stage.group(group):
            insist(listens(machine.address, port, source=PROMETHEUS), f"{machine.name}:{port} is shut")
            shown = machine.run("curl", "--silent", "--fail", f"http://{machine.address}:{port}/metrics")
            insist(line in shown, f"{machine.name}:{port} does not show {line}:\n{shown[:2000]}")
            insist(not listens(machine.address, port, source=OUTSIDE), f"{machine.name}:{port} is open")
            bound = machine.run("ss", "-tlnH", f"sport = :{port}").split()[3]
            insist(bound == f"{machine.address}:{port}", f"{machine.name} listens on {bound}")
            seen.append(f"{machine.name}:{port}")
    return f"{', '.join(seen)} answer {PROMETHEUS} alone"


def fails_behind_nginx(stage: Stage) -> str:
    """A release that answers its own host, but nobody on behalf of others: nginx never comes to it."""
    return insist_on_refusal(stage, "behind", releases.broken_behind_nginx(stage.release), "serves on")


def backups(stage: Stage) -> str:
    """The repository is on S3, and one host alone makes them."""
    insist("config" in s3.objects(s3.BACKUPS), "there is no repository on S3")
    first, *others = stage.group("app")
    told = first.run("sh", "-c", "cd / && ecatalog backup list")
    for machine in others:
        timers = machine.run("systemctl", "list-timers", "ecatalog-backup*", "--no-legend")
        insist(not timers.strip(), f"{machine.name} makes backups, too: {timers}")
    return f"{len(s3.objects(s3.BACKUPS))} objects on S3, by {first.name} alone\n{told.strip()}"


def host_away(stage: Stage) -> str:
    """An application host that is gone costs some patience, and no answer."""
    gone = stage.group("app")[1]
    gone.power_off()
    for _ in range(30):
        stage.visitor.get("/api/v1/project/")
    gone.boot()
    port = 8002 if stage.release_of("live", gone) == "b" else 8001
    wait_for(lambda: reaches(stage.group("web")[0], gone, port), 60, f"{gone.name} serves again")
    return f"{gone.name} was off for 30 requests, all answered"


def checklist(stage: Stage) -> str:
    recap = stage.operator.play("checklist")
    marks = re.findall(r"\d+ ✓, \d+ ✗, \d+ !", recap.output)
    noted = re.findall(r"^.*\s! +.*$", recap.output, re.MULTILINE)
    insist(len(marks) == len(stage.group("app")), f"{marks}")
    return f"{marks}\n" + "\n".join(line.strip() for line in noted)
