"""Valid values for any declared field: some that differ, and the extremes with what is answered for them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow.fields import Field

from ecatalog import fields
from ecatalog.catalog.resource import Resource

LETTERS = "Шʻa я🙂"  # no white space at the ends
_HOST = ".".join(("b" * 63, "c" * 63, "d" * 57, "uz"))


def shown_name(resource: Resource, attribute: str) -> str:
    """The name under which the API takes and shows an attribute."""
    return resource.fields[attribute].data_key or attribute


def writable(resource: Resource) -> dict[str, Field[Any]]:
    """The declared fields by the name that the API shows, but for the code and ``is_deleted``."""
    return {
        field.data_key or name: field
        for name, field in resource.fields.items()
        if name not in (resource.code, "is_deleted")
    }


def samples(field: Field[Any]) -> tuple[Any, Any]:
    """Two different values as answers show them, the smaller one first."""
    if isinstance(field, fields.Email):
        return "anvar@example.com", "бахор@пример.рф"
    if isinstance(field, fields.Url):
        return "https://example.com/", "https://example.com/каталог?a=1"
    if isinstance(field, fields.Text):
        return "Abc 10%", "Абв_20"[: field.max_length]
    if isinstance(field, fields.Boolean):
        return False, True
    if isinstance(field, fields.Integer):
        return 3, 7
    if isinstance(field, fields.Decimals):
        return tuple(field._serialize(Decimal(number), None, None) for number in ("1.25", "3.50"))  # type: ignore[return-value]
    if isinstance(field, fields.Date):
        return "2025-12-31", "2026-02-28"
    if isinstance(field, fields.JSONObject):
        return {"a": 1}, {"b": [None, True, "я"]}
    if isinstance(field, fields.JSONList):
        return ["a"], [{"b": 2}, None, 1.5]
    raise NotImplementedError(f"no samples for {type(field).__name__}")


def extremes(field: Field[Any]) -> list[tuple[Any, Any]]:
    """(what is sent, what is answered) at the edges of what the field takes."""
    if isinstance(field, fields.Email):
        longest = f"{'a' * 64}@{_HOST}"
        return [(longest, longest), ("a+b.c@example.co.uz", "a+b.c@example.co.uz")]
    if isinstance(field, fields.Url):
        longest = "https://example.com/".ljust(field.max_length, "a")
        return [(longest, longest), ("http://localhost:8000/x#y", "http://localhost:8000/x#y")]
    if isinstance(field, fields.RichText):
        return [("<p>Жуда <b>яхши</b></p>", "<p>Жуда <b>яхши</b></p>"), ("a\nb", "a\nb")]
    if isinstance(field, fields.Text):
        longest = (LETTERS * field.max_length)[: field.max_length - 1] + "я"
        return [(longest, longest), ("  a\tb\nc  ", "a\tb\nc"), (12.5, "12.5"), ("0", "0")]
    if isinstance(field, fields.Boolean):
        words: list[tuple[Any, Any]] = [(word, True) for word in (True, 1, "true", "True", "yes", "on", "1")]
        return words + [(word, False) for word in (False, 0, "false", "FALSE", "no", "off", "0")]
    if isinstance(field, fields.Integer):
        assert field.minimum is not None
        assert field.maximum is not None
        edges = [(field.minimum, field.minimum), (field.maximum, field.maximum)]
        return [*edges, ("12", 12), (12.0, 12), ("12.0", 12), (" 7 ", 7)]
    if isinstance(field, fields.Decimals):
        return _decimal_extremes(field)
    if isinstance(field, fields.Date):
        return [("0001-01-01", "0001-01-01"), ("9999-12-31", "9999-12-31"), ("2024-02-29", "2024-02-29")]
    values: tuple[Any, ...]
    if isinstance(field, fields.JSONObject):
        values = ({}, _nested(fields.MAX_JSON_DEPTH), {"": "", "я": [2**63 - 1, -1e18]})
        return [(value, value) for value in values]
    if isinstance(field, fields.JSONList):
        values = ([], [[], {}, None, False, 0, "", 1e-7], ["я" * 1000])
        return [(value, value) for value in values]
    raise NotImplementedError(f"no extremes for {type(field).__name__}")


def _decimal_extremes(field: fields.Decimals) -> list[tuple[Any, Any]]:
    nines = "9" * (field.digits - field.places) + "." + "9" * field.places
    smallest = "0." + "1".rjust(field.places, "0")
    largest = nines if field.maximum is None else f"{field.maximum}"
    lowest = f"-{nines}" if field.minimum is None else f"{field.minimum}"
    shown = {text: field._serialize(Decimal(text), None, None) for text in (largest, smallest, lowest, "1")}
    return [*shown.items(), (1, shown["1"]), (1.0, shown["1"]), ("1e0", shown["1"]), (" 1.0000 ", shown["1"])]


def _nested(depth: int) -> dict[str, Any]:
    value: Any = "deepest"
    for _ in range(depth):
        value = {"level": value}
    assert isinstance(value, dict)
    return value


def wrong(field: Field[Any]) -> list[tuple[Any, str]]:
    """(what is sent, the message of the refusal); every optional field also takes null."""
    texts: tuple[Any, ...]
    number = "A valid number is required."
    if isinstance(field, fields.Boolean):
        message = "Must be a valid boolean."
        texts = ("maybe", 2, [], {}, "", " ")
        return [(value, message) for value in texts]
    if isinstance(field, fields.Integer):
        message = "A valid integer is required."
        assert field.maximum is not None
        assert field.minimum is not None
        too_large = f"Ensure this value is less than or equal to {field.maximum}."
        too_small = f"Ensure this value is greater than or equal to {field.minimum}."
        sizes = [(field.maximum + 1, too_large), (10**30, too_large), ("9" * 400, too_large)]
        sizes += [(field.minimum - 1, too_small), (f"-{'9' * 400}", too_small)]
        texts = ("x", "1.5", 1.5, True, [], {}, "0x10", "١٢", "1_000", "NaN", "Infinity", "1e3")
        return [*sizes, ("9" * 2000, "String value too large."), *((value, message) for value in texts)]
    if isinstance(field, fields.Decimals):
        whole = field.digits - field.places
        places = f"Ensure that there are no more than {field.places} decimal places."
        wide = f"Ensure that there are no more than {whole} digits before the decimal point."
        sizes = [("0." + "1" * (field.places + 1), places), ("1" * (whole + 1), wide), ("1e300", wide)]
        texts = ("x", "1,5", True, [], {}, "NaN", "Infinity", "-inf", "sNaN", "0x10", "--1")
        return [*sizes, *((value, number) for value in texts)]
    if isinstance(field, fields.Date):
        message = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
        texts = (
            "10000-01-01",
            "2025-02-29",
            "2025-13-01",
            "01.02.2025",
            "0000-01-01",
            20250101,
            True,
            [],
            {},
        )
        return [(value, message) for value in (*texts, "2025-01-01T00:00:00Z", "tomorrow")]
    if isinstance(field, (fields.JSONObject, fields.JSONList)):
        return _wrong_json(field)
    if isinstance(field, fields.Text):
        return _wrong_text(field)
    raise NotImplementedError(f"no wrong values for {type(field).__name__}")


def _wrong_json(field: Field[Any]) -> list[tuple[Any, str]]:
    items = "dictionary" if isinstance(field, fields.JSONObject) else "list"
    other: Any = [] if items == "dictionary" else {}
    message = f'Expected a {items} of items but got type "%s".'

    def within(value: Any) -> Any:
        return {"a": value} if items == "dictionary" else [value]

    deep = f"Ensure this value is nested no more than {fields.MAX_JSON_DEPTH} levels deep."
    return [
        (other, message % type(other).__name__),
        ("{}", message % "str"),
        (1, message % "int"),
        (True, message % "bool"),
        (within(_nested(fields.MAX_JSON_DEPTH)), deep),
        (within("x" * fields.MAX_JSON_CHARACTERS), "Ensure this value is no more than 100000 characters."),
        (within("\0"), "Null characters are not allowed."),
        (within({"\0": 1}), "Null characters are not allowed."),
        (within(2**64 - 1), "A valid number is required."),
        (within(1e300), "A valid number is required."),
    ]


def _wrong_text(field: fields.Text) -> list[tuple[Any, str]]:
    not_text: tuple[Any, ...] = (True, [], {}, ["a"])
    kinds = [(value, "Not a valid string.") for value in not_text]
    long = f"Ensure this field has no more than {field.max_length} characters."
    null = ("a\0b", "Null characters are not allowed.")
    if isinstance(field, fields.Email):
        bad = ("x", "@", "a@", "a b@example.com", "a@b@c.uz", "mailto:a@example.com")
        return [*kinds, null, *((value, "Enter a valid email address.") for value in bad)]
    if isinstance(field, fields.Url):
        bad = (
            "x",
            "example.com",
            "javascript:alert(1)",
            "ftp://example.com/",
            "//example.com",
            "data:text/html,x",
        )
        return [*kinds, null, *((value, "Enter a valid URL.") for value in bad)]
    return [*kinds, null, ("я" * (field.max_length + 1), long)]
