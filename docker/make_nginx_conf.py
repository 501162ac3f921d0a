"""Makes ``docker/nginx.conf`` of the site's ``nginx.conf``: the same rules, for nginx in a container.

    python docker/make_nginx_conf.py

TLS ends before it, so that its one open port speaks HTTP; the servers for other names and for the redirection
to HTTPS are left with addresses that nobody reaches.
"""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docker" / "nginx.conf"
FILTER = ROOT / "ansible" / "roles" / "nginx" / "filter_plugins" / "fill_parts.py"
HEADER = "# Made by docker/make_nginx_conf.py of nginx.conf: change that one.\n\n"

PARTS: dict[str, str | None] = {
    "process": "pid /tmp/nginx.pid;\nerror_log /dev/stderr warn;",
    "access-log": "access_log /dev/stdout json;",
    "brotli": None,
    # Published on the host's loopback alone, it is reached through the network's gateway.
    "real-address": "set_real_ip_from 172.30.57.1;\nreal_ip_header X-Forwarded-For;",
    "forwarded-scheme": "proxy_set_header X-Forwarded-Proto $forwarded_scheme;",
    "connections": "limit_conn addresses 64;",
    "origins": None,
    "credentials": None,
    "upstream": "map $http_x_forwarded_proto $forwarded_scheme {\n    default http;\n    https https;\n}\n"
    "upstream ecatalog {\n    server 172.30.57.10:8000 max_fails=0;\n}",
    "status": None,
    "listen-default": "listen 127.0.0.1:8081 default_server;",
    "listen-http": "listen 127.0.0.1:8082;",
    "listen-https": "listen 8080 default_server;",
    "server-name": "server_name _;",
    "acme": "root /nonexistent;",
    "certificate": None,
    "hsts": None,
    "import-size": "client_max_body_size 51264k;  # of MAX_IMPORT_MB=50",
    "image-size": "client_max_body_size 151m;  # of MAX_IMAGE_MB=15",
    "metrics": None,
    "static": "alias /srv/ecatalog/static/;",
    "media": "alias /srv/ecatalog/media/;",
}


def made() -> str:
    """The text of docker/nginx.conf. Raises ValueError when nginx.conf has other parts."""
    spec = spec_from_file_location("fill_parts", FILTER)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "nginx.conf").read_text("utf-8")
    _, _, rules = text.partition("\n\n")  # without what it says of itself
    return HEADER + str(module.fill_parts(rules, PARTS))


if __name__ == "__main__":
    TARGET.write_text(made(), "utf-8")
    print(f"Wrote {TARGET.relative_to(ROOT)}.", file=sys.stderr)
