"""A new row, its entry in the history and its words, in as few statements as the database can take them in.

The statements are made once for each set of columns that a row fills: most leave most of them empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ecatalog.catalog import vocabulary
from ecatalog.catalog.models import HistoryEntry
from ecatalog.catalog.resource import Resource
from ecatalog.extensions import db
from ecatalog.memory import Memory

_MOST = 500  # statements
_HISTORY: Any = HistoryEntry.__table__
_ENTRY = tuple(column.name for column in _HISTORY.columns if column.name not in ("id", "row_id"))

_statements = Memory[sa.Select[Any]](_MOST)


def fill(resource: Resource, row: Any) -> dict[str, Any]:
    """Give a new row the defaults of its columns; what is to be written of it, by column."""
    values, given = {}, vars(row)  # quicker than to ask for each attribute
    for attribute, column in vars(resource.columns).items():
        value, default = given.get(attribute), column.default
        is_meant = column.type.should_evaluate_none and attribute in given  # a null that was sent
        if value is None and default is not None and not is_meant:
            value = default.arg(None) if default.is_callable else default.arg
            setattr(row, attribute, value)
        if value is not None or default is not None or column.server_default is not None:
            values[column.name] = value
    return values


def insert(resource: Resource, values: Mapping[str, Any], entry: Mapping[str, Any], words: set[str]) -> int:
    """Write the columns of a row, an entry of its history, and the words of its search text; its id.

    Raises IntegrityError where a constraint is violated.
    """
    connection = db.session.connection()
    if connection.dialect.name != "postgresql":
        done: Any = connection.execute(sa.insert(resource.table), values)
        row_id: int = done.inserted_primary_key[0]
        connection.execute(sa.insert(_HISTORY), {**entry, "row_id": row_id})
        vocabulary.learn(resource.search_tables, words)
        return row_id
    new = vocabulary.unknown(resource.search_tables, words)
    shape = (resource, frozenset(values), bool(new))
    statement = _statements.get(shape)
    if statement is None:
        statement = _at_once(resource, tuple(values), with_words=bool(new))
        _statements.put(shape, statement)
    parameters = {f"row_{name}": value for name, value in values.items()}
    parameters |= {f"entry_{name}": entry[name] for name in _ENTRY}
    if new:
        parameters["words"] = sorted(new)
    return int(connection.execute(statement, parameters).scalar_one())


def _at_once(resource: Resource, names: tuple[str, ...], *, with_words: bool) -> sa.Select[Any]:
    """One statement for all three, of which PostgreSQL lets two stand beside the third."""
    table = resource.table
    filled = {name: sa.bindparam(f"row_{name}", type_=table.c[name].type) for name in names}
    row = sa.insert(table).values(filled).returning(table.c.id).cte("new_row")
    told = [sa.bindparam(f"entry_{name}", type_=_HISTORY.c[name].type).label(name) for name in _ENTRY]
    entry = sa.insert(_HISTORY).from_select(["row_id", *_ENTRY], sa.select(row.c.id, *told))
    beside = [entry.cte("new_entry")]
    if with_words:
        column = resource.search_tables.words.c.word
        texts = sa.bindparam("words", type_=postgresql.ARRAY(sa.Text()))
        of_words = postgresql.insert(resource.search_tables.words)
        of_words = of_words.from_select([column.name], sa.select(sa.func.unnest(texts)))
        beside.append(of_words.on_conflict_do_nothing().cte("new_words"))
    return sa.select(row.c.id).add_cte(*beside)
