"""Schemas that load what was sent and no more: rows have some fifty fields, and marshmallow asks each."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import marshmallow as ma

from ecatalog.errors import InvalidInput, flatten_messages
from ecatalog.memory import Memory

_narrowed = Memory[ma.Schema](256)  # some ten kB each
_sent_before = Memory[bool](1024)


@cache
def _made(schema: type[ma.Schema]) -> ma.Schema:
    return schema()


def instance_of(schema: Any) -> Any:
    """One instance of a schema class: making it copies every field."""
    return _made(schema) if isinstance(schema, type) else schema


@cache
def _always(schema: type[ma.Schema]) -> frozenset[str]:
    """The fields that have a say where they are not sent."""
    fields = _made(schema).fields.items()
    return frozenset(name for name, field in fields if field.required or field.load_default is not ma.missing)


def narrowed(schema: Any, sent: Iterable[str]) -> Any:
    """The schema with those fields alone that were sent, or that count where they are not.

    Made when the same ones come a second time: to make one takes four times what it saves.
    """
    if not isinstance(schema, type):
        return schema
    sent, always = set(sent), _always(schema)
    fields = _made(schema).fields.items()
    wanted = tuple(name for name, field in fields if name in always or (field.data_key or name) in sent)
    key = schema, wanted
    found = _narrowed.get(key)
    if found is None:
        if not _sent_before.get(key):
            _sent_before.put(key, True)
            return _made(schema)
        found = schema(only=wanted)
        found.declared_fields = found.fields  # copies of all fifty, which nobody looks at any more
        _narrowed.put(key, found)
    return found


def load_body(schema: Any, sent: dict[str, Any]) -> Any:
    """The values of a body; unknown fields are ignored. Raises InvalidInput."""
    try:
        return narrowed(schema, sent).load(sent, unknown=ma.EXCLUDE)
    except ma.ValidationError as error:
        raise InvalidInput(flatten_messages(error.messages)) from error
