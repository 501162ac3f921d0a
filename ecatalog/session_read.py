"""SELECTs of many columns or of every request, compiled once, that run inside the session's transaction.

SQLAlchemy looks at each column of a statement when it is made, when its compiled form is looked for, and when
its result is described: for a list of rows with sixty columns that costs three times what the driver takes.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql.dml import ReturningUpdate

from ecatalog.connections import lent_of
from ecatalog.extensions import db
from ecatalog.single_read import Row

_CANCELED = "57014"  # PostgreSQL's code for it


class SessionRead:
    """A SELECT, or what else returns rows, whose text is handed to the driver as it is.

    Values come as the driver reads them. On SQLite, where columns need SQLAlchemy to be read, the usual way
    is the only one. ``plans_anew``: what the values are decides how the database does it, each time.
    """

    def __init__(self, select: sa.Select[Any] | ReturningUpdate[Any], *, plans_anew: bool = False) -> None:
        self._select = select
        self._prepare = False if plans_anew else None  # None: the driver sees what comes often

    @cached_property
    def _text_and_constants(self) -> tuple[str, dict[str, Any]]:
        compiled = self._select.compile(dialect=db.engine.dialect)  # reached on PostgreSQL alone
        given = {name: value for name, value in compiled.params.items() if value is not None}
        return str(compiled), given

    def rows(self, **values: Any) -> list[Row]:
        """The rows in the present transaction's snapshot. Raises what SQLAlchemy raises."""
        connection = db.session.connection()
        if connection.dialect.name == "sqlite":
            return [tuple(row) for row in connection.execute(self._select, values)]
        try:
            return self._ask(connection.connection, values)
        except connection.dialect.loaded_dbapi.Error as error:
            raise _told(connection, error) from error

    def rows_at_once(self, **values: Any) -> list[Row] | None:
        """As :meth:`rows`, but as of a moment of its own: outside any transaction, on a connection at hand.

        None on SQLite, which saves nothing so, and where it fails: then :meth:`rows` does, or gets a new
        connection. Raises OperationalError for a statement that took too long, which would again.
        """
        lent = lent_of(current_app)
        if lent.engine.dialect.name == "sqlite":
            return None
        connection = lent.take()
        try:
            rows = self._ask(connection, values)
        except lent.engine.dialect.loaded_dbapi.Error as error:
            lent.drop(connection)
            if getattr(error, "sqlstate", None) != _CANCELED:
                return None
            raise _as_sqlalchemy_tells(lent.engine.dialect, error, lost=False) from error
        except BaseException:  # nobody knows how far it came
            lent.drop(connection)
            raise
        lent.give_back(connection)
        return rows

    def _ask(self, connection: PoolProxiedConnection, values: dict[str, Any]) -> list[Row]:
        text, constants = self._text_and_constants
        cursor: Any = connection.cursor()  # psycopg's
        cursor.execute(text, {**constants, **values}, prepare=self._prepare)
        return list(cursor.fetchall())


def _told(connection: sa.Connection, error: Any) -> BaseException:
    """The driver's error as SQLAlchemy tells it; a connection that was lost is given up."""
    pooled: Any = connection.connection
    lost = connection.dialect.is_disconnect(error, pooled.dbapi_connection, None)
    if lost:
        connection.invalidate(error)
    return _as_sqlalchemy_tells(connection.dialect, error, lost=lost)


def _as_sqlalchemy_tells(dialect: sa.Dialect, error: Any, *, lost: bool) -> BaseException:
    told: BaseException = sa.exc.DBAPIError.instance(
        None,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=dialect,
    )
    return told
