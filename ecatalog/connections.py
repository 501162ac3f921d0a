"""The pool of connections: as many as the threads of a worker need, and none handed out that is dead.

SQLAlchemy's own check before each use (``pool_pre_ping``) is a round trip with three statements' worth of
bookkeeping. Here the socket itself is asked whether the server has hung up, which costs one system call; only
a connection that lay idle for some seconds is tried with a round trip, since a network that swallowed it
would say nothing.
"""

from __future__ import annotations

import select
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ecatalog.config import Settings

IDLE_SECONDS = 10.0
WAIT_SECONDS = 5  # for a connection, when all are in use
_RETURNED_AT = "ecatalog_returned_at"  # in a connection's ``info``


def pool_options(settings: Settings) -> dict[str, Any]:
    """Engine options: each thread has a connection, and may hold a second one for a moment."""
    return {
        "pool_size": settings.web_threads,
        "max_overflow": settings.web_threads,
        "pool_timeout": WAIT_SECONDS,
    }


def most_connections(settings: Settings) -> int:
    """How many connections all workers of one instance may have at once."""
    options = pool_options(settings)
    return int(settings.web_concurrency * (options["pool_size"] + options["max_overflow"]))


def watch(engine: Engine) -> None:
    """Take dead connections out of the pool as they are asked for, and end what is left of a transaction.

    The latter is what the pool would do by itself, but it costs a rollback, and mostly there is nothing left.
    """

    @sa.event.listens_for(engine, "reset")
    def given_back(connection: Any, _record: object, _state: object) -> None:
        if connection.pgconn.transaction_status:  # anything but idle
            connection.rollback()

    @sa.event.listens_for(engine, "checkin")
    def returned(_connection: object, record: Any) -> None:
        record.info[_RETURNED_AT] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def asked_for(connection: Any, record: Any, _proxy: object) -> None:
        returned_at = record.info.get(_RETURNED_AT)
        if returned_at is None:
            return  # it is new
        if _was_hung_up(connection.fileno()):
            raise sa.exc.InvalidatePoolError
        if time.monotonic() - returned_at > IDLE_SECONDS and not _answers(engine, connection):
            raise sa.exc.InvalidatePoolError


def _was_hung_up(descriptor: int) -> bool:
    """Whether there is anything to read, though nothing was asked: the end, or the server's last words."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _answers(engine: Engine, connection: Any) -> bool:
    try:
        return engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error:
        return False
