"""Bytes of answers and counts, kept in this process under keys that name the clocks they are true for.

Nothing is ever invalidated: when a clock moves, the key moves, and what is no longer asked for falls out.
"""

from __future__ import annotations

import threading

from cachetools import LRUCache

from ecatalog import metrics

MAX_BYTES = 12 * 1024 * 1024
_ENTRY_OVERHEAD = 200  # of a dict entry, a key and a bytes object, roughly


class AnswerCache:
    """A thread-safe store of bytes, bounded by their size; what was used least recently goes first."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._entries: LRUCache[str, bytes] = LRUCache(
            max_bytes, getsizeof=lambda body: len(body) + _ENTRY_OVERHEAD
        )
        self._lock = threading.Lock()

    def get(self, key: str, *, is_last: bool = True) -> bytes | None:
        """What is kept; ``is_last`` is off where another look follows a vain one, which counts once."""
        with self._lock:
            body = self._entries.get(key)
        if body is not None or is_last:
            metrics.cache.note("miss" if body is None else "hit")
        return body

    def put(self, key: str, body: bytes) -> None:
        """Keep ``body``, unless it alone would push out most of the rest.

        A copy of it: what a serializer made may hold three times the memory that its length tells of.
        """
        if len(body) < self._entries.maxsize // 10:
            kept = bytes(memoryview(body))
            with self._lock:
                self._entries[key] = kept

    @property
    def size(self) -> int:
        """Bytes kept."""
        with self._lock:
            return int(self._entries.currsize)


answers = AnswerCache()
