"""Reading ahead: what comes next is made by a thread, while what came before is being written.

Python runs one thread at a time, but one that waits for the database waits beside another that reads.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
LEAVE_SECONDS = 5
LOOK_SECONDS = 0.2  # how soon the thread notices that nobody wants more


class _Made(Exception):
    """The end: whoever made the items is done, or failed with ``cause``."""

    def __init__(self, cause: BaseException | None) -> None:
        self.cause = cause


@contextmanager
def read_ahead(make: Callable[[threading.Event], Iterator[T]], depth: int = 1) -> Iterator[Iterator[T]]:
    """The items that ``make`` gives, of which up to ``depth`` wait made.

    ``make`` is called, and its items are made, in a thread that sees the context of the caller (its request,
    its logging); what that raises is raised where the next item is taken. When the block is left the event
    is set: the items should end soon then, and the block waits LEAVE_SECONDS for the thread. One that waits
    for a client or a pipe, which may never come, is left behind: it ends with what it reads.
    """
    made: queue.Queue[T | _Made] = queue.Queue(depth)
    unwanted = threading.Event()
    context = contextvars.copy_context()
    thread = threading.Thread(
        target=context.run, args=(_fill, make, made, unwanted), name="read-ahead", daemon=True
    )
    thread.start()
    try:
        yield _taken(made)
    finally:
        unwanted.set()
        thread.join(LEAVE_SECONDS)


def _fill(
    make: Callable[[threading.Event], Iterator[T]],
    made: queue.Queue[T | _Made],
    unwanted: threading.Event,
) -> None:
    try:
        for item in make(unwanted):
            if not _put(made, item, unwanted):
                return
        end = _Made(None)
    except BaseException as error:  # raised again where the items are taken
        end = _Made(error)
    _put(made, end, unwanted)


def _put(made: queue.Queue[T | _Made], item: T | _Made, unwanted: threading.Event) -> bool:
    """Whether it was put: false when nobody wants more."""
    while not unwanted.is_set():
        try:
            made.put(item, timeout=LOOK_SECONDS)
        except queue.Full:
            continue
        return True
    return False


def _taken(made: queue.Queue[T | _Made]) -> Iterator[T]:
    while True:
        item = made.get()
        if isinstance(item, _Made):
            if item.cause is not None:
                raise item.cause
            return
        yield item
