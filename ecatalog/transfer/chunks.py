"""Rows that were read and checked, in chunks; and the file in which they wait for a decision about all."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from ecatalog.catalog.bulk import Outcome
from ecatalog.transfer.rows import SourceRow, TooManyRows

MAX_ROWS_AT_ONCE = 200_000


@dataclass(slots=True)
class Loaded:
    """A row that was read: its values, or the outcome that its errors have made already."""

    row: SourceRow
    values: dict[str, Any] | None
    outcome: Outcome | None


Chunk = list[Loaded]


def good_values(chunk: Chunk) -> list[dict[str, Any]]:
    """The values of the rows that have no errors."""
    return [loaded.values for loaded in chunk if loaded.values is not None]


def spool(chunks: Iterable[Chunk], file: IO[bytes]) -> Iterator[Chunk]:
    """The same chunks, once they are in the file. Raises TooManyRows."""
    count = 0
    for chunk in chunks:
        count += len(chunk)
        if count > MAX_ROWS_AT_ONCE:
            raise TooManyRows(
                f"At most {MAX_ROWS_AT_ONCE} rows can be decided at once (on_error=reject, dry_run). "
                "Nothing was written."
            )
        pickle.dump(chunk, file, protocol=pickle.HIGHEST_PROTOCOL)
        yield chunk


def unspool(file: IO[bytes]) -> Iterator[Chunk]:
    """The chunks from the file's beginning."""
    file.seek(0)
    while True:
        try:
            chunk: Chunk = pickle.load(file)  # noqa: S301  # nosec B301 - our own, in a file with no name
        except EOFError:
            return
        yield chunk
