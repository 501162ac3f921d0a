"""nginx in front of the application: the project's own site, its places and ports replaced."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.robustness.harness.servers import Daemon
from tests.servers import ServerError

MAIN = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    {site}
}}
"""

SITE = """\
    upstream ecatalog { server unix:SOCKET fail_timeout=0; keepalive 32; }
    server {
        listen 127.0.0.1:PORT backlog=1024;
        client_max_body_size 60m;
        client_header_timeout 10s;
        client_body_timeout 10s;
        send_timeout 20s;
        keepalive_timeout 60s;
        location / {
            proxy_pass http://ecatalog;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_read_timeout 60s;
        }
    }
"""


def nginx(folder: Path, port: int, socket: Path) -> Daemon:
    """nginx on ``127.0.0.1:port``, in front of gunicorn's ``socket``. Raises ServerError without nginx."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        raise ServerError("nginx is not installed (Debian: apt install nginx-light)")
    site = SITE.replace("SOCKET", str(socket)).replace("PORT", str(port))
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(MAIN.format(user=user, folder=folder, site=site))
    command: list[str | Path] = [program, "-e", folder / "nginx-error.log", "-c", config]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    if tried.returncode:
        raise ServerError(tried.stderr)
    return Daemon("nginx", command, folder / "nginx.log")
