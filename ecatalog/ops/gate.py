"""How much is worked on at once in this process, and who is told at once to come back later.

Without a bound, twice the load that can be answered makes everybody wait in a queue that only grows, until
nobody's answer comes in time. Here a request that would wait for more than about a second is refused with
503 and Retry-After before anything is read, looked up or written. Imports, exports and uploads have places of
their own: they take long, and would leave none for the rest.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from ecatalog.config import Settings
from ecatalog.errors import ServiceUnavailable
from ecatalog.ops.hosts import PROBES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

GATE = "ecatalog.gate"  # keys in a request's environment
STREAMED = "ecatalog.streamed"
UNGUARDED = PROBES | {"/api/v1/"}
#: Requests of many rows or of large bodies, by their paths.
LONG = re.compile(r"/api/v1/[a-z-]+/(bulk|import-xlsx|export-[a-z]+)/|/api/v1/[a-z-]+-image/(bulk-upload/)?")

QUICK_WAITING = 40  # requests of each process that may wait
LONG_WAITING = 22
SPARE_THREADS = 4  # for probes and refusals
QUICK_SECONDS = 1.0  # how long one may expect to wait
LONG_SECONDS = 20.0
PATIENCE = 2  # how many times as long a wait may turn out
SHARE_OF_NEWEST = 0.1  # in the mean time between two departures
RETRY_AFTER_SECONDS = 2


class Gate:
    """Lets ``slots`` requests work at once; ``most_inside`` counts them together with those who wait.

    Who waits goes in by order of arrival. Nobody begins to wait who would have to for more than ``seconds``,
    by the time that lately went by between two departures.
    """

    def __init__(self, slots: int, most_inside: int, seconds: float, *, is_quick: bool = True) -> None:
        self.slots = slots
        self.most_inside = most_inside
        self.seconds = seconds
        self.is_quick = is_quick
        self._lock = threading.Lock()
        self._free = slots
        self._inside = 0
        self._waiting: deque[threading.Lock] = deque()
        self._between = 0.0  # mean seconds between two departures while all slots were taken
        self._last = 0.0  # when all slots were taken, or the last departure since

    def enter(self) -> bool:
        """Wait for a slot; False when there is none in time. Whoever enters must :meth:`leave`."""
        with self._lock:
            if not self._free and not self._is_worth_waiting():
                return False
            self._inside += 1
            turn = self._take_or_queue()
        if turn is None or turn.acquire(timeout=PATIENCE * self.seconds):
            return True
        with self._lock:
            if turn not in self._waiting:
                return True  # it came in the last moment
            self._waiting.remove(turn)
            self._inside -= 1
        return False

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            self._hand_over()

    @contextmanager
    def stepping_aside(self) -> Iterator[None]:
        """Inside, the slot is somebody else's: while a client is waited for, nothing is worked on."""
        with self._lock:
            self._hand_over()
        try:
            yield
        finally:
            with self._lock:
                turn = self._take_or_queue(first=True)
            if turn is not None:
                turn.acquire()

    def _is_worth_waiting(self) -> bool:
        if self._inside >= self.most_inside:
            return False
        ahead = len(self._waiting)
        return ahead < self.slots or (ahead + 1) * self._between <= self.seconds

    def _take_or_queue(self, *, first: bool = False) -> threading.Lock | None:
        """None with a slot taken, else a lock that opens when one is handed over."""
        if self._free:
            self._free -= 1
            if not self._free:
                self._last = time.monotonic()
            return None
        turn = threading.Lock()
        turn.acquire()
        if first:
            self._waiting.appendleft(turn)
        else:
            self._waiting.append(turn)
        return turn

    def _hand_over(self) -> None:
        if not self._free:
            now = time.monotonic()
            self._between += SHARE_OF_NEWEST * (now - self._last - self._between)
            self._last = now
        if self._waiting:
            self._waiting.popleft().release()
        else:
            self._free += 1


class Gates:
    """WSGI middleware around the application: gives each request its pass, and takes it back at the end."""

    def __init__(self, wsgi_app: WSGIApplication, slots: int) -> None:
        self.wsgi_app = wsgi_app
        long_slots = max(1, slots // 2)
        self.quick = Gate(slots, slots + QUICK_WAITING, QUICK_SECONDS, is_quick=True)
        self.long = Gate(long_slots, long_slots + LONG_WAITING, LONG_SECONDS, is_quick=False)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        gate = self._gate(environ)
        if gate is None:
            return self.wsgi_app(environ, start_response)
        if not gate.enter():
            environ[GATE] = None
            return self.wsgi_app(environ, start_response)
        environ[GATE] = gate
        kept = False
        try:
            answer = self.wsgi_app(environ, start_response)
            kept = bool(environ.get(STREAMED))
        finally:
            if not kept:
                gate.leave()
        # What is ready is only sent from here on; what is still being made keeps its slot to the end.
        return _Streamed(answer, gate) if kept else answer

    def _gate(self, environ: WSGIEnvironment) -> Gate | None:
        path, method = environ.get("PATH_INFO", ""), environ.get("REQUEST_METHOD", "")
        if path in UNGUARDED or method == "OPTIONS":
            return None
        is_long = LONG.fullmatch(path) and (method == "POST" or "/export-" in path)
        return self.long if is_long else self.quick


class _Streamed:
    """An answer that is made while it is sent; the slot is free when it ends, however it ends."""

    def __init__(self, answer: Iterable[bytes], gate: Gate) -> None:
        self._answer = answer
        self._blocks = iter(answer)
        self._gate: Gate | None = gate

    def __iter__(self) -> _Streamed:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._blocks)
        except BaseException:
            self._leave()
            raise

    def close(self) -> None:
        try:
            if hasattr(self._answer, "close"):
                self._answer.close()
        finally:
            self._leave()

    def __del__(self) -> None:
        self._leave()  # a server that neither sends all nor closes, as test clients do

    def _leave(self) -> None:
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.leave()


def aside(environ: WSGIEnvironment) -> Callable[[], AbstractContextManager[None]]:
    """What a long request enters while it waits for its client: its slot serves others meanwhile.

    Bodies of quick ones are all there when they come: nginx collects them.
    """
    gate: Gate | None = environ.get(GATE)
    return nullcontext if gate is None or gate.is_quick else gate.stepping_aside


def _tell_whether_streamed(response: Response) -> Response:
    # A report or a file that lies ready has a length; only what is still being made needs a place meanwhile.
    request.environ[STREAMED] = response.is_streamed and response.content_length is None
    return response


def _refuse_without_pass() -> None:
    if request.environ.get(GATE, True) is None:
        raise ServiceUnavailable("The service is busy, try again later.", seconds=RETRY_AFTER_SECONDS)


def threads(settings: Settings) -> int:
    """How many threads a worker needs, so that whoever waits or is refused has one."""
    return 2 * settings.web_threads + QUICK_WAITING + LONG_WAITING + SPARE_THREADS


def init_gate(app: Flask, settings: Settings) -> None:
    """Guard the application. Must come before whatever looks at a request at length, and inside the proxy."""
    app.wsgi_app = Gates(app.wsgi_app, settings.web_threads)  # type: ignore[method-assign]
    app.before_request(_refuse_without_pass)
    app.after_request(_tell_whether_streamed)
