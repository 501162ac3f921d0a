"""A new row, its entry in the history and its words, in as few statements as the database can take them in.

The statements are made once for each set of columns that a row fills: most leave most of them empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ecatalog.catalog import vocabulary
from ecatalog.catalog.models import HistoryEntry
from ecatalog.catalog.resource import Resource
from ecatalog.extensions import db
from ecatalog.memory import Memory
from ecatalog.session_read import SessionRead

_MOST = 500  # statements
_HISTORY: Any = HistoryEntry.__table__
_ENTRY = tuple(column.name for column in _HISTORY.columns if column.name not in ("id", "row_id"))

# Names of parameters, and beginnings of such.
_ROW, _OF_ENTRY, _WORDS = "row_", "entry_", "words"

_statements = Memory["_Insert"](_MOST)


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
    dialect = connection.dialect
    if dialect.name != "postgresql":
        done: Any = connection.execute(sa.insert(resource.table), values)
        row_id: int = done.inserted_primary_key[0]
        connection.execute(sa.insert(_HISTORY), {**entry, "row_id": row_id})
        vocabulary.learn(resource.search_tables, words)
        return row_id
    new = vocabulary.unknown(resource.search_tables, words)
    shape = (resource, frozenset(values), bool(new))
    statement = _statements.get(shape)
    if statement is None:
        statement = _Insert.of(resource, tuple(values), dialect, with_words=bool(new))
        _statements.put(shape, statement)
    entry = {name: entry[name] for name in _ENTRY}
    given = statement.read(values, _ROW) | statement.read(entry, _OF_ENTRY)
    if new:
        given[_WORDS] = sorted(new)
    return int(statement.select.rows(**given)[0][0])


@dataclass(frozen=True)
class _Insert:
    """The statement, and what makes of its values what the driver takes, where that is not the same."""

    select: SessionRead
    processors: Mapping[str, Callable[[Any], Any]]

    @classmethod
    def of(
        cls, resource: Resource, names: tuple[str, ...], dialect: sa.Dialect, *, with_words: bool
    ) -> _Insert:
        types = {f"{_ROW}{name}": resource.table.c[name].type for name in names}
        types |= {f"{_OF_ENTRY}{name}": _HISTORY.c[name].type for name in _ENTRY}
        processors: dict[str, Callable[[Any], Any]] = {}
        for name, kind in types.items():
            processor = kind.dialect_impl(dialect).bind_processor(dialect)
            if processor is not None:
                processors[name] = processor
        return cls(SessionRead(_at_once(resource, names, with_words=with_words)), processors)

    def read(self, values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        """The statement's parameters, from values whose names follow ``prefix`` there."""
        processors = self.processors
        return {
            name: processors[name](value) if name in processors else value
            for name, value in ((prefix + name, value) for name, value in values.items())
        }


def _at_once(resource: Resource, names: tuple[str, ...], *, with_words: bool) -> sa.Select[Any]:
    """One statement for all three, of which PostgreSQL lets two stand beside the third."""
    table = resource.table
    filled = {name: sa.bindparam(f"{_ROW}{name}", type_=table.c[name].type) for name in names}
    row = sa.insert(table).values(filled).returning(table.c.id).cte("new_row")
    told = [sa.bindparam(f"{_OF_ENTRY}{name}", type_=_HISTORY.c[name].type).label(name) for name in _ENTRY]
    entry = sa.insert(_HISTORY).from_select(["row_id", *_ENTRY], sa.select(row.c.id, *told))
    beside = [entry.cte("new_entry")]
    if with_words:
        column = resource.search_tables.words.c.word
        texts = sa.bindparam(_WORDS, type_=postgresql.ARRAY(sa.Text()))
        of_words = postgresql.insert(resource.search_tables.words)
        of_words = of_words.from_select([column.name], sa.select(sa.func.unnest(texts)))
        beside.append(of_words.on_conflict_do_nothing().cte("new_words"))
    return sa.select(row.c.id).add_cte(*beside)
