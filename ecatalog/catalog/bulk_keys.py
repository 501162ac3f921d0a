"""What many rows are known by: parents by what names them, and rows of the table by parent and code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from ecatalog.catalog import clock
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.values import Link
from ecatalog.extensions import db

Key = tuple[int, str]  # the parent's id (0 for none) and the code


class HeldRow(NamedTuple):
    """A row of the table: ``values`` are those of the columns that were asked for, in their order."""

    id: int
    tick: int
    values: list[Any]


def is_postgresql() -> bool:
    return db.engine.dialect.name == "postgresql"


def is_one_of(column: Any, values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """``column IN values`` as one parameter, however many values there are.

    A subquery and not ``= ANY``: once the server keeps a plan for any array (a prepared statement's sixth
    use), that one compares every row with every value.
    """
    if is_postgresql():
        kind = sa.BigInteger() if isinstance(column.type, sa.Integer) else sa.Text()
        return column.in_(sa.select(sa.func.unnest(sa.literal(list(values), ARRAY(kind)))))  # type: ignore[no-any-return]
    entries = sa.func.json_each(orjson.dumps(list(values)).decode()).table_valued("value")
    return column.in_(sa.select(entries.c.value))  # type: ignore[no-any-return]


def parents(resource: Resource, links: set[Link], *, hold: bool) -> dict[Link, int]:
    """The ids of live parents by what names them; ``hold`` keeps them live until the transaction ends."""
    assert resource.parent is not None
    found: dict[Link, int] = {}
    if not links:
        return found
    model: Any = resource.parent.model
    code = getattr(model, resource.parent.code)
    ids = [value for column, value in links if column == resource.link_column]
    codes = [value for column, value in links if column != resource.link_column]
    statement = sa.select(model.id, code).where(
        ~model.is_deleted, sa.or_(is_one_of(model.id, ids), is_one_of(code, codes))
    )
    if hold:
        clock.hold(resource.parent)
        statement = statement.order_by(model.id).with_for_update(read=True)
    for row_id, row_code in db.session.execute(statement):
        found[(resource.link_column, row_id)] = row_id
        found[(resource.parent.name, row_code)] = row_id
    return found


def held_rows(resource: Resource, keys: Sequence[Key], columns: Iterable[str]) -> dict[Key, HeldRow]:
    """What the table holds under the keys."""
    if not keys:
        return {}
    model: Any = resource.model
    code = getattr(model, resource.code)
    owner = sa.literal_column("0") if resource.parent is None else _owner_column(resource)
    shown = [getattr(model, name) for name in columns]
    if is_postgresql():
        # The driver gives them as they are to be; another look at each of many values would cost more.
        shown = [sa.type_coerce(column, sa.types.NullType()) for column in shown]
    statement = sa.select(owner, code, model.id, model.tick, *shown)
    rows = db.session.execute(_with_keys(statement, owner, code, keys))
    return {(row[0], row[1]): HeldRow(row[2], row[3], list(row[4:])) for row in rows}


def _owner_column(resource: Resource) -> sa.ColumnElement[int]:
    return sa.func.coalesce(getattr(resource.model, resource.link_column), sa.text("0"))


def _with_keys(statement: sa.Select[Any], owner: Any, code: Any, keys: Sequence[Key]) -> sa.Select[Any]:
    """Only the rows under the keys.

    On PostgreSQL by joining the pairs: that is a look-up in the unique index for each of them, also in a
    table which has just grown from nothing and of which the server has no statistics. Two conditions, one on
    owners and one on codes, made it go through all rows for each code there.
    """
    owners, codes = [key[0] for key in keys], [key[1] for key in keys]
    if is_postgresql():
        wanted = (
            sa.func.unnest(sa.literal(owners, ARRAY(sa.BigInteger())), sa.literal(codes, ARRAY(sa.Text())))
            .table_valued(sa.column("owner", sa.BigInteger()), sa.column("code", sa.Text()), name="wanted")
            .render_derived()
        )
        return statement.join(wanted, sa.and_(owner == wanted.c.owner, code == wanted.c.code))
    return statement.where(is_one_of(code, codes), is_one_of(owner, sorted(set(owners))))
