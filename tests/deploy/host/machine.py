"""A booted Debian in a systemd-nspawn container: no container engine, no image, nothing left behind.

Needs root, and the Debian packages systemd-container, iproute2, openssh-client.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.host.network import OUTSIDE, plug, unplug
from tests.deploy.host.waiting import listens, wait_for

CGROUPS = Path("/sys/fs/cgroup")
POWER_OFF = signal.SIGRTMIN + 4  # systemd's word for it
INTO = 'for group in $GROUPS_OF_MACHINE; do echo $$ > "$group/cgroup.procs"; done; exec "$@"'


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _cgroups(name: str) -> list[Path]:
    """The folders that make a cgroup of its own: one in each hierarchy that systemd looks at."""
    unified = (CGROUPS / "cgroup.controllers").exists()
    return [CGROUPS / name] if unified else [CGROUPS / "systemd" / name, CGROUPS / "unified" / name]


@dataclass
class Machine:
    """One host. ``bare`` is a Debian tree, which stays as it is; all changes are in ``folder``."""

    name: str
    address: str
    bare: Path
    folder: Path
    _nspawn: subprocess.Popen[bytes] | None = None
    leader: int = 0
    _mounted: list[Path] = field(default_factory=list)

    @property
    def full_name(self) -> str:
        """Of its container, its cgroup and its network."""
        return f"ecatalog-deploy-test-{self.name}"

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def key(self) -> Path:
        """The SSH key that opens root's account."""
        return self.folder / "key"

    def prepare(self, sources: str, proxy: str) -> None:
        """Lay a throw-away layer over the bare tree, with what the provider of a server would set up."""
        layers = [self.folder / name for name in ("changes", "work", "root")]
        for layer in layers:
            layer.mkdir()
        options = f"lowerdir={self.bare},upperdir={layers[0]},workdir={layers[1]}"
        _run("mount", "-t", "overlay", "-o", options, self.full_name, self.root)
        self._mounted.append(self.root)
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key)
        files = {
            "root/.ssh/authorized_keys": self.key.with_suffix(".pub").read_text(),
            "etc/hostname": f"{self.name}\n",
            "etc/hosts": f"127.0.0.1 localhost {self.name}\n{OUTSIDE} acme.test\n",
            "etc/resolv.conf": "",
            "etc/apt/sources.list": sources,
            "etc/apt/apt.conf.d/00proxy": f'Acquire::http::Proxy "{proxy}";\n',
            "etc/dpkg/dpkg.cfg.d/unsafe": "force-unsafe-io\n",
        }
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if ".ssh" in name else 0o755)
            path.write_text(text)
        (self.root / "etc/machine-id").write_text("")

    def host_key(self) -> str:
        """The public SSH key of the host, read from its disk: no first connection has to be trusted."""
        return (self.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().strip()

    def boot(self) -> None:
        """Start it in a fresh network: firewall rules live there, and must come back by themselves."""
        plug(self.full_name, self._cable, self.address)
        for group in _cgroups(self.full_name):
            group.mkdir(exist_ok=True)
        groups = " ".join(map(str, _cgroups(self.full_name)))
        nspawn = [
            *("systemd-nspawn", "--quiet", f"--directory={self.root}", f"--machine={self.full_name}"),
            *("--boot", "--register=no", "--keep-unit", "--console=pipe", "--resolv-conf=off"),
            *(f"--network-namespace-path=/run/netns/{self.full_name}", "--capability=CAP_NET_ADMIN"),
        ]
        environment = {"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network", "GROUPS_OF_MACHINE": groups}
        with (self.folder / "console.log").open("ab") as console:
            self._nspawn = subprocess.Popen(
                ["bash", "-c", INTO, "bash", *nspawn],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
                env={**os.environ, **environment},
            )
        wait_for(self._is_up, 60, f"the host has booted:\n{self.console()}")
        wait_for(lambda: listens(self.address, 22), 30, "the host's SSH answers")

    @property
    def _cable(self) -> str:
        return f"ec-test-{self.name}"  # a name of 15 characters at most

    def _is_up(self) -> bool:
        assert self._nspawn is not None
        if self._nspawn.poll() is not None:
            raise RuntimeError(f"systemd-nspawn ended:\n{self.console()}")
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        if not children:
            return False
        self.leader = int(children[0])
        state = self.try_run("systemctl", "is-system-running")
        return state.stdout.strip() in {"running", "degraded"}

    def console(self) -> str:
        path = self.folder / "console.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def try_run(self, *command: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as root; whatever comes of it."""
        enter = ["nsenter", "-t", str(self.leader), "-a", "--", "env", "-i", "HOME=/root", "TERM=dumb"]
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return subprocess.run(
            [*enter, path, *command], capture_output=True, text=True, check=False, timeout=seconds
        )

    def run(self, *command: str, seconds: float = 120) -> str:
        """Run a command inside, as root. Raises RuntimeError with its output when it fails."""
        done = self.try_run(*command, seconds=seconds)
        if done.returncode:
            raise RuntimeError(
                f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def power_off(self) -> None:
        """Shut it down in order, as `poweroff` would."""
        if self._nspawn is None:
            return
        if self._nspawn.poll() is None:
            if self.leader:
                os.kill(self.leader, POWER_OFF)
            try:
                self._nspawn.wait(90)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
                self._nspawn.wait()
        self._nspawn, self.leader = None, 0
        unplug(self.full_name, self._cable)

    def remove(self) -> None:
        """End it, and take away whatever it had."""
        self.power_off()
        for mounted in self._mounted:
            _run("umount", mounted)
        self._mounted.clear()
        for group in _cgroups(self.full_name):
            for folder, _, _ in os.walk(group, topdown=False):
                Path(folder).rmdir()
        shutil.rmtree(self.folder, ignore_errors=True)
