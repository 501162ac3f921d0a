"""Ansible as an operator runs it: an inventory copied from the repository's, with an encrypted vault."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.deploy.host.acme import Authority
from tests.deploy.host.machine import INSIDE, Machine
from tests.serving import ROOT

PROGRAMS = ROOT / ".venv-deploy" / "bin"
PUBLIC_NAME = "catalog.test"
ORIGIN = "https://shop.example.uz"


class PlaybookError(RuntimeError):
    """A playbook failed; the message is what it printed."""


@dataclass(frozen=True)
class Recap:
    """What a run of a playbook came to on the host under test."""

    output: str

    def count(self, what: str) -> int:
        found = re.findall(rf"^catalog +:.*\b{what}=(\d+)", self.output, re.MULTILINE)
        return int(found[-1])


@dataclass
class Operator:
    """Who runs the playbooks, from ``folder``."""

    folder: Path
    machine: Machine
    authority: Authority
    release: Path

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory"

    def prepare(self) -> None:
        """Do what the README asks for before the first run."""
        shutil.copytree(ROOT / "ansible" / "inventories" / "single", self.inventory)
        known = self.folder / "known_hosts"
        known.write_text(f"{INSIDE} {self.machine.host_key()}\n")
        ssh = (
            f"-o UserKnownHostsFile={known} -o StrictHostKeyChecking=yes -o ControlPath={self.folder}/ssh-%C"
        )
        host = {
            "ansible_host": INSIDE,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.machine.key),
            "ansible_ssh_common_args": ssh,
        }
        hosts = yaml.safe_load((self.inventory / "hosts.yml").read_text())
        hosts["all"]["hosts"]["catalog"] = host
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump(hosts))
        variables = self.inventory / "group_vars" / "all"
        (variables / "test.yml").write_text(yaml.safe_dump(self._variables()))
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
            "ecatalog_settings": dict.fromkeys(("RATELIMIT_ANON", "RATELIMIT_USER"), "1000000/hour"),
            "common_users": [{"name": "aziz", "keys": [self.machine.key.with_suffix(".pub").read_text()]}],
        }

    def play(self, name: str, *options: str) -> Recap:
        """Run a playbook. Raises PlaybookError when it fails."""
        recap, status = self.try_play(name, *options)
        if status:
            raise PlaybookError(f"{name} {' '.join(options)}: exit status {status}\n{recap.output[-6000:]}")
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
