"""A service behind nginx that tells what reached it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OF_FILES = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class _Upstream(BaseHTTPRequestHandler):
    """Tells back what it got; ``/slow`` never answers; files come with the headers that the service gives."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        if self.path == "/slow":
            self.server.stopped.wait(20)  # type: ignore[attr-defined]
            return
        length = int(self.headers.get("Content-Length") or 0)
        size = len(self.rfile.read(length))
        chunked = self.headers.get("Transfer-Encoding") == "chunked"
        while chunked and (length := int(self.rfile.readline(), 16)) >= 0:
            size += len(self.rfile.read(length))
            self.rfile.readline()
            if not length:
                break
        told = {"path": self.path, "headers": self.headers.items(), "size": size, "chunked": chunked}
        body = json.dumps(told).encode() + b" " * 2000
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        if self.path.startswith(("/static/", "/media/")):
            for name, value in OF_FILES.items():
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_OPTIONS = _answer

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def echoing() -> Iterator[str]:
    """Serve it; gives ``host:port``."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Upstream) as server:
        server.stopped = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.stopped.set()  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()
