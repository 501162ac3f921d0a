"""A counter of fixed windows in a shared storage, with a stand-in for the time that the storage is away."""

from __future__ import annotations

import logging
import threading
import time

from limits.storage import MemoryStorage, RedisStorage, Storage

from ecatalog import metrics
from ecatalog.ops.redis_script import RedisScript

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0
PROBE_KEY = "probe"
# One round trip, where the storage's own increment and look-up would be two. Returns the count, and the
# seconds that its window still lasts.
_COUNT = """
local count = redis.call("incrby", KEYS[1], ARGV[1])
if count == tonumber(ARGV[1]) then
    redis.call("expire", KEYS[1], ARGV[2])
end
return {count, redis.call("ttl", KEYS[1])}
"""


class Counter:
    """Counts in ``storage``; in this process where it is not ``shared`` or does not answer.

    Only the requests that meet the outage itself wait for the storage's time-out. Afterwards a thread in the
    background tries it again, after pauses of 1 to 10 seconds, and the counter returns to it by itself.
    """

    def __init__(self, storage: Storage, *, shared: bool) -> None:
        self._shared = storage if isinstance(storage, RedisStorage) and shared else None
        self._count = RedisScript(self._shared, _COUNT) if self._shared else None
        self._local = MemoryStorage() if shared else storage
        # MemoryStorage reads its result outside its own lock: two threads could both be told the later count.
        self._local_lock = threading.Lock()
        self._state_lock = threading.Lock()
        self._away = False
        self._probing = False
        self._pause = FIRST_PAUSE_SECONDS
        self._next_probe = 0.0

    def add(self, key: str, window: int, amount: int = 1) -> tuple[int, float]:
        """Add ``amount`` to the count of ``key``, whose window (seconds) begins with its first count.

        Returns the count including this one, and the time (epoch seconds) at which the window ends.
        """
        if self._shared is not None and not self._is_away():
            try:
                return self._add_shared(self._shared.prefixed_key(key), window, amount)
            except self._shared.base_exceptions as error:
                self._set_away(error)
        with self._local_lock:
            return self._local.incr(key, window, amount), self._local.get_expiry(key)

    def _add_shared(self, key: str, window: int, amount: int) -> tuple[int, float]:
        assert self._count is not None
        count, seconds = self._count(key, amount, window)
        return int(count), max(int(seconds), 0) + time.time()

    def check(self) -> bool:
        """Whether the shared storage counts, tried now; True where there is none."""
        if self._shared is None:
            return True
        try:
            self._shared.incr(PROBE_KEY, 1)  # a full or read-only Redis still answers PING
        except self._shared.base_exceptions as error:
            self._set_away(error)
            return False
        self._set_back()
        return True

    def _is_away(self) -> bool:
        if not self._away:
            return False
        with self._state_lock:
            due = self._away and not self._probing and time.monotonic() >= self._next_probe
            if due:
                self._probing = True
        if due:
            threading.Thread(target=self._probe, name="limits-probe", daemon=True).start()
        return True

    def _probe(self) -> None:
        try:
            self.check()
        finally:
            with self._state_lock:
                self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
                self._next_probe = time.monotonic() + self._pause
                self._probing = False

    def _set_away(self, error: Exception) -> None:
        with self._state_lock:
            if self._away:
                return
            self._away = True
            metrics.LIMITS_LOCAL.set(1)
            self._pause = FIRST_PAUSE_SECONDS
            self._next_probe = time.monotonic() + self._pause
        log.warning("Redis is away (%s): each process counts limits for itself", type(error).__name__)

    def _set_back(self) -> None:
        with self._state_lock:
            if not self._away:
                return
            self._away = False
            metrics.LIMITS_LOCAL.set(0)
        log.warning("Redis is back: limits are shared again")
