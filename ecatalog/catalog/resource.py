"""The declaration of a resource: data alone, checked when it is made."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from marshmallow import ValidationError
from marshmallow.fields import Field

from ecatalog import fields
from ecatalog.catalog import query
from ecatalog.catalog.models import CatalogRow
from ecatalog.catalog.nested import Nested
from ecatalog.catalog.query import Filter
from ecatalog.catalog.schemas import (
    CatalogSchema,
    build_link_schema,
    build_read_schema,
    build_renderer,
    build_write_schema,
)
from ecatalog.search import SearchTables, tables_of
from ecatalog.smorest import Schema

ENGINE_COLUMNS = ("id", "created_at", "updated_at", "tick", "search_text")


class DeclarationError(TypeError):
    """A resource is declared wrongly; raised at import, with the resource and the cause."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource:
    """Everything the engine needs to know of a resource.

    name          part of every URL, key of the clock
    label         as messages and schemas write it
    model, schema table, and the fields that clients may write
    code          attribute that holds the 1C code
    search        attributes that ``?search=`` looks into, the name among them
    exact         those of them that put a row first when they are what is searched for, besides the code
    filters       attributes for ``?attribute=value``, and Filter objects for anything else
    ordering      attributes for ``?ordering=``, besides id, name, code and the times
    anonymous_read  whether reading needs no token
    parent        resource that rows belong to by ``<parent.name>_id``, within which codes are unique
    nested        kinds of children that rows show as lists, such as images
    max_limit     cap of ``?limit=``
    example       values of one row, for the OpenAPI text and templates
    """

    name: str
    label: str
    model: type[CatalogRow]
    schema: type[CatalogSchema]
    code: str
    search: tuple[str, ...]
    example: dict[str, Any]
    exact: tuple[str, ...] = ()
    filters: tuple[str | Filter, ...] = ()
    ordering: tuple[str, ...] = ()
    anonymous_read: bool = False
    parent: Resource | None = None
    nested: tuple[Nested, ...] = ()
    max_limit: int = 100

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", self.name):
            self._refuse(f"name {self.name!r} does not fit into a URL")
        columns = sa.inspect(self.model).columns.keys()
        declared = self.fields
        for attribute in (self.code, "name"):
            if attribute not in declared or not declared[attribute].required:
                self._refuse(f"{attribute!r} must be a required field of the schema")
        if not isinstance(declared[self.code], fields.Code):
            self._refuse(f"{self.code!r} must be a Code field")
        for attribute in (*declared, *self.search, *self.ordering):
            if attribute not in columns:
                self._refuse(f"{attribute!r} is no column of {self.model.__name__}")
        for attribute in set(columns) - set(declared) - set(ENGINE_COLUMNS) - set(self._link_columns):
            self._refuse(f"column {attribute!r} is missing from {self.schema.__name__}")
        for attribute in ("name", *self.exact):
            if attribute not in self.search:
                self._refuse(f"{attribute!r} is not among the searched attributes")
        for name in (item for item in self.filters if isinstance(item, str)):
            if name not in declared:
                self._refuse(f"filter {name!r} is no field of {self.schema.__name__}")
        if self.parent is not None and not set(self._link_columns) <= set(columns):
            self._refuse(f"{self.model.__name__} has no column {self._link_columns[0]!r}")
        for attribute, declared_field in declared.items():
            length = getattr(sa.inspect(self.model).columns[attribute].type, "length", None)
            if isinstance(declared_field, fields.Text) and length not in (None, declared_field.max_length):
                self._refuse(f"{attribute!r} has {length} characters in the table, others in the schema")
        for nested in self.nested:
            if nested.name in (*declared, *ENGINE_COLUMNS):
                self._refuse(f"{nested.name!r} is a field and a list of children")
        if set(self.example) - set(self.write_schema._declared_fields):
            self._refuse("the example has fields that cannot be written")
        try:
            self.write_schema().load(self.example)
        except ValidationError as error:
            self._refuse(f"the example is not valid: {error.messages}")

    def _refuse(self, why: str) -> None:
        raise DeclarationError(f"resource {self.name!r}: {why}")

    @cached_property
    def fields(self) -> dict[str, Field[Any]]:
        """The writable columns by attribute, as answers order them: its own, then those of every resource."""
        every, own = CatalogSchema._declared_fields, self.schema._declared_fields
        return {**{name: own[name] for name in own if name not in every}, **every}

    @property
    def link_column(self) -> str:
        """The column that holds the parent's id."""
        assert self.parent is not None, f"{self.name} has no parent"
        return f"{self.parent.name}_id"

    @property
    def _link_columns(self) -> tuple[str, ...]:
        return (self.link_column,) if self.parent is not None else ()

    @cached_property
    def parent_attributes(self) -> tuple[str, ...]:
        """What is read of a row's parent, if it has one: rows show it, and their tags follow it."""
        return () if self.parent is None else ("id", self.parent.code, "name", "tick")

    @cached_property
    def searched(self) -> tuple[str, ...]:
        """The attributes that make up the search text, in the order that :func:`search.document` takes."""
        return ("name", *(name for name in self.search if name != "name"))

    @property
    def table(self) -> sa.Table:
        table = self.model.__table__
        assert isinstance(table, sa.Table)
        return table

    @cached_property
    def columns(self) -> Any:
        """The table's columns by attribute: statements of these cost half of what those of the model do."""
        mapped = sa.inspect(self.model).column_attrs
        return SimpleNamespace(**{attribute.key: attribute.columns[0] for attribute in mapped})

    @property
    def search_tables(self) -> SearchTables:
        return tables_of(self.table)

    @property
    def code_length(self) -> int:
        """The most characters a code can have."""
        declared = self.fields[self.code]
        assert isinstance(declared, fields.Code)
        return declared.max_length

    @property
    def clock_names(self) -> tuple[str, ...]:
        """The clocks that tell whether an answer of this resource is still true."""
        return (self.name,) if self.parent is None else (self.name, self.parent.name)

    @cached_property
    def all_filters(self) -> dict[str, Filter]:
        """Filters by parameter name: those of every resource, and the declared ones."""
        declared = self.fields
        found = {item.name: item for item in query.common_filters(self)}
        for item in self.filters:
            chosen = query.exact(item, declared[item]) if isinstance(item, str) else item
            found[chosen.name] = chosen
        return found | {item.name: item for nested in self.nested for item in nested.filters()}

    @cached_property
    def all_ordering(self) -> tuple[str, ...]:
        names = ("id", self.code, "name", "created_at", "updated_at", "is_active", *self.ordering)
        return tuple(dict.fromkeys(names))

    @cached_property
    def write_schema(self) -> type[Schema]:
        return build_write_schema(self, partial=False)

    @cached_property
    def patch_schema(self) -> type[Schema]:
        return build_write_schema(self, partial=True)

    @cached_property
    def read_schema(self) -> type[Schema]:
        return build_read_schema(self)

    @cached_property
    def link_schema(self) -> type[Schema]:
        return build_link_schema(self)

    @cached_property
    def render_bare(self) -> Callable[[Any], dict[str, Any]]:
        """A row as the API shows it, without its children: see :mod:`ecatalog.catalog.nested`."""
        return build_renderer(self)
