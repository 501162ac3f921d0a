"""Search: from a row's fields to its search text, and from a query to a condition on it.

The engine knows only :func:`document` and :func:`matches`; how text is folded and indexed stays in here.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from ecatalog.search.fold import fold, spellings, split

MAX_WORDS = 32  # more than a person types; each costs one condition


def document(values: Iterable[object]) -> str:
    """The search text of a row: the words of its fields in every reading."""
    return fold("\n".join(str(value) for value in values if value))


def matches(column: InstrumentedAttribute[str], query: str) -> sa.ColumnElement[bool]:
    """Every word of ``query`` occurs in the search text, in one of its spellings."""
    return sa.and_(
        sa.true(),
        *(
            sa.or_(*(column.contains(spelling, autoescape=True) for spelling in spelled))
            for spelled in words(query)
        ),
    )


def words(query: str) -> list[tuple[str, ...]]:
    """The different words of a query in their spellings; callers refuse more than MAX_WORDS.

    What is left out of search texts, such as a single apostrophe, is no word.
    """
    found = (spellings(word) for word in dict.fromkeys(split(query)))
    return list(dict.fromkeys(spelled for spelled in found if spelled))
