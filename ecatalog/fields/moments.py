"""Dates and timestamps."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from marshmallow import fields

from ecatalog.fields.common import COMMON_MESSAGES


class Date(fields.Date):
    default_error_messages = {
        **COMMON_MESSAGES,
        "invalid": "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.",
    }
    _pattern = re.compile(r"\d{4}-\d{1,2}-\d{1,2}", re.ASCII)

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("allow_none", not kwargs.get("required", False))
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and not value.strip() and self.allow_none:
            return None
        if not isinstance(value, str) or not self._pattern.fullmatch(value.strip()):
            raise self.make_error("invalid")
        year, month, day = (int(part) for part in value.strip().split("-"))
        try:
            return date(year, month, day)
        except ValueError as error:
            raise self.make_error("invalid") from error


class Timestamp(fields.Field[Any]):
    """An instant; read-only in rows. RFC 3339 in UTC, ``2026-01-31T09:30:00.123456Z``."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else format_timestamp(value)


def format_timestamp(value: datetime) -> str:
    """RFC 3339 in UTC with a ``Z``."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
