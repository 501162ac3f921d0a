"""The query parameters that ask for a search."""

from __future__ import annotations

from typing import Any

from marshmallow.fields import Field

from ecatalog import fields, search

MAX_LENGTH = 500  # characters


class SearchText(fields.Text):
    """What to search for; no more words than can be looked for at once."""

    default_error_messages = {"words": "Ensure this field has no more than {limit} words."}

    def clean(self, text: str) -> str:
        if len(search.words(text)) > search.MAX_WORDS:
            raise self.make_error("words", limit=search.MAX_WORDS)
        return text


def of_lists(searched: tuple[str, ...], exact: tuple[str, ...]) -> dict[str, Field[Any]]:
    """``search`` and ``fuzzy``; the attributes that are searched, and those that come first when exact."""
    text = (
        f"Every word must occur in one of: {', '.join(searched)}; in Latin or Cyrillic letters, Uzbek or "
        f"Russian. Without `ordering`, rows whose {' or '.join(exact)} is just this come first, then those "
        "whose name has words that begin so, then the rest; newest first in each."
    )
    described = {"description": text, "example": "shokolad"}
    return {"search": SearchText(MAX_LENGTH, metadata=described), "fuzzy": fuzzy()}


def typed() -> Field[Any]:
    """``q`` of suggestions."""
    described = {"description": "What has been typed so far.", "example": "shok"}
    return SearchText(MAX_LENGTH, metadata=described)


def fuzzy() -> Field[Any]:
    """Whether a search that nothing matches may be corrected."""
    return fields.Boolean(
        metadata={
            "description": "Off: a search that nothing matches is not tried again with the nearest words.",
            "default": True,
        }
    )
