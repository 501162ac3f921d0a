"""A dependency that hangs costs each asker its time-out, and one thread."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ecatalog.ops import checks
from ecatalog.ops.checks import Check


class Dependency:
    """Hangs until it is released; then it is well."""

    def __init__(self) -> None:
        self.asked = 0
        self.released = threading.Event()

    def __call__(self) -> None:
        self.asked += 1
        self.released.wait(30)


@pytest.fixture
def dependency() -> Dependency:
    return Dependency()


def test_askers_of_a_hanging_dependency_share_one_attempt(dependency: Dependency) -> None:
    check = Check("thing", dependency)
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(lambda _: check.run(0.3), range(8)))
    assert time.monotonic() - began < 1
    assert {type(error) for error in errors} == {TimeoutError}
    assert dependency.asked == 1
    dependency.released.set()
    assert check.run(1) is None


def test_a_hanging_attempt_is_given_up_in_the_end(
    dependency: Dependency, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "GIVE_UP_SECONDS", 0)
    check = Check("thing", dependency)
    for _ in range(checks.MOST_HANGING + 3):
        assert isinstance(check.run(0.01), TimeoutError)
    assert dependency.asked == checks.MOST_HANGING
    dependency.released.set()


def test_an_answer_is_not_kept(dependency: Dependency) -> None:
    dependency.released.set()
    check = Check("thing", dependency)
    assert [check.run(1), check.run(1)] == [None, None]
    assert dependency.asked == 2


def test_an_error_is_handed_over() -> None:
    error = ConnectionError("refused")

    def ask() -> None:
        raise error

    assert Check("thing", ask).run(1) is error
