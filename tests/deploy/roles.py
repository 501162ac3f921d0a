"""The playbooks' roles, read as data."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

from tests.serving import ROOT

ANSIBLE = ROOT / "ansible"
ROLES = sorted(path.name for path in (ANSIBLE / "roles").iterdir())


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def of_role(role: str, name: str) -> dict[str, Any]:
    """A role's ``defaults/main.yml`` or the like; empty where it has none."""
    path = ANSIBLE / "roles" / role / name
    return load(path) or {} if path.exists() else {}


def tasks(path: Path) -> Iterator[dict[str, Any]]:
    """The tasks and handlers of a file, those inside blocks included."""

    def walk(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for task in listed:
            yield task
            for inner in ("block", "rescue", "always"):
                yield from walk(task.get(inner, []))

    yield from walk(load(path) or [])


def task_files() -> list[Path]:
    return sorted((ANSIBLE / "roles").glob("*/tasks/*.yml"))


def site(**variables: Any) -> str:
    """nginx.conf as the role writes it with these variables in place of its defaults."""
    role = ANSIBLE / "roles" / "nginx"
    known = {**of_role("nginx", "defaults/main.yml"), **variables}
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701
    parts = {
        name: environment.from_string(part).render(known)
        for name, part in of_role("nginx", "vars/main.yml")["nginx_parts"].items()
    }
    path = role / "filter_plugins" / "fill_parts.py"
    spec = spec_from_file_location("fill_parts", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return str(module.fill_parts((ROOT / "nginx.conf").read_text("utf-8"), parts))
