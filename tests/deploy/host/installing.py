"""Steps: from an empty Debian to HTTPS, and what the world sees of it."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from PIL import Image

from tests.deploy.host.layout import PUBLIC_NAME
from tests.deploy.host.machine import Machine
from tests.deploy.host.playbooks import ORIGIN
from tests.deploy.host.stage import Stage, insist
from tests.deploy.host.waiting import listens, wait_for

CLOSED = (5432, 6379, 8000, 8001, 8002, 9100, 9187)
WITHOUT = "checklist"  # nobody can go through it before there is anything


def try_out(stage: Stage) -> str:
    """A trial run on the bare host changes nothing, and does not fail."""
    recap = stage.operator.play("site", "--check", f"--skip-tags={WITHOUT}")
    for machine in stage.machines:
        insist(not (machine.root / "etc/nginx").exists(), "the trial run installed nginx")
        insist(machine.try_run("id", "ecatalog").returncode, "the trial run made an account")
    return f"{recap.count('changed')} changes would be made"


def install(stage: Stage) -> str:
    recap = stage.operator.play("site")
    return f"{recap.count('changed')} changes"


def install_again(stage: Stage) -> str:
    for options in ((), ("--check",)):
        recap = stage.operator.play("site", *options, f"--skip-tags={WITHOUT}")
        changed = re.findall(r"^TASK \[(.*?)\] \*+\n(?:.*\n)?changed", recap.output, re.MULTILINE)
        insist(recap.count("changed") == 0, f"the second run {' '.join(options)} changed: {changed}")
    return "changed=0, with and without --check"


def https(stage: Stage) -> str:
    answer = stage.visitor.get("/readyz")
    insist(answer.data["status"] == "ok", f"/readyz: {answer.data}")
    index = stage.visitor.get("/api/v1/")
    insist(index.data["resources"]["project"] == f"https://{PUBLIC_NAME}/api/v1/project/", f"{index.data}")
    insist("max-age=63072000" in index.headers["strict-transport-security"], "no HSTS")
    insist(stage.visitor.ask("GET", "/metrics").status == 403, "strangers read /metrics")
    large = stage.visitor.ask("POST", "/api/token/", b" " * (11 * 1024**2), {"Origin": ORIGIN})
    insist(large.status == 413 and large.headers["access-control-allow-origin"] == ORIGIN, "413 without CORS")
    return f"release {stage.release_of('current')} answers, its certificate is good"


def renew(stage: Stage) -> str:
    before = stage.visitor.serial()
    stage.machine.run("certbot", "renew", "--force-renewal", "--no-random-sleep-on-renew")
    wait_for(lambda: stage.visitor.serial() != before, 20, "nginx serves the renewed certificate")
    timer = stage.machine.run("systemctl", "is-enabled", "certbot.timer").strip()
    insist(timer == "enabled", f"certbot.timer is {timer}")
    return f"serial {before:x} became {stage.visitor.serial():x}"


def ports(stage: Stage) -> str:
    insist_on_doors(stage.machine, (22, 80, 443), CLOSED)
    return f"22, 80, 443 are open; {', '.join(map(str, CLOSED))} are not, whoever listens"


def insist_on_doors(machine: Machine, opened: Sequence[int], closed: Sequence[int]) -> None:
    """As this machine sees them, which is none of the inventory's."""
    for port in opened:
        insist(listens(machine.address, port), f"port {port} of {machine.name} is shut")
    # Something listens on each address, so that it is the firewall that keeps us out.
    script = (
        "import socket, time\n"
        "kept = []\n"
        f"for port in {tuple(closed)}:\n"
        "    try:\n"
        f"        kept.append(socket.create_server(('{machine.address}', port)))\n"
        "    except OSError:\n"
        "        pass  # the service itself listens there\n"
        "time.sleep(60)"
    )
    unit = ("systemd-run", "--collect", "--unit=deploy-test-ports")
    machine.run(*unit, "/usr/bin/python3", "-c", script)
    wait_for(lambda: f":{closed[-1]}" in machine.run("ss", "-tln"), 10, "the decoys listen")
    for port in closed:
        insist(not listens(machine.address, port), f"port {port} of {machine.name} is open to everybody")
    machine.run("systemctl", "stop", "deploy-test-ports")


def hardening(stage: Stage) -> str:
    unit = f"ecatalog@{stage.release_of('live')}.service"
    told = stage.machine.run("systemd-analyze", "security", "--threshold=20", unit).splitlines()[-1]
    shown = stage.machine.run("systemctl", "show", unit, "--property=Type,User,MemoryMax,TasksMax")
    insist("Type=notify" in shown and "User=ecatalog" in shown and "TasksMax=256" in shown, shown)
    insist("MemoryMax=infinity" not in shown, shown)
    mode = stage.machine.run("stat", "--format=%a %U", "/etc/ecatalog/ecatalog.env").strip()
    insist(mode == "600 root", f"the settings are {mode}")
    score = re.search(r"\d\.\d", told)
    return f"exposure {score[0] if score else told} of 10"


def fill(stage: Stage) -> str:
    """A user, some rows, and an image that nginx serves."""
    rows = add_rows(stage)
    image = upload(stage)
    path = image["image_md_url"].removeprefix(f"https://{PUBLIC_NAME}")
    served = stage.visitor.get(path)
    insist(served.headers["content-type"] == "image/jpeg", "an image is not served as one")
    insist("immutable" in served.headers["cache-control"], "an image is not kept for ever")
    page = stage.visitor.get("/api/docs/").body.decode()
    found = re.search(r'src="(/static/[^"]+\.js)"', page)
    insist(found, "the documentation names no static file")
    insist("immutable" in stage.visitor.get(found[1]).headers["cache-control"], "not from nginx")  # type: ignore[index]
    return f"{rows} items, an image, the documentation's files"


def add_rows(stage: Stage) -> int:
    """A user, who signs in, and some rows."""
    command = ("ecatalog", "user", "create", "deploy", "--role=admin", "--password-stdin")
    script = f"cd / && printf '%s\\n' {stage.password} | {' '.join(command)}"
    stage.machine.run("sh", "-c", script)
    stage.visitor.sign_in("deploy", stage.password)
    rows = [{"code_1c": f"A/{number}", "name": f"Шоколад {number}"} for number in range(200)]
    stage.visitor.send("/api/v1/project/bulk/", [{"code_1c": "P", "name": "Савдо уйи"}])
    stage.visitor.send("/api/v1/nomenklatura/bulk/", [{**row, "project": "P"} for row in rows])
    return len(rows)


def upload(stage: Stage) -> dict[str, str]:
    """An image of the first item; what the API tells of it."""
    picture = io.BytesIO()
    Image.new("RGB", (400, 300), "green").save(picture, "JPEG")
    boundary = "deploy-test"
    part = f"--{boundary}\r\nContent-Disposition: form-data; name="
    body = f'{part}"nomenklatura"\r\n\r\nA/1\r\n{part}"image"; filename="a.jpg"\r\n'.encode()
    body += b"Content-Type: image/jpeg\r\n\r\n" + picture.getvalue() + f"\r\n--{boundary}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    answer = stage.visitor.ask("POST", "/api/v1/nomenklatura-image/", body, kind)
    insist(answer.status == 201, f"an upload answers {answer.status}: {answer.body[:300]!r}")
    return dict(answer.data)


def checklist(stage: Stage) -> str:
    recap = stage.operator.play("checklist")
    marks = re.findall(r"(\d+) ✓|(\d+) ✗|(\d+) !", recap.output)
    noted = re.findall(r"^.*\s! +.*$", recap.output, re.MULTILINE)
    return f"{marks} {noted}"


def reboot(stage: Stage) -> str:
    stage.machine.power_off()
    stage.machine.boot()
    wait_for(lambda: stage.visitor.ask("GET", "/readyz").status == 200, 60, "the service is back")
    failed = stage.machine.run("systemctl", "list-units", "--failed", "--no-legend", "--plain")
    insist(not failed.strip(), f"after the reboot failed: {failed}")
    insist("Status: active" in stage.machine.run("ufw", "status"), "the firewall is off after the reboot")
    ports(stage)
    return "service, timers and firewall are back"
