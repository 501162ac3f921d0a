"""marshmallow fields that accept, refuse and word their refusals as Django REST Framework does.

Existing clients show these messages to people, so their wording is part of the HTTP contract. Every field
keeps out what a database or a JSON writer cannot take (NUL, lone surrogates, NaN, numbers that do not fit).
"""

from __future__ import annotations

from ecatalog.fields.common import COMMON_MESSAGES, INT32_MAX, INT64_MAX, variant
from ecatalog.fields.containers import MAX_JSON_CHARACTERS, MAX_JSON_DEPTH, JSONList, JSONObject
from ecatalog.fields.moments import Date, Timestamp, format_timestamp
from ecatalog.fields.numbers import Boolean, Count, Decimals, Integer
from ecatalog.fields.texts import (
    MAX_TEXT_CHARACTERS,
    Choice,
    Code,
    Email,
    RichText,
    Text,
    Url,
    check_characters,
)

__all__ = [
    "COMMON_MESSAGES",
    "INT32_MAX",
    "INT64_MAX",
    "MAX_JSON_CHARACTERS",
    "MAX_JSON_DEPTH",
    "MAX_TEXT_CHARACTERS",
    "Boolean",
    "Choice",
    "Code",
    "Count",
    "Date",
    "Decimals",
    "Email",
    "Integer",
    "JSONList",
    "JSONObject",
    "RichText",
    "Text",
    "Timestamp",
    "Url",
    "check_characters",
    "format_timestamp",
    "variant",
]
