"""Fields of query parameters that no body has."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from marshmallow.fields import Field

from ecatalog import fields
from ecatalog.config import current_settings

NO_PARENT = "null"


class Moment(Field[Any]):
    """A date (that whole day in TIMEZONE) or an RFC 3339 timestamp; loads as (first instant, one after)."""

    default_error_messages = {
        **fields.COMMON_MESSAGES,
        "invalid": "Date has wrong format. Use one of these formats instead: "
        "YYYY-MM-DD, YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
    }
    _day = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
    _instant = re.compile(
        r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+\- ]\d{2}:?\d{2})?", re.ASCII
    )

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> tuple[datetime, datetime]:
        text = str(value).strip()
        zone = current_settings().timezone
        try:
            if self._day.fullmatch(text):
                day = date.fromisoformat(text)
                start = datetime.combine(day, time(), zone)
                return start.astimezone(UTC), datetime.combine(
                    day + timedelta(days=1), time(), zone
                ).astimezone(UTC)
            if self._instant.fullmatch(text):
                # A "+" that was not percent-encoded arrives as a space.
                instant = datetime.fromisoformat(re.sub(r" (\d{2}:?\d{2})$", r"+\1", text).upper())
                instant = (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)
                return instant, instant + timedelta(microseconds=1)
        except (ValueError, OverflowError) as error:
            raise self.make_error("invalid") from error
        raise self.make_error("invalid")


class ParentId(fields.Integer):
    """A parent's id, or the word ``null`` for rows that have none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(minimum=0, maximum=fields.INT64_MAX, **kwargs)
        self.metadata = {"description": kwargs["metadata"]["description"], "anyOf": _PARENT_ID_TYPES}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return NO_PARENT if value == NO_PARENT else super()._deserialize(value, attr, data, **kwargs)


_PARENT_ID_TYPES = [
    {"type": "integer", "minimum": 0, "format": "int64"},
    {"type": "string", "const": NO_PARENT},
]
