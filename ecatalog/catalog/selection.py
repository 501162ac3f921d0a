"""Which rows a list shows, before they are ordered and paged: filters and search, typing errors corrected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from ecatalog import search
from ecatalog.catalog import query, shaped
from ecatalog.catalog.nearest import Words, nearest
from ecatalog.catalog.paging import Window
from ecatalog.catalog.ready_rows import Reference, chosen, referred, referring
from ecatalog.catalog.resource import Resource
from ecatalog.extensions import db


@dataclass(frozen=True)
class Selection:
    """Rows of a resource: ``values`` are loaded filters, ``words`` what the search asks for.

    approximate   the words are not those that were sent, but near ones
    """

    resource: Resource
    values: Mapping[str, Any]
    words: Words
    approximate: bool = False

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The WHERE terms on the resource's own table."""
        terms = [~self.resource.columns.is_deleted, *query.filter_terms(self.resource, self.values)]
        if self.words:
            terms.append(query.search_term(self.resource, self.words))
        return terms

    def hits(self, *columns: Any, tables: search.SearchTables | None = None) -> sa.Select[Any]:
        """A SELECT of columns of the search table alone, unless filters need the resource's own.

        ``tables`` are those of the resource, or the same with fewer rows.
        """
        tables, own = tables or self.resource.search_tables, self.resource.columns
        terms = query.filter_terms(self.resource, self.values)
        statement = sa.select(*columns).select_from(tables.rows)
        if terms:
            statement = statement.join(self.resource.table, own.id == tables.rows.c.id)
            statement = statement.where(~own.is_deleted, *terms)
        return statement.where(search.contains(tables, self.words, db.engine.dialect.name))

    def count(self) -> int:
        """How many rows these are."""
        if not self.words:
            return shaped.count(self.resource, self.values)
        return db.session.connection().execute(self.hits(sa.func.count())).scalar() or 0

    def references(self, window: Window) -> list[Reference]:
        """A part of these rows: an index has them, so that a deep page reads no rows it skips."""
        if not self.words:
            return shaped.references(self.resource, self.values, window)
        own = self.resource.columns
        ids = sa.select(*chosen(own, window)).where(*self.conditions())
        statement = referring(self.resource, window.of(own, ids))
        return referred(window, db.session.connection().execute(statement))

    def filters(self) -> list[tuple[str, Any]]:
        """The filters that are given, by name."""
        given = {name: self.values.get(name) for name in self.resource.all_filters}
        return sorted((name, value) for name, value in given.items() if value is not None)

    def narrowing(self) -> list[Any]:
        """What tells this selection from others of the resource; nothing, where it is of all rows."""
        return [*self.filters(), *self.words]


class Counted(Protocol):
    """What is known of a selection's rows."""

    @property
    def count(self) -> int: ...


AnyCounted = TypeVar("AnyCounted", bound=Counted)


def select(
    resource: Resource, values: Mapping[str, Any], look: Callable[[Selection], AnyCounted]
) -> tuple[Selection, AnyCounted]:
    """What loaded list parameters select, and what ``look`` tells of it.

    A search that finds nothing is tried again with the nearest words that rows have, unless ``fuzzy`` is off.
    """
    exact = Selection(resource, values, search.words(values.get("search") or ""))
    found = look(exact)
    if found.count == 0 and exact.words and values.get("fuzzy") is not False:
        words = nearest(resource.search_tables, exact.words)
        if words is not None:
            near = Selection(resource, values, words, approximate=True)
            nearly = look(near)
            if nearly.count:
                return near, nearly
    return exact, found
