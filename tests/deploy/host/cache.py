"""What a run of the deploy test keeps for the next one: the bare Debian and its packages."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.deploy.host.waiting import listens
from tests.servers import Process

SUITE = "bookworm"
PROXY_PORT = 13142  # not the one of a proxy that the machine may have for itself
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "python3", "python3-apt", "sudo", "ca-certificates"),
    *("iproute2", "openssh-server", "procps", "curl"),
)


def cache_folder() -> Path:
    """Outside the checkout, so that a fresh clone finds it, too."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "ecatalog-deploy-test"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def archives() -> list[str]:
    """The addresses of Debian that this machine itself installs from, the main one first.

    Raises RuntimeError when its sources name none.
    """
    found: list[str] = []
    for path in (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))):
        if path.suffix not in {".list", ".sources"} or not path.is_file():
            continue
        text = re.sub(r"^#.*$", "", path.read_text(), flags=re.MULTILINE)
        found += re.findall(r"^(?:URIs:|deb(?: \[[^]]*\])?) *(https?://\S+)", text, re.MULTILINE)
    debian = [address.rstrip("/") for address in found if re.search(r"/debian(-security)?/?$", address)]
    if not debian:
        raise RuntimeError("no Debian archive in this machine's apt sources")
    return sorted(dict.fromkeys(debian), key=lambda address: address.endswith("-security"))


def apt_sources() -> str:
    """The host's ``/etc/apt/sources.list``."""
    suites = {False: SUITE, True: f"{SUITE}-security"}
    return "".join(f"deb {address} {suites[address.endswith('-security')]} main\n" for address in archives())


def bare_debian() -> Path:
    """A tree as debootstrap leaves it, made on first use; nobody writes to it."""
    tree = cache_folder() / SUITE
    if not (tree / "made").exists():
        shutil.rmtree(tree, ignore_errors=True)
        root = tree / "root"
        root.mkdir(parents=True)
        include = f"--include={','.join(PACKAGES)}"
        command = ["debootstrap", "--variant=minbase", include, SUITE, str(root), archives()[0]]
        log = tree / "debootstrap.log"
        with log.open("wb") as output:
            done = subprocess.run(command, stdout=output, stderr=output, check=False)
        if done.returncode:
            raise RuntimeError(f"debootstrap failed:\n{log.read_text()[-2000:]}")
        (tree / "made").touch()
    return tree / "root"


@contextmanager
def package_proxy(address: str, folder: Path) -> Iterator[str]:
    """A caching proxy for the host's apt on ``address``; gives its URL. Files go to ``folder``."""
    settings = folder / "apt-cacher-ng"
    settings.mkdir()
    packages = cache_folder() / "packages"
    packages.mkdir(exist_ok=True)
    upstream = os.environ.get("http_proxy") or os.environ.get("HTTP_PROXY") or ""
    lines = [
        f"CacheDir: {packages}",
        f"LogDir: {settings}",
        f"BindAddress: {address}",
        f"Port: {PROXY_PORT}",
        "ForeGround: 1",
        "ReportPage:",
        "PassThroughPattern: .*",
        "ExThreshold: 30",
        *([f"Proxy: {upstream}"] if upstream else []),
    ]
    (settings / "acng.conf").write_text("\n".join(lines) + "\n")
    command = ["/usr/sbin/apt-cacher-ng", "-c", str(settings), "ForeGround=1"]
    process = Process(command, folder / "apt-cacher-ng.log", {"cwd": folder})
    try:
        process.start(lambda: listens(address, PROXY_PORT))
        yield f"http://{address}:{PROXY_PORT}"
    finally:
        process.stop(signal.SIGTERM)
