"""Booleans, whole numbers and exact decimals."""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from marshmallow import fields
from marshmallow.fields import Field

from ecatalog.fields.common import COMMON_MESSAGES, INT32_MAX, INT64_MAX, described

_TRUE = {"t", "y", "yes", "true", "on", "1"}
_FALSE = {"f", "n", "no", "false", "off", "0"}


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
        super().__init__(minimum, maximum, **described(kwargs, minimum=minimum, maximum=maximum))

    def parse(self, value: str | int | float | Decimal) -> int:
        if isinstance(value, float) and not math.isfinite(value):
            raise self.make_error("invalid")
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        if not self._pattern.fullmatch(text):
            raise self.make_error("invalid")
        return int(text.split(".")[0])


class Count(Integer):
    """How many: any number, since what is too large for the answer counts as the largest that is not."""

    def __init__(self, minimum: int = 1, **kwargs: Any) -> None:
        _Number.__init__(self, minimum, None, **described(kwargs, minimum=minimum))

    def parse(self, value: str | int | float | Decimal) -> int:
        return min(super().parse(value), INT64_MAX)


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

    # Decimal() takes more for a number than anybody means by one: "1_2", digits of any script, "NaN".
    _pattern = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.ASCII | re.IGNORECASE)

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
        if not self._pattern.fullmatch(text := str(value)):
            raise self.make_error("invalid")
        try:
            number = Decimal(text)
        except InvalidOperation as error:  # an exponent beyond all bounds
            raise self.make_error("invalid") from error
        return self._check_size(number)

    def _check_size(self, number: Decimal) -> Decimal:
        if not number:
            number = Decimal(0)  # neither -0 nor 0E+999
        _sign, digits, exponent = number.as_tuple()
        assert isinstance(exponent, int)  # finite, checked by the caller
        significant = "".join(map(str, digits)).rstrip("0")
        places = max(-exponent - len(digits) + len(significant), 0)
        whole = max(len(digits) + exponent, 0)
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
