"""Small memories of one application, bounded: what is costly to work out and always comes out alike."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

Value = TypeVar("Value")


class Memory(Generic[Value]):
    """A thread-safe map of at most ``most`` entries; what was used least recently goes first."""

    def __init__(self, most: int) -> None:
        self._entries: LRUCache[Hashable, Value] = LRUCache(most)
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Value | None:
        with self._lock:
            return self._entries.get(key)

    def put(self, key: Hashable, value: Value) -> None:
        with self._lock:
            self._entries[key] = value
