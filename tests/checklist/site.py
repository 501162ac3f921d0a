"""A real nginx with TLS in front of the service: one site as it should be, and a careless one."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import Process, free_port

CONFIG = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    server_tokens off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ text/javascript js; text/css css; image/svg+xml svg; image/jpeg jpg; }}
    ssl_certificate {folder}/cert.pem;
    ssl_certificate_key {folder}/key.pem;

    server {{
        listen 127.0.0.1:{good_http};
        return 308 https://localhost:{good}$request_uri;
    }}
    server {{
        listen 127.0.0.1:{good} ssl;
        ssl_protocols TLSv1.2 TLSv1.3;
        add_header Strict-Transport-Security "max-age=31536000" always;
        location / {{
            proxy_pass {upstream};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For 192.0.2.7;
            proxy_set_header X-Forwarded-Proto https;
        }}
        location = /metrics {{ return 404; }}
        location /static/ {{
            alias {static}/;
            add_header Cache-Control "public, max-age=31536000, immutable";
            add_header X-Content-Type-Options nosniff;
        }}
        location /media/ {{
            alias {media}/;
            add_header Cache-Control "public, max-age=31536000, immutable";
            add_header X-Content-Type-Options nosniff;
        }}
    }}

    server {{
        listen 127.0.0.1:{careless_http};
        location / {{ proxy_pass {upstream}; proxy_set_header Host $http_host; }}
        location /store/ {{  # as an S3 store sends its files
            alias {media}/;
            add_header Cache-Control "public, max-age=31536000, immutable";
        }}
    }}
    server {{
        listen 127.0.0.1:{careless} ssl;
        ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
        ssl_ciphers ALL:@SECLEVEL=0;
        add_header Access-Control-Allow-Origin "*" always;
        add_header Set-Cookie "seen=1" always;
        add_header X-Content-Type-Options nosniff always;
        location / {{ proxy_pass {upstream}; proxy_set_header Host localhost; }}
        location /static/ {{ alias {folder}/nothing/; }}
        location /media/ {{ alias {media}/; autoindex on; }}
    }}
}}
"""


NGINX = shutil.which("nginx") or "/usr/sbin/nginx"


@dataclass(frozen=True)
class Site:
    """The addresses of both sites, and the certificate of who signed theirs."""

    good: str
    good_http: int
    careless: str
    careless_http: int
    authority: Path


@contextmanager
def sites(upstream: str, folder: Path, static: Path, media: Path) -> Iterator[Site]:
    """nginx, running, until the end of the block."""
    _certificate(folder)
    ports = {name: free_port() for name in ("good", "good_http", "careless", "careless_http")}
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    places = {"folder": folder, "static": static, "media": media, "upstream": upstream, "user": user}
    config.write_text(CONFIG.format(**ports, **places))
    process = Process([NGINX, "-p", folder, "-c", config, "-e", folder / "error.log"], folder / "nginx.log")

    def is_ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ports['careless_http']}/livez", timeout=5):
                return True
        except OSError:
            return False

    try:
        process.start(is_ready)
        yield Site(
            f"https://localhost:{ports['good']}",
            ports["good_http"],
            f"https://localhost:{ports['careless']}",
            ports["careless_http"],
            folder / "cert.pem",
        )
    finally:
        process.stop()


def _certificate(folder: Path) -> None:
    """For localhost, signed by itself, valid for ninety days."""
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    names = ["-days", "90", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
