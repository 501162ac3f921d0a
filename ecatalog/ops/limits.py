"""Request limits."""

from __future__ import annotations

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address


def make_limiter() -> Limiter:
    """The bare limiter; ``init_limits`` binds it to an application."""
    return Limiter(key_func=get_remote_address)
