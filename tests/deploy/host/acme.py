"""A certificate authority with a real ACME server: pebble, which Let's Encrypt tests its clients with."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.host.network import OUTSIDE
from tests.deploy.host.waiting import listens
from tests.servers import Process

NAME = "acme.test"
ACME_PORT, MANAGEMENT_PORT, DNS_PORT, DNS_MANAGEMENT_PORT = 14000, 15000, 8053, 8055


@dataclass(frozen=True)
class Authority:
    """The running server: its directory, the CA of its own HTTPS, and the root that it signs under."""

    directory: str
    server_ca: Path
    root: Path


def _make_certificate(folder: Path) -> None:
    """A CA, and a certificate under it for the ACME server itself."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    ca = ["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=deploy test"]
    server = ["-keyout", "server.key", "-out", "server.csr", "-subj", f"/CN={NAME}"]
    signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names.txt", "-days", "2"]
    (folder / "names.txt").write_text(f"subjectAltName=DNS:{NAME}\n")
    for command in (
        ["req", "-x509", *key, *ca],
        ["req", *key[:-2], *server],
        ["x509", "-req", "-in", "server.csr", "-out", "server.pem", *signing],
    ):
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)


@contextmanager
def authority(folder: Path, web_address: str) -> Iterator[Authority]:
    """Serve ACME on this machine; every name leads to the web host. Files go to ``folder``."""
    folder.mkdir()
    _make_certificate(folder)
    settings = {
        "listenAddress": f"{OUTSIDE}:{ACME_PORT}",
        "managementListenAddress": f"{OUTSIDE}:{MANAGEMENT_PORT}",
        "certificate": "server.pem",
        "privateKey": "server.key",
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    names = ["pebble-challtestsrv", "-defaultIPv4", web_address, "-defaultIPv6", "", "-http01", ""]
    names += ["-https01", ""]
    names += ["-tlsalpn01", "", "-dns01", f"{OUTSIDE}:{DNS_PORT}"]
    names += ["-management", f"{OUTSIDE}:{DNS_MANAGEMENT_PORT}"]
    server = ["pebble", "-config", "pebble.json", "-dnsserver", f"{OUTSIDE}:{DNS_PORT}"]
    quick = {"PATH": "/usr/bin:/bin", "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    resolver = Process(names, folder / "names.log", {"cwd": folder, "env": quick})
    pebble = Process(server, folder / "pebble.log", {"cwd": folder, "env": quick})
    try:
        resolver.start(lambda: listens(OUTSIDE, DNS_MANAGEMENT_PORT))
        pebble.start(lambda: listens(OUTSIDE, ACME_PORT))
        context = ssl._create_unverified_context()  # noqa: S323  # a random root of this very process
        root = f"https://{OUTSIDE}:{MANAGEMENT_PORT}/roots/0"
        with urllib.request.urlopen(root, context=context, timeout=10) as answer:
            (folder / "root.pem").write_bytes(answer.read())
        yield Authority(f"https://{NAME}:{ACME_PORT}/dir", folder / "ca.pem", folder / "root.pem")
    finally:
        pebble.stop(signal.SIGTERM)
        resolver.stop(signal.SIGTERM)
