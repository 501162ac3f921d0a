"""Which column of a table is which field: by name, in any order and letter case, or by a known alias."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from marshmallow.fields import Field

from ecatalog.catalog.resource import DeclarationError, Resource
from ecatalog.catalog.schemas import write_fields
from ecatalog.transfer.aliases import ALIASES
from ecatalog.transfer.rows import SourceError

READ_ONLY = ("id", "images", "created_at", "updated_at")
TIMES = ("created_at", "updated_at")

_APOSTROPHES = str.maketrans(dict.fromkeys("ʻʼ’‘`´ʹ", "'") | {"ё": "е", "_": " ", "\ufeff": " "})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table that holds a field: its place from 0, the field's API name, the field."""

    position: int
    name: str
    field: Field[Any]


@dataclass(frozen=True, slots=True)
class Header:
    """What a header row says: the columns that are fields, the names of those that are not, all its cells."""

    columns: tuple[Column, ...]
    extra: tuple[str, ...]
    width: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def header_key(cell: Any) -> str:
    """A header name as it is compared: ``" Base_Price"`` and ``"base price"`` are one."""
    text = str(cell).lower().translate(_APOSTROPHES).strip().rstrip("*:").strip()
    return re.sub(r"\s+", " ", text)


def api_fields(resource: Resource) -> dict[str, Field[Any]]:
    """The fields that can be written, by API name."""
    return {declared.data_key or key: declared for key, declared in write_fields(resource).items()}


@lru_cache(maxsize=64)
def known_headers(resource: Resource) -> dict[str, str]:
    """API field names by compared header name. Raises DeclarationError for an alias of two fields."""
    fields = api_fields(resource)
    known = {header_key(name): name for name in fields}
    for table in ALIASES:
        for name, aliases in table.items():
            for key in map(header_key, aliases) if name in fields else ():
                if known.setdefault(key, name) != name:
                    raise DeclarationError(
                        f"header {key!r} of {resource.name} could be {known[key]} or {name}"
                    )
    return known


def has_code(resource: Resource, cells: Sequence[Any]) -> bool:
    """Whether these cells look like a header row: one names the code."""
    known = known_headers(resource)
    return any(known.get(header_key(cell)) == resource.code for cell in cells)


def read_header(resource: Resource, cells: Sequence[Any]) -> Header:
    """The columns that these header cells name.

    Raises SourceError when the code column is missing, or when two columns are one field. Read-only fields
    (an export has them) are neither columns nor extra.
    """
    known = known_headers(resource)
    fields = api_fields(resource)
    columns: dict[str, Column] = {}
    extra: list[str] = []
    for position, cell in enumerate(cells):
        key = header_key(cell)
        name = known.get(key)
        if name in columns:
            first = str(cells[columns[name].position]).strip()
            raise SourceError(f'Columns "{first}" and "{str(cell).strip()}" both hold the field {name}.')
        if name is not None:
            columns[name] = Column(position, name, fields[name])
        elif key and key.replace(" ", "_") not in READ_ONLY:
            extra.append(str(cell).strip())
    if resource.code not in columns:
        raise SourceError(missing_code(resource, cells))
    return Header(tuple(columns.values()), tuple(extra), len(cells))


def missing_code(resource: Resource, cells: Sequence[Any]) -> str:
    """Says which column is missing, and which there are."""
    found = ", ".join(str(cell).strip()[:50] for cell in cells[:20] if str(cell).strip())
    return f'The column "{resource.code}" is missing. Columns found: {found or "none"}.'


def export_columns(resource: Resource) -> tuple[tuple[str, Field[Any] | None], ...]:
    """Columns of an export, (API name, field): the code, the parent's code, all other fields, the times."""
    fields = api_fields(resource)
    if resource.parent is not None:
        del fields[resource.link_column]
    leading = [resource.code, *([resource.parent.name] if resource.parent else [])]
    names = [*leading, *(name for name in fields if name not in leading)]
    return (*((name, fields[name]) for name in names), *((name, None) for name in TIMES))


def export_value(resource: Resource, row: dict[str, Any], name: str) -> Any:
    """The value of a rendered row for an export column: a parent is its code."""
    value = row[name]
    if value is not None and resource.parent is not None and name == resource.parent.name:
        return value[resource.parent.code]
    return value
