"""What all fields share."""

from __future__ import annotations

import copy
from typing import Any

from marshmallow.fields import Field

INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1

COMMON_MESSAGES = {
    "required": "This field is required.",
    "null": "This field may not be null.",
    "validator_failed": "Invalid value.",
}


def variant(field: Field[Any], **changes: Any) -> Field[Any]:
    """A copy of a field with other attributes: ``variant(field, required=False)``."""
    twin = copy.copy(field)
    twin.metadata = dict(field.metadata)
    for name, value in changes.items():
        setattr(twin, name, value)
    return twin


def described(kwargs: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """Field arguments whose metadata, for the OpenAPI document, is completed by ``defaults``."""
    return {**kwargs, "metadata": {**defaults, **(kwargs.get("metadata") or {})}}
