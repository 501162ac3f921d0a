"""Which rows a list shows, before they are ordered and paged: filters and search, typing errors corrected."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from ecatalog import search
from ecatalog.catalog import query, shaped
from ecatalog.catalog.nearest import Words, nearest
from ecatalog.catalog.paging import Window
from ecatalog.catalog.ready_rows import Reference, chosen, referred, referring
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.search_terms import SearchTerms
from ecatalog.extensions import db
from ecatalog.session_read import SessionRead
from ecatalog.single_read import Row

_EXACT = "exact_"


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

    def search_terms(self) -> SearchTerms:
        """What it asks for, with its values."""
        filters = query.filter_terms(self.resource, self.values)
        return SearchTerms(self.resource, filters, self.words, self._exact(), db.engine.dialect.name)

    def rows(self, name: Hashable, build: Callable[[SearchTerms], sa.Select[Any]]) -> list[Row]:
        """The rows of a statement on the search tables, made once for all that differs by values alone.

        ``name`` tells statements apart. On SQLite, whose index takes a query in words, it is made each time.
        """
        if db.engine.dialect.name == "sqlite":
            found = db.session.connection().execute(build(self.search_terms()))
            return [tuple(row) for row in found]
        exact = self._exact()
        shape, parameters = shaped.shape_of(self.resource, self.values)
        read = shaped.statement(
            (name, shape, tuple(map(len, self.words)), bool(exact)),
            lambda: SessionRead(build(self._shaped_terms(shape)), plans_anew=True),
        )
        parameters |= search.slot_values(self.words)
        parameters |= {f"{_EXACT}{number}": text for number, text in enumerate(exact)}
        return read.rows(**parameters)

    def _shaped_terms(self, shape: shaped.Shape) -> SearchTerms:
        """The same with parameters in place of values."""
        exact = [sa.bindparam(f"{_EXACT}{number}", type_=sa.Text) for number in range(len(self._exact()))]
        words = search.slots(self.words)
        return SearchTerms(self.resource, shape.filters(), words, exact, db.engine.dialect.name)

    def _exact(self) -> list[str]:
        """What was sent, in the letter cases that codes are written in: their indexes know no other."""
        text = (self.values.get("search") or "").strip()
        return [] if self.approximate or not text else [text, text.upper(), text.lower()]

    def count(self) -> int:
        """How many rows these are."""
        if not self.words:
            return shaped.count(self.resource, self.values)
        return int(self.rows("count", lambda terms: terms.hits(sa.func.count()))[0][0])

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
    if exact.words and found.count == 0 and values.get("fuzzy") is not False:
        words = nearest(resource.search_tables, exact.words)
        if words is not None:
            near = Selection(resource, values, words, approximate=True)
            nearly = look(near)
            if nearly.count:
                return near, nearly
    return exact, found
