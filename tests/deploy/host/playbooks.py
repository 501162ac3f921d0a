"""Ansible as an operator runs it: an inventory copied from the repository's, with an encrypted vault."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.host.acme import Authority
from tests.deploy.host.layout import PUBLIC_NAME, Layout
from tests.deploy.host.machine import Machine
from tests.serving import ROOT

PROGRAMS = ROOT / ".venv-deploy" / "bin"
ORIGIN = "https://shop.example.uz"
NO_LIMITS = dict.fromkeys(("RATELIMIT_ANON", "RATELIMIT_USER"), "1000000/hour")


class PlaybookError(RuntimeError):
    """A playbook failed; the message is what it printed."""


@dataclass(frozen=True)
class Recap:
    """What a run of a playbook came to."""

    output: str

    def count(self, what: str) -> int:
        """Over all hosts."""
        found = re.findall(rf"^\w+ +: ok=.*\b{what}=(\d+)", self.output, re.MULTILINE)
        return sum(map(int, found))


@dataclass
class Operator:
    """Who runs the playbooks, from ``folder``, with ``variables`` besides those of every inventory."""

    folder: Path
    layout: Layout
    machines: Sequence[Machine]
    authority: Authority
    release: Path
    variables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory"

    def prepare(self) -> None:
        """Do what the README asks for before the first run."""
        shutil.copytree(ROOT / "ansible" / "inventories" / self.layout.inventory, self.inventory)
        known = self.folder / "known_hosts"
        known.write_text("".join(f"{host.address} {host.host_key()}\n" for host in self.machines))
        ssh = (
            f"-o UserKnownHostsFile={known} -o StrictHostKeyChecking=yes -o ControlPath={self.folder}/ssh-%C"
        )
        hosts = {
            host.name: {
                "ansible_host": host.address,
                "private_address": host.address,
                "ansible_user": "root",
                "ansible_ssh_private_key_file": str(host.key),
                "ansible_ssh_common_args": ssh,
            }
            for host in self.machines
        }
        groups = {name: {"hosts": dict.fromkeys(names)} for name, names in self.layout.groups.items()}
        inventory = {"all": {"hosts": hosts, "children": groups}}
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump(inventory))
        variables = self.inventory / "group_vars" / "all"
        (variables / "test.yml").write_text(yaml.safe_dump({**self._variables(), **self.variables}))
        vault = {
            name: secrets.token_urlsafe(64)
            for name in yaml.safe_load((ROOT / "ansible/inventories/vault.example.yml").read_text())
        }
        # A password may have any character.
        vault["vault_database_password"] += "'/@ %\"$#:"
        (variables / "vault.yml").write_text(yaml.safe_dump(vault))
        (self.folder / "vault-password").write_text(secrets.token_urlsafe())
        command: list[str | Path] = [
            PROGRAMS / "ansible-vault",
            "encrypt",
            f"--vault-password-file={self._password}",
        ]
        subprocess.run([*command, variables / "vault.yml"], check=True, capture_output=True)

    @property
    def _password(self) -> Path:
        return self.folder / "vault-password"

    def _variables(self) -> dict[str, object]:
        key = self.machines[0].key.with_suffix(".pub")
        return {
            "public_name": PUBLIC_NAME,
            "operators_email": "ops@catalog.test",
            "allowed_origins": [ORIGIN],
            "ecatalog_release_file": str(self.release),
            "certbot_server": self.authority.directory,
            "certbot_server_ca": str(self.authority.server_ca),
            # The container shows the memory of the whole machine.
            "postgresql_memory_mb": 1024,
            "ecatalog_workers": 2,
            "ecatalog_ready_seconds": 20,
            "ecatalog_settings": NO_LIMITS,
            "common_users": [{"name": "aziz", "keys": [key.read_text()]}],
        }

    def play(self, name: str, *options: str) -> Recap:
        """Run a playbook. Raises PlaybookError when it fails."""
        recap, status = self.try_play(name, *options)
        if status:
            first = re.search(r"^(fatal|failed): ", recap.output, re.MULTILINE)
            shown = recap.output[max(first.start() - 500, 0) :][:6000] if first else recap.output[-6000:]
            # What the checklist found; long texts are folded over several lines.
            shown += "\n".join(["", *re.findall(r"^.* ✗ .*(?:\n(?!.* [✓✗!] ).*){0,6}", recap.output, re.M)])
            raise PlaybookError(f"{name} {' '.join(options)}: exit status {status}\n{shown}")
        return recap

    def try_play(self, name: str, *options: str) -> tuple[Recap, int]:
        """Run a playbook; what it came to and its exit status."""
        command: list[str | Path] = [PROGRAMS / "ansible-playbook", f"--inventory={self.inventory}", *options]
        command += [f"--vault-password-file={self._password}", f"{name}.yml"]
        keep = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks"}
        done = subprocess.run(
            command,
            cwd=ROOT / "ansible",
            env={**os.environ, **keep, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        with (self.folder / "ansible.log").open("a") as log:
            log.write(done.stdout)
        return Recap(done.stdout), done.returncode
