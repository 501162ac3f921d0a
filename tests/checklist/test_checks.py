"""Checks of the settings, the machine and what runs beside the service."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from ecatalog.checklist import network, registry
from ecatalog.checklist.context import Context
from ecatalog.checklist.registry import Check, Finding, Status, all_checks, run_all
from ecatalog.database import write_transaction
from ecatalog.extensions import db
from ecatalog.ops import backup_state

Find = Callable[..., dict[str, Finding]]


@pytest.fixture
def find(make_app: Callable[..., Flask]) -> Find:
    """The findings of a section by name: ``find("environment", debug=True)``."""

    def run(section: str, ports: tuple[int, ...] = (), **overrides: Any) -> dict[str, Finding]:
        app = make_app(**overrides)
        context = Context(app, app.extensions["ecatalog_settings"], ports or (22, 80, 443))
        with app.app_context():
            return {result.name: result.finding for result in run_all(context, [section])}

    return run


def statuses(findings: dict[str, Finding]) -> dict[str, str]:
    return {name: finding.status.value for name, finding in findings.items()}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a program of that name, a shell script, in front of the system's."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def make(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return make


@pytest.fixture
def under_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Context, "has_systemd", True)


def test_good_settings(find: Find, database_kind: str) -> None:
    findings = find(
        "environment",
        public_url="https://api.example.uz",
        allowed_hosts=(".example.uz",),
        cors_allowed_origins=("https://shop.example.uz",),
    )
    wrong = {name for name, mark in statuses(findings).items() if mark == "✗"} - {"settings file"}
    assert wrong == (set() if database_kind == "postgresql" else {"DATABASE_URL"})


def test_weak_settings(find: Find) -> None:
    findings = find(
        "environment",
        secret_key="a" * 60,
        debug=True,
        allowed_hosts=("other.example.uz",),
        public_url="http://api.example.uz",
        cors_allowed_origins=("http://shop.example.uz",),
    )
    for name in ("SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "CORS list", "PUBLIC_URL"):
        assert findings[name].status is Status.BAD, name
        assert findings[name].cure
    assert find("environment", cors_allow_all_origins=True)["CORS list"].status is Status.BAD
    assert find("environment", allowed_hosts=("*",))["ALLOWED_HOSTS"].status is Status.BAD
    assert "a" * 60 not in str(findings)


def test_the_database_is_well(find: Find, database_kind: str) -> None:
    marks = statuses(find("database"))
    assert marks["migrations"] == marks["writing"] == marks["encoding"] == "✓"
    assert set(marks.values()) <= ({"✓"} if database_kind == "postgresql" else {"✓", "!"})


def test_a_database_that_is_away_is_bad_everywhere(find: Find) -> None:
    findings = find("database", database_url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert findings["reachable"].status is Status.BAD
    assert set(statuses(findings).values()) == {"✗"}


def test_missing_migrations_are_named(
    find: Find, new_database: Callable[[], str], make_app: Callable[..., Flask]
) -> None:
    url = new_database()
    app = make_app(database_url=url)
    with app.app_context(), write_transaction():
        db.session.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    finding = find("database", database_url=url)["migrations"]
    assert (finding.status, finding.cure) == (Status.BAD, "flask db upgrade")


def test_redis(find: Find, redis_url: str) -> None:
    assert statuses(find("Redis", redis_url=redis_url)) == {"reachable": "✓", "limits are shared": "✓"}
    assert statuses(find("Redis"))["reachable"] == "✗"
    assert set(statuses(find("Redis", redis_url="redis://127.0.0.1:1/0")).values()) == {"✗"}


def test_a_port_that_listens_to_the_world_is_named(find: Find) -> None:
    with socket.create_server(("0.0.0.0", 0)) as world, socket.create_server(("127.0.0.1", 0)) as inside:  # noqa: S104
        listening = {(str(address), port) for address, port in network.listening_ports()}
        port, shut = world.getsockname()[1], inside.getsockname()[1]
        assert {("0.0.0.0", port), ("127.0.0.1", shut)} <= listening  # noqa: S104
        seen = find("network")["public ports"].seen
        assert str(port) in seen
        assert str(shut) not in seen
    if socket.has_dualstack_ipv6():
        with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as world:
            assert ("::", world.getsockname()[1]) in {(str(a), p) for a, p in network.listening_ports()}


@pytest.mark.parametrize(("answer", "mark"), [("echo Status: active", "✓"), ("echo Status: inactive", "✗")])
def test_the_firewall(find: Find, programs: Callable[[str, str], None], answer: str, mark: str) -> None:
    programs("ufw", answer)
    programs("sudo", 'shift; exec "$@"')
    assert find("network")["firewall"].status.value == mark


SYSTEMCTL = """
case "$*" in
*ecatalog@a*ActiveState*) echo {a} ;;
*ecatalog@b*ActiveState*) echo inactive ;;
*UnitFileState*) echo {enabled} ;;
*MainPID*) echo {pid} ;;
*NRestarts*) echo {restarts} ;;
*list-timers*) echo "- - - - {timer} {timer}" ;;
*--failed*) echo "{failed}" ;;
esac
"""
WELL = {
    "a": "active",
    "enabled": "enabled",
    "pid": "1",
    "restarts": "0",
    "timer": "ecatalog-backup.timer",
    "failed": "",
}


@pytest.mark.usefixtures("under_systemd")
@pytest.mark.parametrize(
    ("facts", "name", "mark"),
    [
        ({}, "systemd unit", "✓"),
        ({"a": "failed"}, "systemd unit", "✗"),
        ({"enabled": "disabled"}, "systemd unit", "✗"),
        ({"restarts": "3"}, "systemd unit", "!"),
        ({}, "timers", "✓"),
        ({"timer": "ecatalog-tokens.timer"}, "timers", "✗"),
        ({"failed": "ecatalog-backup.service loaded failed failed"}, "timers", "✗"),
    ],
)
def test_units(
    find: Find, programs: Callable[[str, str], None], facts: dict[str, str], name: str, mark: str
) -> None:
    programs("systemctl", SYSTEMCTL.format(**{**WELL, **facts}))
    finding = find("service")[name]
    assert finding.status.value == mark, finding
    assert finding.cure or mark == "✓"


@pytest.mark.usefixtures("under_systemd")
def test_workers_are_counted(find: Find, programs: Callable[[str, str], None]) -> None:
    processors = len(os.sched_getaffinity(0))
    programs("systemctl", SYSTEMCTL.format(**{**WELL, "pid": os.getpid()}))
    with subprocess.Popen(["sleep", "60"]) as child:
        finding = find("service", web_concurrency=2 * processors + 1)["gunicorn workers"]
        child.kill()
    seen = re.match(r"(\d+) run in ecatalog@a.service, (\d+) are set", finding.seen)
    assert finding.status is Status.BAD
    assert seen
    assert int(seen[1]) >= 1
    assert int(seen[2]) == 2 * processors + 1
    finding = find("service", web_concurrency=2 * processors + 2)["gunicorn workers"]
    assert f"WEB_CONCURRENCY={processors}" in finding.cure


@pytest.mark.parametrize(("status", "mark"), [(0, "✓"), (1, "✗")])
def test_the_configuration_of_nginx(
    find: Find, programs: Callable[[str, str], None], status: int, mark: str
) -> None:
    programs(
        "nginx", f'[ "$1" = -v ] || {{ echo "nginx: configuration file test failed" >&2; exit {status}; }}'
    )
    programs("sudo", 'shift; exec "$@"')
    assert find("service")["nginx config"].status.value == mark


def test_backups_have_an_age(find: Find, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret")
    password.chmod(0o600)
    state = tmp_path / "backup.json"
    overrides = {
        "backup_repository": str(tmp_path),
        "backup_password_file": str(password),
        "backup_state_file": str(state),
    }
    assert statuses(find("backups", **overrides)) == {
        "configured": "✓",
        "last backup": "✗",
        "last check": "✗",
        "last verify": "✗",
    }
    for event in backup_state.EVENTS:
        backup_state.note(str(state), event)
    assert set(statuses(find("backups", **overrides)).values()) == {"✓"}
    stored = json.loads(state.read_text())
    stored["backup"]["succeeded"] = time.time() - 27 * 3600
    stored["verify"]["failed"] = time.time() + 1
    stored["verify"]["detail"] = "rows differ"
    state.write_text(json.dumps(stored))
    findings = find("backups", **overrides)
    assert statuses(findings) == {
        "configured": "✓",
        "last backup": "✗",
        "last check": "✓",
        "last verify": "✗",
    }
    assert "rows differ" in findings["last verify"].seen
    assert statuses(find("backups"))["configured"] == "✗"


def test_backups_that_are_made_elsewhere_are_not_missed(find: Find) -> None:
    findings = find("backups", backup_made_by="app1")
    ages = dict.fromkeys(("last backup", "last check", "last verify"), "!")
    assert statuses(findings) == {"configured": "✓", **ages}
    assert all("app1" in finding.seen for finding in findings.values())
    assert statuses(find("backups", backup_made_by="a", backup_repository="r"))["configured"] == "✗"


@pytest.mark.usefixtures("under_systemd")
def test_backups_made_elsewhere_need_no_timer(find: Find, programs: Callable[[str, str], None]) -> None:
    programs("systemctl", SYSTEMCTL.format(**{**WELL, "timer": "ecatalog-tokens.timer"}))
    assert find("service", backup_made_by="a")["timers"].status is Status.GOOD


def test_every_point_has_its_check() -> None:
    names = {(item.section, item.name) for item in all_checks()}
    assert len(names) == len(all_checks())
    assert len(names) > 40
    assert [item.section for item in all_checks()] == sorted(
        (item.section for item in all_checks()), key=registry.SECTIONS.index
    )
    assert {section for section, _name in names} == set(registry.SECTIONS)


def test_the_machine_is_looked_at(find: Find) -> None:
    findings = find("machine")
    assert "GB" in findings["disk space"].seen
    assert findings["clock in sync"].seen


def test_a_check_that_breaks_is_a_bad_finding(app: Flask) -> None:
    def breaks(_context: Context) -> Finding:
        raise RuntimeError("first\nsecond")

    with app.app_context():
        context = Context(app, app.extensions["ecatalog_settings"])
        finding = Check("x", "y", breaks).run(context).finding
    assert (finding.status, finding.seen) == (Status.BAD, "RuntimeError: first second")
    assert registry.good("x").cure == ""


def test_nothing_answers_without_a_service(make_app: Callable[..., Flask]) -> None:
    app = make_app(public_url="https://127.0.0.1:1")
    result = app.test_cli_runner().invoke(args=["checklist", "--only", "endpoints", "--json"])
    assert result.exit_code == 1
    assert {fact["status"] for fact in json.loads(result.stdout)} == {"bad"}
    with app.app_context():
        assert db.session.scalar(sa.text("SELECT count(*) FROM app_user")) == 0


def test_an_unknown_section_is_wrong_usage(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["checklist", "--only", "nothing"])
    assert result.exit_code == 2
    assert "environment, database" in result.stderr
