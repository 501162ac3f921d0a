"""The first look: who asks, and how the clocks stand, in one statement and one round trip.

Nearly every request needs it, and many need nothing else of the database. So it is one prepared SELECT with
no transaction around it, handed to the driver as it is: SQLAlchemy's layers, BEGIN and ROLLBACK would cost
several times what the statement does. Where that fails, because a connection was lost or a table changed,
the same SELECT goes the usual way, once: it gets a new connection, or raises what it always raises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.pool import PoolProxiedConnection

from ecatalog.config import Settings
from ecatalog.extensions import db

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult  # an optional dependency

Row = tuple[Any, ...]
_EXTENSION = "ecatalog_first_look"
_PREPARED = "ecatalog_prepared"  # in a connection's ``info``: the names of its prepared statements
_FROM_TEXT: dict[type, Callable[[bytes], Any]] = {
    int: int,
    str: bytes.decode,
    bool: lambda text: text == b"t",
}


class SingleRead:
    """A SELECT of whole numbers, texts and booleans, with one whole number for a parameter, or none."""

    def __init__(self, name: str, select: sa.Select[Any], engine: Engine, *, prepares: bool) -> None:
        self._name = name.encode()
        self._select = select
        self._engine = engine
        self._prepares = prepares
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._errors = engine.dialect.loaded_dbapi.Error
        self._text = str(select.compile(dialect=_plain_dialect(engine)))
        self._from_text = [_FROM_TEXT[column.type.python_type] for column in select.selected_columns]

    def rows(self, *values: int) -> list[Row]:
        """The rows as they are now. Raises what SQLAlchemy raises for a database that does not answer."""
        try:
            connection = self._engine.raw_connection()
        except self._errors as error:
            raise sa.exc.OperationalError(None, None, error, hide_parameters=True) from error
        try:
            return self._read(connection, values)
        except self._errors:
            connection.invalidate()
        finally:
            connection.close()
        with self._engine.connect() as usual:
            names = self._select.compile().params
            return [tuple(row) for row in usual.execute(self._select, dict(zip(names, values, strict=True)))]

    def _read(self, connection: PoolProxiedConnection, values: Sequence[int]) -> list[Row]:
        if self._is_sqlite:
            return self._sqlite(connection, values)
        result = self._ask_postgresql(connection, [str(value).encode() for value in values])
        get = result.get_value
        columns = list(enumerate(self._from_text))
        return [
            tuple(
                None if (text := get(row, index)) is None else from_text(text) for index, from_text in columns
            )
            for row in range(result.ntuples)
        ]

    def _ask_postgresql(self, connection: PoolProxiedConnection, values: list[bytes]) -> PGresult:
        driver: Any = connection.driver_connection
        link: PGconn = driver.pgconn
        if not self._prepares:
            return _good(link.exec_params(self._text.encode(), values))
        prepared = connection.info.setdefault(_PREPARED, set())
        if self._name not in prepared:
            _good(link.prepare(self._name, self._text.encode()))
            prepared.add(self._name)
        return _good(link.exec_prepared(self._name, values))

    def _sqlite(self, connection: PoolProxiedConnection, values: Sequence[int]) -> list[Row]:
        cursor = connection.cursor()
        try:
            cursor.execute(self._text, values)
            rows = cursor.fetchall()
        finally:
            cursor.close()
        flags = [from_text is _FROM_TEXT[bool] for from_text in self._from_text]
        return [
            tuple(
                bool(value) if flag and value is not None else value
                for flag, value in zip(flags, row, strict=True)
            )
            for row in rows
        ]


def _plain_dialect(engine: Engine) -> Dialect:
    """One that writes parameters as the database numbers them, and not as the driver would have them."""
    if engine.dialect.name == "sqlite":
        return engine.dialect
    kind: Any = type(engine.dialect)
    dialect: Dialect = kind(paramstyle="numeric_dollar")
    return dialect


def _good(result: PGresult) -> PGresult:
    """``result``, unless it is an error: then it is raised."""
    from psycopg.errors import error_from_result
    from psycopg.pq import ExecStatus

    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise error_from_result(result)
    return result


@dataclass(frozen=True)
class FirstLook:
    """What is looked at: all rows of a small table, and beside them one row of another, by its key."""

    width: int  # columns of the small table
    small: SingleRead
    both: SingleRead

    def rows(self) -> list[Row]:
        """The rows of the small table."""
        return self.small.rows()

    def row_and_rows(self, key: int) -> tuple[Row | None, list[Row]]:
        """The row of that key, if there is one, and the rows of the small table."""
        found = self.both.rows(key)
        row = found[0][self.width :]
        return (
            None if row[0] is None else row,
            [line for entry in found if (line := entry[: self.width])[0] is not None],
        )


def init_first_look(app: Flask, settings: Settings, *, small: Sequence[Any], keyed: Sequence[Any]) -> None:
    """Prepare the statements. ``keyed`` begins with the key; neither's first column is ever null."""
    with app.app_context():
        engine = db.engine
    rows = sa.select(*small)
    none = sa.select(sa.literal_column("1").label("one")).subquery()
    key = sa.bindparam("key", type_=sa.BigInteger)
    both = sa.select(*small, *keyed).select_from(
        none.outerjoin(keyed[0].table, keyed[0] == key).outerjoin(small[0].table, sa.true())
    )
    prepares = settings.database_pooler != "transaction"
    app.extensions[_EXTENSION] = FirstLook(
        len(small),
        SingleRead("ecatalog_clocks", rows, engine, prepares=prepares),
        SingleRead("ecatalog_first_look", both, engine, prepares=prepares),
    )


def current_first_look() -> FirstLook:
    """The first look of the current application."""
    found: FirstLook = current_app.extensions[_EXTENSION]
    return found
