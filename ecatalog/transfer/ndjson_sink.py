"""Rows as NDJSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson


def ndjson_lines(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """One line of UTF-8 a row, its end included."""
    for row in rows:
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
