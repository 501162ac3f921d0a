"""Waiting for what comes in its own time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable


def listens(address: str, port: int, seconds: float = 1, source: str = "") -> bool:
    """Whether a TCP connection can be made: somebody listens, and no firewall is in the way."""
    try:
        with socket.create_connection((address, port), seconds, (source, 0)):
            return True
    except OSError:
        return False


def wait_for(happens: Callable[[], bool], seconds: float, what: str) -> None:
    """Return once it happens. Raises RuntimeError, with ``what``, when it has not after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {seconds:g} s: {what}")
        time.sleep(0.1)
