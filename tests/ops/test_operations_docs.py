"""What docs/operations.md, the alerts and the dashboard name is there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from flask import Flask

from ecatalog.ops import backup_state
from tests.serving import ROOT

DOCS = ROOT / "docs"
OPERATIONS = (DOCS / "operations.md").read_text()
SUFFIXES = ("_total", "_bucket", "_sum", "_count")


@pytest.fixture
def shown(make_app: Callable[..., Flask], tmp_path: Path) -> set[str]:
    """The names of all metrics that are shown."""
    state = tmp_path / "backup.json"
    backup_state.note(str(state), "backup")
    app = make_app(backup_repository=str(tmp_path), backup_state_file=str(state))
    names = re.findall(r"^# TYPE (\w+)", app.test_client().get("/metrics").text, re.MULTILINE)
    return {bare(name) for name in names}


def bare(name: str) -> str:
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def metrics_in(text: str) -> set[str]:
    return {bare(name) for name in re.findall(r"\becatalog_[a-z_]+[a-z]\b", text)}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DOCS / "monitoring" / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_alerts_ask_for_metrics_that_are_shown(shown: set[str]) -> None:
    for rule in rules():
        named = metrics_in(rule["expr"])
        assert named <= shown, rule["alert"]
        assert named or "up{" in rule["expr"]
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("critical", "warning")
    assert len(rules()) >= 8


def test_the_dashboard_asks_for_metrics_that_are_shown(shown: set[str]) -> None:
    dashboard = json.loads((DOCS / "monitoring" / "grafana-dashboard.json").read_text())
    named = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in metrics_in(target["expr"])
    }
    assert named <= shown
    assert len(dashboard["panels"]) >= 12
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_operations_names_metrics_that_are_shown(shown: set[str]) -> None:
    named = metrics_in(OPERATIONS) - {"ecatalog_settings"}
    assert len(named) >= 10
    assert named <= shown


def test_operations_lists_every_setting_with_its_default() -> None:
    example = (ROOT / ".env.example").read_text()
    explained = dict(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=(.*)$", example, re.MULTILINE))
    read = (ROOT / "ecatalog" / "config.py").read_text()
    explained = {name: text for name, text in explained.items() if f'"{name}"' in read}  # others: Compose's
    listed = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]*?) ?\|", OPERATIONS, re.MULTILINE))
    assert listed.keys() == explained.keys()
    described = {"SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL"}
    shown = {name: text.strip().strip("`") for name, text in listed.items() if name not in described}
    assert shown == {name: explained[name] for name in shown}


def commands(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        else:
            yield " ".join((*before, name))


def test_operations_names_commands_that_there_are(app: Flask) -> None:
    known = set(commands(app.cli))
    groups = {name.split()[0] for name in known if " " in name}
    named = set()
    for first, second in re.findall(r"\becatalog ([a-z]+)(?: ([a-z]+))?", "\n".join(code_of(OPERATIONS))):
        named.add(f"{first} {second}" if first in groups else first)
    assert len(named) >= 12
    assert named <= known


def code_of(text: str) -> list[str]:
    """What stands in code blocks and between backticks."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))]


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", OPERATIONS):
        if "://" not in target:
            assert (DOCS / target).exists(), target
