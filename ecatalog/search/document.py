"""The search text of a row, and the words of a query."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ecatalog.search.fold import fold_words, spellings, split

MAX_WORDS = 32  # more than a person types; each costs one condition
NAME_MARK = "\x1e"  # stands before each word of a row's name; split() leaves none in any other
_LETTERS = re.compile("[a-z]{3,40}")


def document(values: Iterable[object]) -> str:
    """The search text of a row from its searched fields, the name first: their words in every reading."""
    name, *others = (str(value) if value else "" for value in values)
    named = fold_words(name)
    found = [f"{NAME_MARK}{word}" for word in named]
    found += [word for word in fold_words("\n".join(others)) if word not in named]
    return " ".join(found)


def vocabulary(text: str) -> set[str]:
    """The words of a search text that a mistyped one can be taken for: of three letters or more."""
    return set(_LETTERS.findall(text))


def words(query: str) -> list[tuple[str, ...]]:
    """The different words of a query in their spellings; callers refuse more than MAX_WORDS.

    What is left out of search texts, such as a single apostrophe, is no word.
    """
    found = (spellings(word) for word in dict.fromkeys(split(query)))
    return list(dict.fromkeys(spelled for spelled in found if spelled))
