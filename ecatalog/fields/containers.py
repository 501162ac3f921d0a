"""JSON objects and lists."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError
from marshmallow.fields import Field

from ecatalog.fields.common import COMMON_MESSAGES, INT64_MAX
from ecatalog.fields.texts import check_characters

MAX_JSON_DEPTH = 20
MAX_JSON_CHARACTERS = 100_000
MAX_JSON_NUMBER = INT64_MAX  # floats may be no larger, either


def _check_json(value: Any, depth: int = 0) -> None:
    if depth > MAX_JSON_DEPTH:
        raise ValidationError(f"Ensure this value is nested no more than {MAX_JSON_DEPTH} levels deep.")
    if isinstance(value, str):
        check_characters(value)
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            check_characters(str(key))
            _check_json(entry, depth + 1)
    elif isinstance(value, list):
        for entry in value:
            _check_json(entry, depth + 1)
    elif isinstance(value, (int, float)) and not (math.isfinite(value) and abs(value) <= MAX_JSON_NUMBER):
        raise ValidationError("A valid number is required.")


class _JSONValue(Field[Any]):
    """A JSON container; null counts as an empty one."""

    kind: type
    default_error_messages = {
        **COMMON_MESSAGES,
        "too_long": "Ensure this value is no more than {limit} characters.",
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("allow_none", True)
        super().__init__(**kwargs)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        return super().deserialize(self.kind() if value is None else value, attr, data, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, self.kind):
            raise self.make_error("invalid", kind=type(value).__name__)
        _check_json(value)
        if len(str(value)) > MAX_JSON_CHARACTERS:
            raise self.make_error("too_long", limit=MAX_JSON_CHARACTERS)
        return value


class JSONObject(_JSONValue):
    kind = dict
    default_error_messages = {"invalid": 'Expected a dictionary of items but got type "{kind}".'}


class JSONList(_JSONValue):
    kind = list
    default_error_messages = {"invalid": 'Expected a list of items but got type "{kind}".'}
