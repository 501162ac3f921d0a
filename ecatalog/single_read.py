"""Reads of one statement, in one round trip.

A request that needs one SELECT needs no transaction around it. It is prepared once for each connection and
handed to the driver as it is: SQLAlchemy's layers, BEGIN and ROLLBACK would cost several times what the
statement does. Where that fails, because a connection was lost or a table changed, the same SELECT goes the
usual way, once: it gets a new connection, or raises what it always raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.pool import PoolProxiedConnection

from ecatalog.connections import Lent

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult  # an optional dependency

Row = tuple[Any, ...]
_PREPARED = "ecatalog_prepared"  # in a connection's ``info``: the names of its prepared statements


class SingleRead:
    """A SELECT with at most one parameter, under a ``name`` that no other one has.

    ``prepares`` is off where a connection may be another one for the next statement. On SQLite, which has no
    round trips, the usual way is the only one.
    """

    def __init__(self, name: str, select: sa.Select[Any], lent: Lent, *, prepares: bool) -> None:
        self._name = name.encode()
        self._select = select
        self._lent = lent
        self._engine = engine = lent.engine
        self._prepares = prepares
        self._is_direct = engine.dialect.name == "postgresql"
        self._parameters = list(select.compile().params)
        if self._is_direct:
            # Parameters as the database numbers them, and not as the driver would have them.
            kind: Any = type(engine.dialect)
            self._text = str(select.compile(dialect=kind(paramstyle="numeric_dollar"))).encode()

    def rows(self, *values: int | str) -> list[Row]:
        """The rows as they are now. Raises what SQLAlchemy raises for a database that does not answer."""
        found = self._directly(values) if self._is_direct else None
        return self._usually(values) if found is None else found

    def opening(self, connection: sa.Connection) -> list[Row] | None:
        """The rows, read along with the BEGIN of a transaction that is about to begin: a round trip less.

        None on SQLite, where it has begun, or where this way fails; then it has still to begin.
        """
        if not self._is_direct or self._parameters:
            return None
        pooled: Any = connection.connection
        driver: Any = pooled.driver_connection
        begin = _begin(driver)
        if begin is None:
            return None
        is_prepared = self._name in pooled.info.get(_PREPARED, ())
        try:
            text = b"EXECUTE " + self._name if is_prepared else self._text
            return self._load(pooled, _good(driver.pgconn.exec_(begin + text)))
        except connection.dialect.loaded_dbapi.Error as error:
            if not connection.dialect.is_disconnect(error, driver, None):
                driver.rollback()
            return None

    def _directly(self, values: Sequence[int | str]) -> list[Row] | None:
        """None where the direct way fails."""
        connection = self._lent.take()
        try:
            rows = self._load(connection, self._ask(connection, [str(value).encode() for value in values]))
        except self._engine.dialect.loaded_dbapi.Error:
            self._lent.drop(connection)
            return None
        except BaseException:  # nobody knows how far it came
            self._lent.drop(connection)
            raise
        self._lent.give_back(connection)
        return rows

    def _usually(self, values: Sequence[int | str]) -> list[Row]:
        with self._engine.connect() as connection:
            parameters = dict(zip(self._parameters, values, strict=True))
            return [tuple(row) for row in connection.execute(self._select, parameters)]

    def _ask(self, connection: PoolProxiedConnection, values: list[bytes]) -> PGresult:
        driver: Any = connection.driver_connection
        link: PGconn = driver.pgconn
        if not self._prepares:
            return _good(link.exec_params(self._text, values))
        prepared = connection.info.setdefault(_PREPARED, set())
        if self._name not in prepared:
            _good(link.prepare(self._name, self._text))
            prepared.add(self._name)
        return _good(link.exec_prepared(self._name, values))

    def _load(self, connection: PoolProxiedConnection, result: PGresult) -> list[Row]:
        from psycopg.adapt import Transformer

        driver: Any = connection.driver_connection
        transformer: Any = Transformer(driver)
        transformer.set_pgresult(result)
        rows: list[Row] = transformer.load_rows(0, result.ntuples, tuple)
        return rows


def _begin(driver: Any) -> bytes | None:
    """What the driver would begin with; None where it would not begin, or otherwise."""
    if driver.pgconn.transaction_status or driver.autocommit:  # anything but idle
        return None
    if driver.read_only is not None or driver.deferrable is not None:
        return None
    level = driver.isolation_level
    return b"BEGIN; " if level is None else f"BEGIN ISOLATION LEVEL {level.name.replace('_', ' ')}; ".encode()


def _good(result: PGresult) -> PGresult:
    """``result``, unless it is an error: then it is raised."""
    from psycopg.errors import error_from_result
    from psycopg.pq import ExecStatus

    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise error_from_result(result)
    return result
