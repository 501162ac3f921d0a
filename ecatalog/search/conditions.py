"""From the words of a query to conditions on search texts, which say the same on both databases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from ecatalog.search.document import NAME_MARK
from ecatalog.search.tables import SearchTables

_TRIGRAM = 3


class Slot(NamedTuple):
    """Stands for a spelling where a statement is made once for all words; PostgreSQL alone has such."""

    name: str  # of its parameter, whose value :func:`slot_values` tells


Part = str | Slot
Spellings = tuple[Part, ...]  # of one word; any of them will do


def slots(words: Sequence[Sequence[str]]) -> list[tuple[Slot, ...]]:
    """Slots for the spellings of as many words."""
    return [
        tuple(Slot(f"word_{place}_{number}") for number in range(len(spelled)))
        for place, spelled in enumerate(words)
    ]


def slot_values(words: Sequence[Sequence[str]]) -> dict[str, str]:
    """The parameters of :func:`slots`, for whatever condition they stand in."""
    values = {}
    for names, spelled in zip(slots(words), words, strict=True):
        for (name,), spelling in zip(names, spelled, strict=True):
            marked = _literally(f"{NAME_MARK}{spelling}")
            values[name] = f"%{_literally(spelling)}%"
            values[f"{name}_marked"] = f"%{marked}%"
            values[f"{name}_first"] = f"{marked}%"
    return values


def contains(tables: SearchTables, words: Sequence[Spellings], dialect: str) -> sa.ColumnElement[bool]:
    """Every word occurs in the search text of a row of ``tables.rows``, in one of its spellings."""
    return _every(tables, [tuple(spelled) for spelled in words], dialect)


def name_begins(tables: SearchTables, words: Sequence[Spellings], dialect: str) -> sa.ColumnElement[bool]:
    """Every word begins a word of the row's name."""
    return _every(tables, [tuple(map(_marked, spelled)) for spelled in words], dialect)


def beginnings(words: Sequence[Sequence[str]]) -> list[list[str]]:
    """What occurs in a search text where every word begins a word of the name."""
    return [[f"{NAME_MARK}{spelling}" for spelling in spelled] for spelled in words]


def _marked(part: Part) -> Part:
    return Slot(f"{part.name}_marked") if isinstance(part, Slot) else f"{NAME_MARK}{part}"


def text_begins(tables: SearchTables, spelled: Spellings) -> sa.ColumnElement[bool]:
    """The row's name begins with the word."""
    return sa.or_(*(_starts(tables.rows.c.search_text, part) for part in spelled))


def _starts(text: sa.ColumnElement[str], part: Part) -> sa.ColumnElement[bool]:
    if isinstance(part, Slot):
        return text.like(sa.bindparam(f"{part.name}_first", type_=sa.Text))
    return sa.func.substr(text, 1, len(part) + len(NAME_MARK)) == f"{NAME_MARK}{part}"


def like(column: sa.ColumnElement[str], part: Part) -> sa.ColumnElement[bool]:
    """``part`` occurs in the column, taken literally.

    The pattern stands in the statement itself, for the planner to see: how many rows a word selects decides
    between an index of trigrams and the newest rows in order, and a plan for any word fits none. Statements
    with slots are planned anew for each set of values, for the same reason.
    """
    if isinstance(part, Slot):
        return column.like(sa.bindparam(part.name, type_=sa.Text))
    pattern = f"%{_literally(part)}%"
    return column.like(sa.bindparam(None, pattern, sa.Text, unique=True, literal_execute=True))


def _literally(part: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", part)


def _every(tables: SearchTables, words: list[Spellings], dialect: str) -> sa.ColumnElement[bool]:
    text = tables.rows.c.search_text
    if dialect == "postgresql":
        return sa.and_(sa.true(), *(sa.or_(*(like(text, part) for part in spelled)) for spelled in words))
    plain = [tuple(map(str, spelled)) for spelled in words]
    trigrams = tables.trigrams
    indexed = [spelled for spelled in plain if trigrams and min(map(len, spelled)) >= _TRIGRAM]
    scanned = [spelled for spelled in plain if spelled not in indexed]
    terms = [sa.or_(*(sa.func.instr(text, part) > 0 for part in spelled)) for spelled in scanned]
    if trigrams and indexed:
        terms.append(tables.rows.c.id.in_(_rows_matching(trigrams, indexed)))
    return sa.and_(sa.true(), *terms)


def _rows_matching(trigrams: str, words: list[tuple[str, ...]]) -> sa.Select[int]:
    expression = " AND ".join(f"({' OR '.join(map(_quoted, spelled))})" for spelled in words)
    index = sa.table(trigrams, sa.column("rowid", sa.Integer))
    matching: sa.ColumnElement[bool] = sa.column(trigrams).op("MATCH", is_comparison=True)(expression)
    return sa.select(index.c.rowid).where(matching)


def _quoted(part: str) -> str:
    doubled = part.replace('"', '""')
    return f'"{doubled}"'
