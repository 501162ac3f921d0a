"""Asking a part of the system how it is, without waiting for ever when it hangs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

#: A question that hangs longer than this is given up, and the next one asks anew.
GIVE_UP_SECONDS = 15
#: Threads that one check may leave hanging; a driver can wait for a dead peer for many minutes.
MOST_HANGING = 4


class _Attempt:
    """One run of a check in a thread of its own."""

    def __init__(self, name: str, ask: Callable[[], None]) -> None:
        self.began = time.monotonic()
        self.error: Exception | None = None
        self._ask = ask
        self._done = threading.Event()
        threading.Thread(target=self._run, name=f"check-{name}", daemon=True).start()

    def _run(self) -> None:
        try:
            self._ask()
        except Exception as error:
            self.error = error
        finally:
            self._done.set()

    @property
    def is_done(self) -> bool:
        return self._done.is_set()

    def wait(self, seconds: float) -> Exception | None:
        """None when all is well, else what was wrong; TimeoutError when no answer came in time."""
        if not self._done.wait(seconds):
            return TimeoutError(f"no answer within {seconds:g} seconds")
        return self.error


class Check:
    """A question to a dependency: ``ask`` returns when it is well and raises when it is not.

    Callers who come while it is being asked share that answer, so a hanging dependency ties up one thread and
    not one for each probe. Changes are logged, unless ``logs`` is off.
    """

    def __init__(self, name: str, ask: Callable[[], None], *, logs: bool = True) -> None:
        self.name = name
        self._ask = ask
        self._logs = logs
        self._lock = threading.Lock()
        self._attempts: list[_Attempt] = []
        self._failing = False

    def run(self, seconds: float) -> Exception | None:
        """Ask, and wait at most ``seconds``. Returns None when all is well, else the error."""
        error = self._attempt().wait(seconds)
        if self._logs and (error is not None) != self._failing:
            if error is not None:
                log.error("check of the %s fails: %s: %s", self.name, type(error).__name__, error)
            else:
                log.warning("check of the %s succeeds again", self.name)
        self._failing = error is not None
        return error

    def _attempt(self) -> _Attempt:
        with self._lock:
            self._attempts = [attempt for attempt in self._attempts if not attempt.is_done]
            newest = self._attempts[-1] if self._attempts else None
            too_old = newest is not None and time.monotonic() - newest.began > GIVE_UP_SECONDS
            if newest is None or (too_old and len(self._attempts) < MOST_HANGING):
                newest = _Attempt(self.name, self._ask)
                self._attempts.append(newest)
            return newest
