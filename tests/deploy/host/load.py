"""Load that notices every lost request: readers, a writer, and imports that take longer than a switch."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import TracebackType

from tests.deploy.host.visitor import Visitor

READERS = 3
IMPORT_SECONDS, IMPORT_ROWS = 20, 40
NDJSON = {"Content-Type": "application/x-ndjson"}


@dataclass
class Load:
    """Runs while the block does; afterwards ``counts`` holds what was answered, ``lost`` what was not."""

    visitor: Visitor
    tag: str
    counts: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        jobs = [self._read] * READERS + [self._write, self._import]
        self._threads = [threading.Thread(target=job) for job in jobs]
        for thread in self._threads:
            thread.start()
        time.sleep(2)  # an import is under way when the switch begins
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _one(self, kind: str, expected: int, method: str, path: str, body: object = None) -> None:
        headers = NDJSON if kind == "import" else {"Content-Type": "application/json"}
        try:
            answer = replace(self.visitor).ask(method, path, body, headers)  # type: ignore[arg-type]
        except (OSError, http.client.HTTPException) as error:
            self.lost.append(f"{kind}: {error!r}")
            return
        if answer.status != expected:
            self.lost.append(f"{kind}: {answer.status} {answer.body[:200]!r}")
        elif kind == "import" and answer.data["created"] + answer.data["updated"] != IMPORT_ROWS:
            self.lost.append(f"import: {answer.body[:300]!r}")
        self.counts[kind] += 1

    def _read(self) -> None:
        while not self._end.is_set():
            self._one("read", 200, "GET", "/api/v1/project/")
            time.sleep(0.15)  # each is a connection with a handshake of its own

    def _write(self) -> None:
        for number in itertools.count():
            if self._end.is_set():
                return
            row = {"code_1c": f"{self.tag}-{number}", "name": "Under load"}
            self._one("write", 201, "POST", "/api/v1/project/", json.dumps(row).encode())
            time.sleep(0.2)

    def _import(self) -> None:
        while not self._end.is_set():
            self._one("import", 200, "POST", "/api/v1/nomenklatura/bulk/", self._slow_rows())

    def _slow_rows(self) -> Iterator[bytes]:
        for number in range(IMPORT_ROWS):
            row = {"code_1c": f"{self.tag}-{time.monotonic_ns()}", "name": f"Row {number}"}
            yield json.dumps(row).encode() + b"\n"
            time.sleep(IMPORT_SECONDS / IMPORT_ROWS)
