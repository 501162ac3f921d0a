"""gunicorn's settings, for development and production alike; the command line overrides them.

Bad settings stop the start here, in the main process: in a worker they would stop it again and again.
"""

from __future__ import annotations

import logging.config
import sys
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger

sys.path.insert(0, str(Path(__file__).resolve().parent))

from ecatalog.config import SettingsError, load_settings
from ecatalog.ops import allocator, gate, gunicorn_answers, metrics_folder
from ecatalog.ops.logging import logging_config

try:
    _settings = load_settings()
except SettingsError as error:
    sys.exit(f"ecatalog: {error}")


class _AppLogger(Logger):  # type: ignore[misc]  # gunicorn publishes no types
    """gunicorn's own messages in the application's form, and no access log: the application writes one."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        logging.config.dictConfig(logging_config(_settings))

    def access(self, *_: Any) -> None:
        pass


def _address(host: str, port: int) -> str:
    if host.startswith("unix:"):
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


gunicorn_answers.install()
allocator.bound_memory()  # here, before there are threads; workers inherit it
_metrics = metrics_folder.prepare()
metrics_folder.remove_stale()

wsgi_app = "wsgi:app"
bind = _address(_settings.bind, _settings.port)
workers = _settings.web_concurrency
worker_class = "gthread"
threads = gate.threads(_settings)  # most of them only wait; the gate says how many work
logger_class = _AppLogger
worker_tmp_dir = metrics_folder.shared_memory()  # heartbeats: not on a disk

graceful_timeout = 30  # seconds that running requests have when a worker is told to end
keepalive = 75  # seconds; longer than nginx keeps its side (60), so that it never writes to a closed one
limit_request_line = 8190  # bytes; filters in Cyrillic take six a letter
limit_request_fields = 100

# Who is calling, and by which scheme, is decided by the application's own list of trusted proxies. gunicorn
# itself believes nobody, not even the peers of a unix socket, whom it would trust with these.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""

control_socket_disable = True  # a second way in, which nothing here uses


def on_starting(_server: Any) -> None:
    metrics_folder.clear(_metrics)


def child_exit(_server: Any, worker: Any) -> None:
    """What a worker held, it holds no longer."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    metrics_folder.remove(_metrics)
