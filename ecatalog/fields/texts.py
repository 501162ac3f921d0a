"""Texts of all kinds, and what no text may hold."""

from __future__ import annotations

import unicodedata
from typing import Any

import nh3
from marshmallow import ValidationError, fields, validate

from ecatalog.fields.common import COMMON_MESSAGES, described

MAX_TEXT_CHARACTERS = 100_000
MAX_TAGS = 5_000  # a table of a thousand cells has fewer
_UNPRINTABLE = {"Cc", "Cf", "Cn", "Co", "Zl", "Zp"}  # control, format, unassigned, private, separators


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
        super().__init__(**described(kwargs, **bounds))
        self.max_length = max_length

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise self.make_error("invalid")
        given = check_characters(str(value)).strip()
        if len(given) > self.max_length:  # before it is looked at any closer, which may take long
            raise self.make_error("max_length", limit=self.max_length)
        text = self.clean(given)
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
        if any(unicodedata.category(char) in _UNPRINTABLE for char in text):
            raise self.make_error("unprintable")
        return text


class RichText(Text):
    """HTML that is sanitised on the way in, so that no stored value can run script in a page."""

    default_error_messages = {"tags": "Ensure this field has no more than {limit} tags."}

    def clean(self, text: str) -> str:
        if text.count("<") > MAX_TAGS:  # nested ones take time by the square of their number
            raise self.make_error("tags", limit=MAX_TAGS)
        return nh3.clean(text).strip()  # what is left of a removed element may begin with a space


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
        super().__init__(**described(kwargs, enum=[*choices, None] if nullable else list(choices)))
        self.choices = choices

    def clean(self, text: str) -> str:
        if text and text not in self.choices:
            raise self.make_error("invalid_choice", input=text[:100])
        return text
