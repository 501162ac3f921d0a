"""The statements of bulk writes: rows go into temporary tables, and from there into the real ones at once.

Into the temporary tables they come by COPY on PostgreSQL and by ``executemany`` on SQLite. What a row holds
besides its fields (tick, times) and its history come from the statements, which know them for all rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as on_postgresql
from sqlalchemy.dialects import sqlite as on_sqlite

from ecatalog.catalog.bulk_keys import is_postgresql
from ecatalog.catalog.copying import Column, copy_text
from ecatalog.catalog.models import HistoryEntry
from ecatalog.catalog.resource import Resource
from ecatalog.database import JSONType
from ecatalog.extensions import db

Names = tuple[str, ...]
_FACT = "write_"
# What the history says of a change, beside the row's own attributes.
HISTORY: dict[str, sa.types.TypeEngine[Any]] = {"history_action": sa.String(10), "history_fields": JSONType}


class Staging:
    """A temporary table of the present transaction, with some attributes of a resource and HISTORY columns.

    It is gone after ``drop`` or with the transaction. This object holds no rows: all threads share it.
    """

    def __init__(self, resource: Resource, name: str, attributes: Names) -> None:
        mapped = sa.inspect(resource.model).columns
        columns = {attribute: HISTORY.get(attribute) for attribute in attributes}
        self.table = sa.Table(
            f"{name}_{_table(resource).name}",
            sa.MetaData(),
            *(
                sa.Column(attribute, kind)
                if kind
                else sa.Column(mapped[attribute].name, mapped[attribute].type)
                for attribute, kind in columns.items()
            ),
            prefixes=["TEMPORARY"],
            postgresql_on_commit="DROP",
        )
        self.alone: Any = None  # the statement that writes the rows without their history
        self._statements: list[Any] = []
        self._create = sa.schema.CreateTable(self.table)
        self._drop = sa.schema.DropTable(self.table)

    def create(self) -> None:
        _connection().execute(self._create)

    def drop(self) -> None:
        _connection().execute(self._drop)

    def add(self, columns: Sequence[Column]) -> None:
        """Rows, given as columns of values."""
        if not is_postgresql():
            names = [column.name for column in self.table.columns]
            rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
            _connection().execute(sa.insert(self.table), rows)
            return
        text = copy_text(columns, [column.type for column in self.table.columns])
        names_sql = ", ".join(f'"{column.name}"' for column in self.table.columns)
        driver: Any = _connection().connection.driver_connection
        statement = f"COPY {self.table.name} ({names_sql}) FROM STDIN"
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(text)

    def write(self, facts: Mapping[str, Any]) -> None:
        """Write the rows that wait, and their history; ``facts`` as ``Write.history_values`` gives them."""
        # Named so that no statement takes one for the value of a column.
        parameters = {f"{_FACT}{name}": value for name, value in facts.items()}
        for statement in self._statements:
            _connection().execute(statement, parameters)


class NewRows(Staging):
    """Rows that are to be inserted, with these attributes of them."""

    def __init__(self, resource: Resource, attributes: Names, *, postgresql: bool) -> None:
        super().__init__(resource, "new_rows", attributes)
        table = _table(resource)
        given: dict[str, Any] = {column.name: column for column in self.table.columns}
        given |= {"tick": _bound(table, "tick"), "created_at": _bound(table, "at", "created_at")}
        given |= {"updated_at": _bound(table, "at", "updated_at")}
        source = sa.select(*given.values()).where(sa.true())  # SQLite wants a WHERE before ON CONFLICT
        insert = on_postgresql.insert if postgresql else on_sqlite.insert
        statement: Any = insert(table).from_select(list(given), source)
        code = sa.inspect(resource.model).columns[resource.code].name
        elements: list[Any] = [table.c[code]]
        if resource.parent is not None:
            elements.insert(0, sa.text(f"coalesce({resource.link_column}, 0)"))
        # A row that was written around the application meanwhile is brought to the same state.
        replaced = {name: statement.excluded[name] for name in given if name != code}
        statement = statement.on_conflict_do_update(index_elements=elements, set_=replaced)
        self.alone = statement
        if postgresql:
            written = statement.returning(table.c.id).cte("written")
            self._statements = [_history(written.c.id, "create", {}).add_cte(written)]
            return
        staged = self.table.columns
        key = [table.c[code]] if resource.parent is None else [table.c[code], table.c[resource.link_column]]
        found = sa.select(table.c.id).join(
            self.table, sa.and_(*(column.is_not_distinct_from(staged[column.name]) for column in key))
        )
        self._statements = [statement, _history(found.subquery().c.id, "create", {})]


class ChangedRows(Staging):
    """Rows that are there and are to be changed: ``id``, the HISTORY columns, and what differs in any row."""

    def __init__(self, resource: Resource, attributes: Names) -> None:
        super().__init__(resource, "changed_rows", attributes)
        table, staged = _table(resource), self.table.columns
        changes: dict[str, Any] = {
            column.name: column for column in staged if column.name not in ("id", *HISTORY)
        }
        changes |= {"tick": _bound(table, "tick"), "updated_at": _bound(table, "at", "updated_at")}
        self.alone = sa.update(table).values(changes).where(table.c.id == staged.id)
        self._statements = [
            self.alone,
            _history(staged.id, staged.history_action, staged.history_fields),
        ]


# Building and compiling statements of 50 columns takes milliseconds; the files of a firm have few shapes.
_new_rows = lru_cache(maxsize=64)(NewRows)
changed_rows = lru_cache(maxsize=64)(ChangedRows)


def new_rows(resource: Resource, attributes: Names) -> NewRows:
    """Where rows with these attributes wait to be inserted."""
    return _new_rows(resource, attributes, postgresql=is_postgresql())


def know_size(resource: Resource) -> None:
    """See that the planner knows a table that is being filled.

    It takes a table of wide rows without statistics for empty, however large it grows, and joins accordingly,
    until autovacuum comes along minutes later.
    """
    if not is_postgresql():
        return
    name = _table(resource).name
    size = sa.text("SELECT relpages FROM pg_class WHERE oid = to_regclass(:name)")
    if db.session.scalar(size, {"name": name}) == 0:
        _connection().exec_driver_sql(f"ANALYZE {name}")


def _history(row_id: Any, action: Any, fields: Any) -> sa.Insert:
    """INSERT … SELECT of an entry for each row, from columns of what is selected or constants."""
    table: Any = HistoryEntry.__table__
    constants = ("resource", "tick", "at", "user_id", "user_name", "source", "request_id")
    given: dict[str, Any] = {name: _bound(table, name) for name in constants}
    told = {"row_id": row_id, "action": action, "fields": fields}
    for name, value in told.items():
        given[name] = value if isinstance(value, sa.ColumnElement) else sa.literal(value, table.c[name].type)
    return sa.insert(table).from_select(list(given), sa.select(*given.values()))


def _bound(table: sa.Table, parameter: str, column: str = "") -> sa.BindParameter[Any]:
    """A fact of the write, with the type of a column."""
    return sa.bindparam(f"{_FACT}{parameter}", type_=table.c[column or parameter].type)


def _table(resource: Resource) -> sa.Table:
    table = resource.model.__table__
    assert isinstance(table, sa.Table)
    return table


def _connection() -> sa.Connection:
    return db.session.connection()
