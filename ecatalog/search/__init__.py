"""Search: from a row's fields to its search text, and from a query to a condition on it.

The engine knows only :func:`document` and :func:`matches`; how text is folded and indexed stays in here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

MAX_WORDS = 32  # more than a person types; each costs one condition

_APOSTROPHES = str.maketrans(dict.fromkeys("ʻʼ‘’`´ʹ", "'"))


def fold(text: str) -> str:
    """Letter case, compatibility forms and the many apostrophes of Uzbek Latin unified."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)


def document(values: Iterable[object]) -> str:
    """The search text of a row: its folded fields, one a line, so that no match runs across two of them."""
    return fold("\n".join(str(value) for value in values if value))


def matches(column: InstrumentedAttribute[str], query: str) -> sa.ColumnElement[bool]:
    """Every word of ``query`` occurs in the search text."""
    return sa.and_(sa.true(), *(column.contains(word, autoescape=True) for word in words(query)))


def words(query: str) -> list[str]:
    """The different words of a query, folded; callers refuse more than MAX_WORDS."""
    return list(dict.fromkeys(fold(query).split()))
