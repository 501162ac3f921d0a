"""Rows of cells under a header, as rows of values: what CSV and Excel share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ecatalog.transfer.cells import CellError, Converter, converter, is_empty
from ecatalog.transfer.columns import Column, Header
from ecatalog.transfer.rows import SourceRow

_ABSENT = object()


class Table:
    """Turns rows of cells into SourceRows, counting them.

    An empty cell says "nothing": null for a field that may be null, so that an export that is imported again
    changes nothing. A required field gets ``""``, which its schema refuses by name; a field that is neither
    (``is_active``) stays as it is, as a field whose column is missing does.
    """

    def __init__(self, header: Header) -> None:
        self._columns: list[tuple[int, str, Converter, Any]] = []
        self._index = 0
        self.use(header)

    def use(self, header: Header) -> None:
        """The rows from here on stand under this header."""
        self._columns = [
            (column.position, column.name, converter(column.field), _when_empty(column))
            for column in header.columns
        ]

    def take_index(self) -> int:
        """The next row's index, for a row that does not come from here."""
        self._index += 1
        return self._index - 1

    def row(self, cells: Sequence[Any], line: int, sheet: str | None = None) -> SourceRow | None:
        """The next row, or None when all its columns are empty. Cells behind the last one are empty."""
        values: dict[str, Any] = {}
        filled = False
        errors: dict[str, list[str]] | None = None
        width = len(cells)
        for position, name, convert, empty in self._columns:
            cell = cells[position] if position < width else None
            if is_empty(cell):
                if empty is not _ABSENT:
                    values[name] = empty
                continue
            filled = True
            try:
                values[name] = convert(cell)
            except CellError as error:
                errors = {**(errors or {}), name: [str(error)]}
        return SourceRow(self.take_index(), line, values, errors, sheet) if filled else None


def _when_empty(column: Column) -> Any:
    if column.field.allow_none:
        return None
    return "" if column.field.required else _ABSENT
