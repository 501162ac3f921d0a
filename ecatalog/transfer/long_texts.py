"""Texts that are too long for a cell: how a workbook of ours carries them without loss.

A cell takes 32,767 characters, a field 100,000. A longer text goes in pieces to a sheet of its own, and its
cell says which one it is; rows may be sorted, moved or deleted without harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ecatalog.transfer.rows import SourceError

SHEET = "Long texts"
HEADER = ["number", "part", "text"]
MAX_CELL_UNITS = 32_767  # UTF-16
PART_CHARACTERS = 16_000  # at most 32,000 units
MAX_CHARACTERS_IN_ALL = 16 * 1024 * 1024

_REFERENCE = re.compile(r"→ Long texts: (\d{1,9})")


def reference(number: int) -> str:
    """What the cell holds instead of the text."""
    return f"→ {SHEET}: {number}"


def needs_own_sheet(text: str) -> bool:
    """Too long, or a text that would be taken for a reference."""
    if len(text) > MAX_CELL_UNITS // 2 and len(text.encode("utf-16-le")) // 2 > MAX_CELL_UNITS:
        return True
    return text.startswith("→") and _REFERENCE.fullmatch(text) is not None


def parts(text: str) -> list[str]:
    return [text[start : start + PART_CHARACTERS] for start in range(0, len(text), PART_CHARACTERS)]


class LongTexts:
    """The long texts of a workbook that is read. Raises SourceError for more than may be held."""

    def __init__(self, rows: Iterable[tuple[int, list[Any]]] = ()) -> None:
        pieces: dict[int, dict[int, str]] = {}
        size = 0
        for line, cells in rows:
            try:
                number, part, text = int(cells[0]), int(cells[1]), str(cells[2])
            except (ValueError, TypeError, IndexError) as error:
                raise SourceError(
                    f'Row {line} of the sheet "{SHEET}" is not number, part and text.'
                ) from error
            size += len(text)
            if size > MAX_CHARACTERS_IN_ALL:
                raise SourceError(f'The sheet "{SHEET}" holds too much text. Use NDJSON or CSV instead.')
            pieces.setdefault(number, {})[part] = text
        self._texts = {
            number: "".join(found[part] for part in sorted(found)) for number, found in pieces.items()
        }

    def __bool__(self) -> bool:
        return bool(self._texts)

    def restore(self, cells: list[Any]) -> None:
        """Put the texts back where cells refer to them."""
        for position, cell in enumerate(cells):
            if isinstance(cell, str) and cell.startswith("→") and (found := _REFERENCE.fullmatch(cell)):
                cells[position] = self._texts.get(int(found[1]), cell)
