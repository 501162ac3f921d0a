"""How many rows a list has: kept for as long as the clocks stand, told by its first page, or counted."""

from __future__ import annotations

from ecatalog.catalog import cache, shaped
from ecatalog.catalog.hits import Found, Hit
from ecatalog.catalog.paging import Window
from ecatalog.catalog.ready_rows import Reference
from ecatalog.catalog.selection import Selection
from ecatalog.database import in_write_transaction


def kept(key: str) -> Found | None:
    """What was found, or counted, under a key that tells all that it follows from."""
    packed = None if in_write_transaction() else cache.answers.get(key)
    return None if packed is None else Found.unpacked(packed)


def keep(key: str, found: Found) -> Found:
    """Nothing is kept from inside a write transaction: its tick could come again after a rollback."""
    if not in_write_transaction():
        cache.answers.put(key, found.packed())
    return found


class Tally:
    """The rows of a selection without a search, and their number, which nobody has asked for yet."""

    hits: tuple[Hit, ...] = ()

    def __init__(self, selection: Selection, key: str) -> None:
        self._selection = selection
        self._key = key
        self._count: int | None = None

    @property
    def count(self) -> int:
        if self._count is None:
            self._told(self._selection.count())
        assert self._count is not None
        return self._count

    def references(self, window: Window) -> list[Reference]:
        """A part of the rows. The first page tells how many there are, in the same statement."""
        selection = self._selection
        if self._count is not None or window.offset or window.position is not None or window.placed:
            return selection.references(window)
        found, count = shaped.counted_references(selection.resource, selection.values, window)
        self._told(count)
        return found

    def _told(self, count: int) -> None:
        self._count = keep(self._key, Found(count, ())).count
