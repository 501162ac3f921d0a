"""nginx in front of the application: the project's nginx.conf with other places and ports, without TLS."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.robustness.harness.servers import Daemon
from tests.servers import ServerError
from tests.serving import ROOT

PART = re.compile(r"^ *# site: (?P<name>\S+)\n.*?^ *# end\n", re.MULTILINE | re.DOTALL)
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def configuration(folder: Path, port: int, application: Path, media: Path) -> str:
    """nginx.conf for ``127.0.0.1:port``, in front of gunicorn; nginx keeps its files in ``folder``."""
    user = "user root;\n" if os.geteuid() == 0 else ""
    parts = {
        "listen-default": f"listen unix:{folder}/nobody.sock default_server;",
        "listen-http": f"listen unix:{folder}/plain.sock;",
        "listen-https": f"listen 127.0.0.1:{port} backlog=1024;",
        "server-name": "server_name localhost 127.0.0.1;",
        "upstream": f"upstream ecatalog {{ server unix:{application} max_fails=0; }}",
        "connections": "limit_conn addresses 64;",
        "import-size": "client_max_body_size 51264k;",
        "image-size": "client_max_body_size 301m;",
        "media": f"alias {media}/;",
        "static": f"alias {folder}/static/;",
        "acme": f"root {folder};",
        "process": f"{user}pid {folder}/nginx.pid;\nerror_log {folder}/nginx-error.log warn;\ndaemon off;",
        "access-log": "access_log off;",
        "forwarded-scheme": "proxy_set_header X-Forwarded-Proto $scheme;",
    }
    text = (ROOT / "nginx.conf").read_text()
    text = PART.sub(lambda found: parts.get(found["name"], "") + "\n", text)
    places = "".join(f"{name}_temp_path {folder}/nginx-{name};\n" for name in TEMPORARY)
    for pattern, ours in (
        (r"^ *ssl_reject_handshake .*;", ""),
        (r"^http \{", f"http {{\n{places}"),
    ):
        text, count = re.subn(pattern, ours, text, flags=re.MULTILINE)
        if not count:
            raise ServerError(f"nginx.conf has no line {pattern}")
    return text


def nginx(folder: Path, port: int, application: Path, media: Path) -> Daemon:
    """nginx, not started. Raises ServerError where it is not installed, or refuses the configuration."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        raise ServerError("nginx is not installed (Debian: apt install nginx-light)")
    config = folder / "nginx.conf"
    config.write_text(configuration(folder, port, application, media))
    command: list[str | Path] = [program, "-e", folder / "nginx-error.log", "-c", config]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    if tried.returncode:
        raise ServerError(tried.stderr)
    return Daemon("nginx", command, folder / "nginx.log")
