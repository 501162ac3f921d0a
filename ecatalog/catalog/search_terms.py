"""What a search asks for, as the conditions of statements, and how each hit ranks.

3 is a row whose code, or another of the resource's ``exact`` attributes, is what was searched for; 2 and 1
are rows with a name where every word begins a word of it; 0 is anything else that was found. 2, for names
that begin with the first word, is told apart only where that is asked for (``beginning``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from ecatalog import search
from ecatalog.catalog.resource import Resource
from ecatalog.search import SearchTables, Spellings


@dataclass(frozen=True)
class SearchTerms:
    """Values, or parameters in their places.

    filters   conditions on the resource's own table; none, where it is not filtered
    words     what the search texts must hold
    exact     what a row that is named exactly bears; empty, where none can be
    """

    resource: Resource
    filters: Sequence[sa.ColumnElement[bool]]
    words: Sequence[Spellings]
    exact: Sequence[Any]
    dialect: str

    def hits(self, *columns: Any, tables: SearchTables | None = None) -> sa.Select[Any]:
        """A SELECT of columns of the search table alone, unless filters need the resource's own.

        ``tables`` are those of the resource, or the same with fewer rows.
        """
        tables, own = tables or self.resource.search_tables, self.resource.columns
        statement = sa.select(*columns).select_from(tables.rows)
        if self.filters:
            statement = statement.join(self.resource.table, own.id == tables.rows.c.id)
            statement = statement.where(~own.is_deleted, *self.filters)
        return statement.where(search.contains(tables, self.words, self.dialect))

    def ranked(self, *, beginning: bool = False) -> sa.Select[Any]:
        """All hits with their rank, as ``relevance``."""
        tables = self.resource.search_tables
        ranks = [(self._is_exact(), 3), (self.is_named(tables), 1)]
        if beginning:
            ranks.insert(1, (self.is_named(tables, beginning=True), 2))
        relevance = sa.case(*ranks, else_=0).label("relevance")
        return self.hits(tables.rows.c.id, tables.rows.c.created_at, relevance)

    def named(self, tables: SearchTables, *, beginning: bool = False) -> sa.Select[Any]:
        """Id and time of the hits that rank by name."""
        return self.placed(tables).where(self.is_named(tables, beginning=beginning))

    def otherwise(self, tables: SearchTables) -> sa.Select[Any]:
        """Id and time of the hits that do not."""
        return self.placed(tables).where(sa.not_(self.is_named(tables)))

    def named_exactly(self) -> sa.Select[Any]:
        """Id and time of the hits that were named exactly."""
        return self.placed(self.resource.search_tables).where(self._is_exact())

    def placed(self, tables: SearchTables) -> sa.Select[Any]:
        """Id and time of the hits."""
        return self.hits(tables.rows.c.id, tables.rows.c.created_at, tables=tables)

    def is_named(self, tables: SearchTables, *, beginning: bool = False) -> sa.ColumnElement[bool]:
        """The condition that every word begins a word of the name, and the first one the name itself."""
        named = search.name_begins(tables, self.words, self.dialect)
        return sa.and_(search.text_begins(tables, self.words[0]), named) if beginning else named

    def _is_exact(self) -> sa.ColumnElement[bool]:
        """The condition on the search table that a row bears in one of its codes what was sent."""
        if not self.exact:
            return sa.false()
        own, resource = self.resource.columns, self.resource
        same = [getattr(own, name).in_(self.exact) for name in (resource.code, *resource.exact)]
        exactly = sa.select(own.id).where(~own.is_deleted, sa.or_(*same))
        return resource.search_tables.rows.c.id.in_(exactly)


def newest_rows(resource: Resource, number: int) -> SearchTables:
    """The search tables with only the newest rows in them, which are looked through without an index."""
    tables = resource.search_tables
    columns = tables.rows.c
    in_order = sa.select(tables.rows).order_by(columns.created_at.desc(), columns.id.desc())
    return replace(tables, rows=in_order.limit(number).subquery("newest"), trigrams=None)


def newest_of(statement: sa.Select[Any], number: int) -> sa.Select[Any]:
    """The newest rows of a statement that selects id and time."""
    row_id, created_at = statement.selected_columns
    return statement.order_by(created_at.desc(), row_id.desc()).limit(number)
