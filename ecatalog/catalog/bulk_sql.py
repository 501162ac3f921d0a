"""The statements of bulk writes: COPY on PostgreSQL, ``executemany`` on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY

from ecatalog.catalog.resource import Resource
from ecatalog.extensions import Model, db

Records = Sequence[dict[str, Any]]  # by attribute; all of one call have the same keys


def on_postgresql() -> bool:
    return db.engine.dialect.name == "postgresql"


def is_one_of(column: Any, values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """``column IN values`` as one parameter, however many values there are.

    A subquery and not ``= ANY``: once the server keeps a plan for any array (a prepared statement's sixth
    use), that one compares every row with every value.
    """
    if on_postgresql():
        kind = sa.BigInteger() if isinstance(column.type, sa.Integer) else sa.Text()
        return column.in_(sa.select(sa.func.unnest(sa.literal(list(values), ARRAY(kind)))))  # type: ignore[no-any-return]
    entries = sa.func.json_each(orjson.dumps(list(values)).decode()).table_valued("value")
    return column.in_(sa.select(entries.c.value))  # type: ignore[no-any-return]


def insert(resource: Resource, records: Records) -> None:
    """New rows; a row that was written around the application meanwhile is brought to the same state."""
    if not records:
        return
    table = _table(resource.model)
    names = _column_names(resource.model, records[0])
    target = "code" if resource.parent is None else "owner"
    if on_postgresql():
        staging = _stage(resource.model, records)
        source: Any = sa.select(*(sa.column(name) for name in names)).select_from(sa.table(staging))
        statement: Any = postgresql.insert(table).from_select(names, source)
    else:
        statement = sqlite.insert(table)
    code = table.c[_column_name(resource.model, resource.code)]
    elements: list[Any] = [code]
    if target == "owner":
        elements.insert(0, sa.text(f"coalesce({resource.link_column}, 0)"))
    written = {name: statement.excluded[name] for name in names if name != code.name}
    statement = statement.on_conflict_do_update(index_elements=elements, set_=written)
    if on_postgresql():
        db.session.execute(statement)
        _drop(staging)
        _know_size(table)
    else:
        _connection().execute(statement, _by_column_name(resource.model, records))


def update(resource: Resource, records: Records) -> None:
    """Rows that are there, by ``id``."""
    if not records:
        return
    table = _table(resource.model)
    names = [name for name in _column_names(resource.model, records[0]) if name != "id"]
    if on_postgresql():
        staging = _stage(resource.model, records)
        source = sa.table(staging, sa.column("id"), *(sa.column(name) for name in names))
        db.session.execute(
            sa.update(table).values({name: source.c[name] for name in names}).where(table.c.id == source.c.id)
        )
        _drop(staging)
        return
    statement = (
        sa.update(table)
        .values({name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in names})
        .where(table.c.id == sa.bindparam("row_id"))
    )
    bound = [
        {"row_id": record["id"], **{f"new_{name}": value for name, value in record.items() if name != "id"}}
        for record in _by_column_name(resource.model, records)
    ]
    _connection().execute(statement, bound)


def append(model: type[Model], records: Records) -> None:
    """New rows of a table that nothing can clash with."""
    if not records:
        return
    if on_postgresql():
        _copy(model.__tablename__, model, records)
    else:
        _connection().execute(sa.insert(_table(model)), _by_column_name(model, records))


def _table(model: type[Model]) -> sa.Table:
    table = model.__table__
    assert isinstance(table, sa.Table)
    return table


def _connection() -> sa.Connection:
    return db.session.connection()


def _column_name(model: type[Model], attribute: str) -> str:
    return str(sa.inspect(model).columns[attribute].name)


def _column_names(model: type[Model], record: dict[str, Any]) -> list[str]:
    return [_column_name(model, attribute) for attribute in record]


def _by_column_name(model: type[Model], records: Records) -> list[dict[str, Any]]:
    """Records by column name: the attribute ``extra`` is the column ``metadata``."""
    names = {attribute: _column_name(model, attribute) for attribute in records[0]}
    if all(attribute == name for attribute, name in names.items()):
        return list(records)
    return [{names[attribute]: value for attribute, value in record.items()} for record in records]


def _stage(model: type[Model], records: Records) -> str:
    """A temporary table with the records, of this transaction alone; its name."""
    name = f"staging_{model.__tablename__}"
    columns = ", ".join(_quoted(column) for column in _column_names(model, records[0]))
    like = f"SELECT {columns} FROM {model.__tablename__} WITH NO DATA"  # noqa: S608  # names of our own
    _connection().exec_driver_sql(f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS {like}")
    _copy(name, model, records)
    return name


def _know_size(table: sa.Table) -> None:
    """See that the planner knows a table that is being filled.

    It takes a table of wide rows without statistics for empty, however large it grows, and joins accordingly,
    until autovacuum comes along minutes later.
    """
    size = sa.text("SELECT relpages FROM pg_class WHERE oid = to_regclass(:name)")
    if db.session.scalar(size, {"name": table.name}) == 0:
        _connection().exec_driver_sql(f"ANALYZE {table.name}")


def _drop(staging: str) -> None:
    _connection().exec_driver_sql(f"DROP TABLE {staging}")


def _copy(target: str, model: type[Model], records: Records) -> None:
    """COPY the records into ``target``, which has the model's columns."""
    mapped = sa.inspect(model).columns
    attributes = list(records[0])
    columns = [mapped[attribute] for attribute in attributes]
    as_json = [isinstance(column.type, sa.JSON) for column in columns]
    names = ", ".join(_quoted(column.name) for column in columns)
    driver: Any = _connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {target} ({names}) FROM STDIN") as copy:
        for record in records:
            copy.write_row(
                [
                    orjson.dumps(record[attribute]).decode() if encode else record[attribute]
                    for attribute, encode in zip(attributes, as_json, strict=True)
                ]
            )


def _quoted(name: str) -> str:
    return f'"{name}"'
