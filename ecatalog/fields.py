"""marshmallow fields that accept, refuse and word their refusals as Django REST Framework does.

Existing clients show these messages to people, so their wording is part of the HTTP contract. Every field
keeps out what a database or a JSON writer cannot take (NUL, lone surrogates, NaN, numbers that do not fit).
"""

from __future__ import annotations

import copy
import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import nh3
from marshmallow import ValidationError, fields, validate
from marshmallow.fields import Field

MAX_JSON_DEPTH = 20
MAX_JSON_CHARACTERS = 100_000
MAX_TEXT_CHARACTERS = 100_000
INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1
MAX_JSON_NUMBER = 2**63 - 1  # in a JSON value; floats may be no larger, either

COMMON_MESSAGES = {
    "required": "This field is required.",
    "null": "This field may not be null.",
    "validator_failed": "Invalid value.",
}

_TRUE = {"t", "y", "yes", "true", "on", "1"}
_FALSE = {"f", "n", "no", "false", "off", "0"}


def variant(field: Field[Any], **changes: Any) -> Field[Any]:
    """A copy of a field with other attributes: ``variant(field, required=False)``."""
    twin = copy.copy(field)
    twin.metadata = dict(field.metadata)
    for name, value in changes.items():
        setattr(twin, name, value)
    return twin


def _described(kwargs: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """Field arguments whose metadata, for the OpenAPI document, is completed by ``defaults``."""
    return {**kwargs, "metadata": {**defaults, **(kwargs.get("metadata") or {})}}


def check_characters(text: str) -> str:
    """Refuse what PostgreSQL and UTF-8 can't hold. Returns the text; raises ValidationError."""
    if "\x00" in text:
        raise ValidationError("Null characters are not allowed.")
    surrogate = (
        next((char for char in text if "\ud800" <= char <= "\udfff"), None) if not text.isascii() else None
    )
    if surrogate:
        raise ValidationError(f"Surrogate characters are not allowed: U+{ord(surrogate):X}.")
    return text


class Text(fields.String):
    """Text, trimmed. An optional field takes ``null`` or ``""`` for "nothing", which reads back as null."""

    default_error_messages = {
        **COMMON_MESSAGES,
        "blank": "This field may not be blank.",
        "invalid": "Not a valid string.",
        "max_length": "Ensure this field has no more than {limit} characters.",
    }

    def __init__(self, max_length: int = MAX_TEXT_CHARACTERS, **kwargs: Any) -> None:
        kwargs.setdefault("allow_none", not kwargs.get("required", False))
        bounds = (
            {"maxLength": max_length} if kwargs["allow_none"] else {"maxLength": max_length, "minLength": 1}
        )
        super().__init__(**_described(kwargs, **bounds))
        self.max_length = max_length

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise self.make_error("invalid")
        text = self.clean(check_characters(str(value)).strip())
        if not text:
            if self.allow_none:
                return None
            raise self.make_error("blank")
        if len(text) > self.max_length:
            raise self.make_error("max_length", limit=self.max_length)
        return text

    def clean(self, text: str) -> str:
        """Hook for subclasses: normalise or check the trimmed text."""
        return text


class Code(Text):
    """A 1C code: any printable text."""

    default_error_messages = {"unprintable": "Control characters are not allowed in a code."}

    def clean(self, text: str) -> str:
        if any(unicodedata.category(char) == "Cc" for char in text):
            raise self.make_error("unprintable")
        return text


class RichText(Text):
    """HTML that is sanitised on the way in, so that no stored value can run script in a page."""

    def clean(self, text: str) -> str:
        return nh3.clean(text)


class Email(Text):
    default_error_messages = {"email": "Enter a valid email address."}
    _validate_email = validate.Email()

    def clean(self, text: str) -> str:
        if text:
            try:
                self._validate_email(text)
            except ValidationError as error:
                raise self.make_error("email") from error
        return text


class Url(Text):
    """An absolute http or https address; other schemes could run script when a page links to them."""

    default_error_messages = {"url": "Enter a valid URL."}
    _validate_url = validate.URL(schemes={"http", "https"}, require_tld=False)

    def clean(self, text: str) -> str:
        if text:
            try:
                self._validate_url(text)
            except ValidationError as error:
                raise self.make_error("url") from error
        return text


class Choice(Text):
    default_error_messages = {"invalid_choice": '"{input}" is not a valid choice.'}

    def __init__(self, choices: tuple[str, ...], **kwargs: Any) -> None:
        nullable = kwargs.setdefault("allow_none", not kwargs.get("required", False))
        super().__init__(**_described(kwargs, enum=[*choices, None] if nullable else list(choices)))
        self.choices = choices

    def clean(self, text: str) -> str:
        if text and text not in self.choices:
            raise self.make_error("invalid_choice", input=text[:100])
        return text


class Boolean(fields.Boolean):
    default_error_messages = {**COMMON_MESSAGES, "invalid": "Must be a valid boolean."}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, (bool, int, float)) and value in (0, 1):
            return bool(value)
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in _TRUE | _FALSE:
            raise self.make_error("invalid")
        return word in _TRUE


class _Number(Field[Any]):
    """What numbers share: bounds, worded as DRF words them; blank text is null where null is allowed."""

    default_error_messages = {
        **COMMON_MESSAGES,
        "invalid": "A valid number is required.",
        "max_value": "Ensure this value is less than or equal to {limit}.",
        "min_value": "Ensure this value is greater than or equal to {limit}.",
        "too_long": "String value too large.",
    }

    def __init__(self, minimum: int | None = None, maximum: int | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("allow_none", not kwargs.get("required", False))
        super().__init__(**kwargs)
        self.minimum = minimum
        self.maximum = maximum

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str):
            value = value.strip()
            if not value and self.allow_none:
                return None
            if len(value) > 1000:
                raise self.make_error("too_long")
        if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
            raise self.make_error("invalid")
        number = self.parse(value)
        if self.maximum is not None and number > self.maximum:
            raise self.make_error("max_value", limit=self.maximum)
        if self.minimum is not None and number < self.minimum:
            raise self.make_error("min_value", limit=self.minimum)
        return number

    def parse(self, value: str | int | float | Decimal) -> Any:
        raise NotImplementedError


class Integer(_Number):
    """A whole number; ``12.0`` and ``"12"`` count as 12."""

    default_error_messages = {"invalid": "A valid integer is required."}
    _pattern = re.compile(r"[+-]?[0-9]+(?:\.0*)?", re.ASCII)

    def __init__(self, minimum: int = -INT32_MAX - 1, maximum: int = INT32_MAX, **kwargs: Any) -> None:
        super().__init__(minimum, maximum, **_described(kwargs, minimum=minimum, maximum=maximum))

    def parse(self, value: str | int | float | Decimal) -> int:
        if isinstance(value, float) and not math.isfinite(value):
            raise self.make_error("invalid")
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        if not self._pattern.fullmatch(text):
            raise self.make_error("invalid")
        return int(text.split(".")[0])


class Decimals(_Number):
    """An exact decimal of ``digits`` digits, ``places`` of them behind the point; a string in JSON.

    ``shown_places`` is the least number of places in answers: a stock of 12, kept with three places, reads
    "12.00".
    """

    default_error_messages = {
        "max_digits": "Ensure that there are no more than {limit} digits in total.",
        "max_decimal_places": "Ensure that there are no more than {limit} decimal places.",
        "max_whole_digits": "Ensure that there are no more than {limit} digits before the decimal point.",
    }

    def __init__(
        self,
        digits: int,
        places: int,
        *,
        shown_places: int | None = None,
        minimum: int | None = None,
        maximum: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(minimum, maximum, **kwargs)
        self.digits = digits
        self.places = places
        self.shown_places = places if shown_places is None else shown_places

    def parse(self, value: str | int | float | Decimal) -> Decimal:
        try:
            number = Decimal(str(value))
        except InvalidOperation as error:
            raise self.make_error("invalid") from error
        if not number.is_finite():
            raise self.make_error("invalid")
        return self._check_size(number)

    def _check_size(self, number: Decimal) -> Decimal:
        _sign, digits, exponent = number.normalize().as_tuple()
        assert isinstance(exponent, int)  # finite, checked by the caller
        places = max(-exponent, 0)
        whole = max(len(digits) + exponent, 0) if any(digits) else 0
        if whole + places > self.digits and places <= self.places and whole <= self.digits - self.places:
            raise self.make_error("max_digits", limit=self.digits)
        if places > self.places:
            raise self.make_error("max_decimal_places", limit=self.places)
        if whole > self.digits - self.places:
            raise self.make_error("max_whole_digits", limit=self.digits - self.places)
        return number.quantize(Decimal(1).scaleb(-self.places))

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        if value is None:
            return None
        text = f"{Decimal(value):.{self.places}f}"
        surplus = self.places - self.shown_places
        while surplus > 0 and text.endswith("0"):
            text = text[:-1]
            surplus -= 1
        return text


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
