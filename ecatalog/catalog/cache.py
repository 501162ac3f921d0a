"""Bytes of answers, counts and rows, kept in this process under keys that name what they are true for.

Nothing is ever invalidated: when a clock moves, or a row's tick, the key moves, and what is no longer asked
for falls out.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from cachetools import LRUCache

from ecatalog import metrics

MAX_BYTES = 8 * 1024 * 1024  # of answers and counts
MAX_BYTES_OF_ROWS = 4 * 1024 * 1024
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
        self.put_all({key: body})

    def get_all(self, keys: Sequence[str]) -> list[bytes | None]:
        """What is kept of each, which does not count as a look for an answer."""
        with self._lock:
            return [self._entries.get(key) for key in keys]

    def put_all(self, bodies: Mapping[str, bytes]) -> None:
        """As :meth:`put`, of several."""
        most = self._entries.maxsize // 10
        kept = {key: bytes(memoryview(body)) for key, body in bodies.items() if len(body) < most}
        with self._lock:
            self._entries.update(kept)

    @property
    def size(self) -> int:
        """Bytes kept."""
        with self._lock:
            return int(self._entries.currsize)


answers = AnswerCache()
rows = AnswerCache(MAX_BYTES_OF_ROWS)
