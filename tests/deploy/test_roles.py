"""The playbooks say what they take, check what they write, and keep secrets to themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ecatalog.config_checks import secret_problem
from tests.deploy.roles import ANSIBLE, ROLES, load, of_role, task_files, tasks
from tests.serving import ROOT


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_documents_is_what_it_takes(role: str) -> None:
    defaults = of_role(role, "defaults/main.yml")
    entries = of_role(role, "meta/argument_specs.yml")["argument_specs"]
    assert "main" in entries
    for entry, spec in entries.items():
        assert (ANSIBLE / "roles" / role / "tasks" / f"{entry}.yml").exists()
        options = spec["options"]
        stated = {name: option["default"] for name, option in options.items() if "default" in option}
        assert stated == defaults
        needed = {name for name, option in options.items() if option.get("required")}
        assert set(options) == needed | set(defaults), "neither required nor with a default"
        assert all(option["description"].endswith((".", "?")) for option in options.values())


@pytest.mark.parametrize("role", ROLES)
def test_variables_carry_the_name_of_their_role(role: str) -> None:
    for name in (*of_role(role, "defaults/main.yml"), *of_role(role, "vars/main.yml")):
        assert name.startswith(f"{role}_")


@pytest.mark.parametrize("path", task_files(), ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_every_template_is_validated_before_it_takes_its_place(path: Path) -> None:
    for task in tasks(path):
        if "ansible.builtin.template" in task:
            assert "%s" in task["ansible.builtin.template"]["validate"], task["name"]


@pytest.mark.parametrize("path", task_files(), ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_tasks_that_write_secrets_print_nothing(path: Path) -> None:
    templates = path.parent.parent / "templates"
    for task in tasks(path):
        if "ansible.builtin.assert" in task or "block" in task:
            continue
        told = yaml.safe_dump(task)
        for source in re.findall(r"src: (\S+\.j2)", told):
            told += (templates / source).read_text("utf-8")
        if re.search(r"\{\{[^}]*(_password|secret_key|ecatalog_environment)\b|ecatalog_environment", told):
            assert task.get("no_log") is True, task["name"]


def test_the_example_vault_opens_nothing() -> None:
    vault = load(ANSIBLE / "inventories" / "vault.example.yml")
    assert secret_problem(vault["vault_secret_key"])
    assert all("change-me" in value for value in vault.values())
    for path in (ANSIBLE / "inventories").glob("*/group_vars/*/*.yml"):
        used = set(re.findall(r"vault_\w+", path.read_text("utf-8")))
        assert used <= set(vault), path
        assert not (set(load(path)) & set(vault)), f"{path} holds what belongs into the vault"


def test_the_settings_that_are_written_are_those_that_are_read() -> None:
    explained = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.M))
    named = of_role("ecatalog", "vars/main.yml")["ecatalog_named_settings"]
    assert set(named) <= explained


@pytest.mark.parametrize("inventory", ["single", "several"])
def test_an_inventory_names_a_variable_of_a_role_rightly(inventory: str) -> None:
    known = set()
    for role in ROLES:
        for entry in of_role(role, "meta/argument_specs.yml")["argument_specs"].values():
            known |= set(entry["options"])
    for path in (ANSIBLE / "inventories" / inventory / "group_vars").glob("**/*.yml"):
        for name in load(path):
            if name.startswith(tuple(f"{role}_" for role in ROLES)):
                assert name in known, f"{path}: {name}"


@pytest.mark.parametrize("playbook", ["deploy", "rollback"])
def test_every_host_tells_what_serves_before_the_first_one_switches(playbook: str) -> None:
    """nginx on another host is given the ports of all, also of those whose turn has not come."""
    plays = [play for play in load(ANSIBLE / f"{playbook}.yml") if "hosts" in play]
    first = next(number for number, play in enumerate(plays) if "serial" in play)
    asked = [
        task["ansible.builtin.include_role"]["tasks_from"]
        for play in plays[:first]
        if play["hosts"] == "app"
        for task in play["tasks"]
    ]
    assert "state" in asked
