"""What every source yields, and how it says that a file cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

NOT_AN_OBJECT = "Invalid data. Expected a dictionary, but got {kind}."


class SourceError(Exception):
    """The file cannot be read (any further); the message is for the person who sent it."""


class TooManyRows(SourceError):
    """More rows than may come in one body; the message names the way for more."""


@dataclass(slots=True)  # not frozen: that would make each of a million rows three times as dear
class SourceRow:
    """One row as its source gives it.

    index   place among the rows of the source, from 0
    line    line of the file or row of the sheet, from 1; None where the source has no lines
    values  values by API field name, ready for the resource's write schema
    errors  messages by field (``non_field_errors`` for the row as a whole) when it cannot be read
    sheet   name of the sheet, where the source has sheets

    A row with errors must not be written; its values, where there are any, are for the report.
    """

    index: int
    line: int | None
    values: dict[str, Any] | None
    errors: dict[str, list[str]] | None = None
    sheet: str | None = None


@dataclass
class SourceInfo:
    """What a source learns of its file besides rows; hand one in, and look at it once rows arrive.

    extra_columns   headers of columns that are no field and are ignored
    skipped_sheets  sheets with no header like that of the first sheet
    total_rows      about how many rows there are, blank ones included; None when unknown
    """

    extra_columns: list[str] = field(default_factory=list)
    skipped_sheets: list[str] = field(default_factory=list)
    total_rows: int | None = None


Rows = Iterator[SourceRow]


def unreadable(index: int, line: int | None, message: str, sheet: str | None = None) -> SourceRow:
    """A row of which nothing could be read."""
    return SourceRow(index, line, None, {"non_field_errors": [message]}, sheet)


def json_row(index: int, line: int | None, value: Any) -> SourceRow:
    """A row from a decoded JSON value, which must be an object."""
    if not isinstance(value, dict):
        return unreadable(index, line, NOT_AN_OBJECT.format(kind=type(value).__name__))
    return SourceRow(index, line, value)
