"""Reading ahead: the same items in the same order, errors in their place, and a thread that ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ecatalog.transfer import ahead
from ecatalog.transfer.ahead import read_ahead

WAIT_SECONDS = 10


def test_the_same_items_in_order() -> None:
    with read_ahead(lambda _stop: iter(range(1000)), depth=2) as items:
        assert list(items) == list(range(1000))


def test_the_next_item_is_made_while_the_one_before_is_used() -> None:
    made = [threading.Event(), threading.Event()]

    def make(_stop: threading.Event) -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    with read_ahead(make) as items:
        assert next(items) == 0
        assert made[1].wait(WAIT_SECONDS)
        assert list(items) == [1]


def test_an_error_comes_behind_the_items_before_it() -> None:
    def make(_stop: threading.Event) -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt("stop")

    with read_ahead(make) as items:
        assert next(items) == 1
        with pytest.raises(KeyboardInterrupt, match="stop"):
            next(items)


def test_leaving_early_ends_the_thread_and_what_it_reads() -> None:
    closed = threading.Event()

    def make(stop: threading.Event) -> Iterator[int]:
        try:
            number = 0
            while not stop.is_set():
                yield number
                number += 1
        finally:
            closed.set()

    with pytest.raises(ZeroDivisionError), read_ahead(make) as items:
        next(items)
        raise ZeroDivisionError
    assert closed.wait(WAIT_SECONDS)
    assert "read-ahead" not in {thread.name for thread in threading.enumerate()}


def test_a_reader_that_waits_for_ever_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "LEAVE_SECONDS", 0.05)
    comes = threading.Event()

    def make(_stop: threading.Event) -> Iterator[int]:
        yield 1
        comes.wait(WAIT_SECONDS)
        yield 2

    with read_ahead(make) as items:
        assert next(items) == 1
    (left,) = (thread for thread in threading.enumerate() if thread.name == "read-ahead")
    comes.set()
    left.join(WAIT_SECONDS)
    assert not left.is_alive()
