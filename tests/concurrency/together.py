"""Many callers at once: threads that start together and must end, and one HTTP connection for each."""

from __future__ import annotations

import json
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlsplit

from werkzeug.urls import iri_to_uri

CALL_SECONDS = 40  # longer than a database waits for a lock, so that its own answer is seen

Result = TypeVar("Result")


class Hang(AssertionError):
    """Something did not end in time; the message shows where its thread stands."""


@dataclass(frozen=True)
class Answer:
    """What the server said; ``body`` is the decoded JSON, None where there is none."""

    status: int
    body: Any
    headers: dict[str, str]  # names in lower case

    @property
    def tag(self) -> str:
        return self.headers["etag"]


@dataclass
class Caller:
    """A client with one kept-alive connection, for one thread at a time; every call has a time-out."""

    base_url: str
    headers: dict[str, str] = field(default_factory=dict)
    _connection: HTTPConnection | None = None

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """``call("PATCH", "project/P1/", {…}, if_match='"1"')``: paths start below ``/api/v1/``."""
        if self._connection is None:
            self._connection = HTTPConnection(urlsplit(self.base_url).netloc, timeout=CALL_SECONDS)
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body).encode()
        self._connection.request(method, iri_to_uri(f"/api/v1/{path}"), content, sent)
        response = self._connection.getresponse()
        received = response.read()
        told = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, json.loads(received) if received else None, told)

    def row(self, method: str, resource: str, code: str, body: Any = None, **headers: str) -> Answer:
        """A call to the row that carries ``code``."""
        return self(method, f"{resource}/{quote(code, safe='')}/", body, **headers)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Running(Generic[Result]):
    """A task in a thread of its own, which does not keep the test run alive when it hangs."""

    def __init__(self, task: Callable[[], Result], start: threading.Barrier | None = None) -> None:
        self._task = task
        self._start = start
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            if self._start is not None:
                self._start.wait(CALL_SECONDS)
            self._results.append(self._task())
        except BaseException as error:
            self._error = error

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Give it that long to end."""
        self._thread.join(max(seconds, 0))

    @property
    def was_let_down(self) -> bool:
        """Whether it ended only because another task never came to where they were to meet."""
        return isinstance(self._error, threading.BrokenBarrierError)

    def result(self, seconds: float = CALL_SECONDS) -> Result:
        """What the task returned. Raises what it raised, or Hang when it does not end in ``seconds``."""
        self.wait(seconds)
        if not self.has_ended:
            frame = sys._current_frames().get(self._thread.ident or 0)
            raise Hang(f"not ended after {seconds:.0f} s, at:\n{''.join(traceback.format_stack(frame))}")
        if self._error is not None:
            raise self._error
        return self._results[0]


def in_parallel(tasks: Iterable[Callable[[], Result]], seconds: float = 60) -> list[Result]:
    """Run the tasks in threads that start at one moment, and give their results in order.

    Raises what the first failing task raised, or Hang when one has not ended after ``seconds``.
    """
    waiting = list(tasks)
    start = threading.Barrier(len(waiting))
    running = [Running(task, start) for task in waiting]
    deadline = time.monotonic() + seconds
    for one in running:
        one.wait(deadline - time.monotonic())
    for one in sorted(running, key=lambda one: one.was_let_down):  # the cause before its consequences
        one.result(0)
    return [one.result(0) for one in running]
