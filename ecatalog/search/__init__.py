"""Search: from a row's fields to its search text, and from a query to conditions on it.

How text is folded and indexed stays in here; the engine knows the functions below. What keeps the indexes
true, and what a search costs, is told in docs/adr/0010.
"""

from __future__ import annotations

from ecatalog.search.conditions import (
    Spellings,
    beginnings,
    contains,
    like,
    name_begins,
    slot_values,
    slots,
    text_begins,
)
from ecatalog.search.document import MAX_WORDS, document, vocabulary, words
from ecatalog.search.tables import SearchTables, attach, tables_of

__all__ = [
    "MAX_WORDS",
    "SearchTables",
    "Spellings",
    "attach",
    "beginnings",
    "contains",
    "document",
    "like",
    "name_begins",
    "slot_values",
    "slots",
    "tables_of",
    "text_begins",
    "vocabulary",
    "words",
]
