"""The pool of connections: as many as the threads of a worker need, and none handed out that is dead.

SQLAlchemy's own check before each use (``pool_pre_ping``) is a round trip with three statements' worth of
bookkeeping. Here the socket itself is asked whether the server has hung up, which costs one system call; only
a connection that lay idle for some seconds is tried with a round trip, since a network that swallowed it
would say nothing.
"""

from __future__ import annotations

import select
import time
from collections import deque
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.engine import Engine
from sqlalchemy.pool import PoolProxiedConnection

from ecatalog.config import Settings

IDLE_SECONDS = 10.0
WAIT_SECONDS = 5  # for a connection, when all are in use
MOST_LENT = 2  # connections that a worker keeps at hand for reads of one statement
_EXTENSION = "ecatalog_lent_connections"
_RETURNED_AT = "ecatalog_returned_at"  # in a connection's ``info``


def pool_options(settings: Settings) -> dict[str, Any]:
    """Engine options: each thread has a connection, and may hold a second one for a moment.

    Those that are kept at hand come on top.
    """
    return {
        "pool_size": settings.web_threads,
        "max_overflow": settings.web_threads + MOST_LENT,
        "pool_timeout": WAIT_SECONDS,
    }


def most_connections(settings: Settings) -> int:
    """How many connections all workers of one instance may have at once."""
    options = pool_options(settings)
    return int(settings.web_concurrency * (options["pool_size"] + options["max_overflow"]))


class Lent:
    """Connections at hand for reads of one statement: to take one out of the pool costs as much as the read.

    Whoever takes one finds out by using it whether it still lives, and drops it where it does not. The driver
    begins no transactions on them. For PostgreSQL alone.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._idle: deque[PoolProxiedConnection] = deque()
        sa.event.listen(engine, "engine_disposed", self._forget)

    @property
    def idle(self) -> int:
        """How many lie at hand now."""
        return len(self._idle)

    def take(self) -> PoolProxiedConnection:
        """One that was given back, or one of the pool. Raises what SQLAlchemy raises where there is none."""
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            connection = self.engine.raw_connection()
            _driver(connection).autocommit = True
        except self.engine.dialect.loaded_dbapi.Error as error:
            raise sa.exc.OperationalError(None, None, error, hide_parameters=True) from error
        return connection

    def give_back(self, connection: PoolProxiedConnection) -> None:
        """Nothing may be begun on it."""
        if len(self._idle) < MOST_LENT:
            self._idle.append(connection)
        else:
            _driver(connection).autocommit = False
            connection.close()

    def drop(self, connection: PoolProxiedConnection) -> None:
        """It cannot be used any more."""
        connection.invalidate()
        connection.close()

    def _forget(self, _engine: Engine) -> None:
        while self._idle:
            self.drop(self._idle.pop())


def _driver(connection: PoolProxiedConnection) -> Any:
    return connection.driver_connection


def init_lent(app: Flask, engine: Engine) -> None:
    app.extensions[_EXTENSION] = Lent(engine)


def lent_of(app: Flask) -> Lent:
    """The connections at hand of an application."""
    found: Lent = app.extensions[_EXTENSION]
    return found


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
