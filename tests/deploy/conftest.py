"""A real nginx with the repository's nginx.conf, filled in by Ansible's own parts."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.deploy.roles import site
from tests.servers import Process, free_port

NAME = "api.example.uz"
ORIGIN = "https://shop.example.uz"
STAND_INS = {
    "pid /run/nginx.pid;": "pid {folder}/nginx.pid;",
    "error_log syslog:server=unix:/dev/log,nohostname warn;": "error_log {folder}/error.log warn;",
    "access_log /var/log/nginx/access.log json buffer=32k flush=5s;": "access_log {folder}/access.log json;",
    "user www-data;": "user root;" if os.geteuid() == 0 else "",
    "sendfile on;": "sendfile on; client_body_temp_path {folder}/bodies; proxy_temp_path {folder}/answers;",
    # A test waits for these.
    "proxy_read_timeout 60s;": "proxy_read_timeout 1s;",
}


@dataclass(frozen=True)
class Site:
    """nginx as it runs: its two ports, its folder, and a certificate for api.example.uz."""

    folder: Path
    http: int
    https: int

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    def url(self, path: str) -> str:
        return f"https://127.0.0.1:{self.https}{path}"

    def ask(self, method: str, path: str, **options: object) -> requests.Response:
        """One request to the public name. (requests cannot be told where a name is: it is given as Host.)"""
        headers = {"Host": NAME, **(options.pop("headers", None) or {})}  # type: ignore[dict-item]
        with requests.Session() as session:
            session.mount("https://", _ToName())
            return session.request(
                method,
                self.url(path),
                headers=headers,
                verify=str(self.certificate),
                timeout=30,
                **options,  # type: ignore[arg-type]
            )


class _ToName(requests.adapters.HTTPAdapter):
    def init_poolmanager(self, *args: object, **options: object) -> None:
        super().init_poolmanager(*args, server_hostname=NAME, assert_hostname=NAME, **options)  # type: ignore[arg-type]


def context(running: Site) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(running.certificate))


def configuration(folder: Path, http: int, https: int, **variables: object) -> str:
    """nginx.conf for a test: filled in, with its files in ``folder`` and its ports free ones."""
    usual: dict[str, object] = {
        "nginx_server_names": [NAME],
        "nginx_certificate": f"{folder}/certificate.pem",
        "nginx_certificate_key": f"{folder}/key.pem",
        "nginx_cors_allowed_origins": [ORIGIN],
        "nginx_media_folder": f"{folder}/media",
        "nginx_static_folder": f"{folder}/static",
        "nginx_acme_folder": f"{folder}/acme",
        "nginx_ipv6": False,
    }
    text = site(**{**usual, **variables})
    for stated, stand_in in STAND_INS.items():
        assert stated in text
        text = text.replace(stated, stand_in.format(folder=folder))
    return text.replace("listen 80", f"listen 127.0.0.1:{http}").replace(
        "listen 443", f"listen 127.0.0.1:{https}"
    )


def make_certificate(folder: Path) -> None:
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    files: list[str | Path] = ["-keyout", folder / "key.pem", "-out", folder / "certificate.pem"]
    subprocess.run(["openssl", "req", "-x509", *key, *names, *files], check=True, capture_output=True)


RunSite = Callable[..., Site]


@pytest.fixture(scope="module")
def run_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunSite]:
    """Starts nginx with these variables of the role; ``also`` is put into the public server."""
    running: list[Process] = []

    def run(also: str = "", **variables: object) -> Site:
        folder = tmp_path_factory.mktemp("nginx")
        folder.chmod(0o755)
        for name in ("media", "static", "acme/.well-known/acme-challenge"):
            (folder / name).mkdir(parents=True)
        make_certificate(folder)
        found = Site(folder, free_port(), free_port())
        text = configuration(folder, found.http, found.https, **variables)
        place = f"listen 127.0.0.1:{found.https} ssl http2;\n"
        assert place in text
        (folder / "nginx.conf").write_text(text.replace(place, place + also))
        command: list[str | Path] = ["nginx", "-c", folder / "nginx.conf", "-g", "daemon off;"]
        process = Process(command, folder / "nginx.log", {})
        process.start(lambda: (folder / "nginx.pid").exists() and _answers(found))
        running.append(process)
        return found

    yield run
    for process in running:
        process.stop(signal.SIGTERM)


def _answers(running: Site) -> bool:
    try:
        running.ask("GET", "/error.json")
    except requests.ConnectionError:
        return False
    return True
