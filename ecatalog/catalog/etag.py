"""Entity tags, and the conditional headers of RFC 9110."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from ecatalog.catalog.resource import Resource
from ecatalog.errors import PreconditionFailed

_TAG = re.compile(r'\s*(?:W/)?"([^"]*)"\s*')


def row_etag(resource: Resource, row: Any, end: str | None = None) -> str:
    """A row's tag: its own tick, that of the parent that it shows, and how its children are shown.

    ``end``: what :func:`end_of_tags` says, from who has asked it before.
    """
    parent = None if resource.parent is None else getattr(row, resource.parent.name)
    return tag_of(resource, row.tick, None if parent is None else parent.tick, end)


def tag_of(resource: Resource, tick: int, parent_tick: int | None, end: str | None = None) -> str:
    """As :func:`row_etag`, of the ticks alone."""
    ticks = f"{tick:x}" if resource.parent is None else f"{tick:x}-{parent_tick or 0:x}"
    return ticks + (end_of_tags(resource) if end is None else end)


def end_of_tags(resource: Resource) -> str:
    """How the present application's settings have the children of all rows shown."""
    return "".join(f"-{nested.version()}" for nested in resource.nested)


def digest(*parts: object) -> str:
    """A short tag over everything an answer depends on."""
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def tags_of(header: str | None) -> frozenset[str] | None:
    """The tags that ``If-Match`` or ``If-None-Match`` lists, ``*`` among them; None without a header.

    A weak mark is ignored: nginx weakens our tags when it compresses.
    """
    if header is None:
        return None
    if header.strip() == "*":
        return frozenset("*")
    return frozenset(match.group(1) for match in map(_TAG.fullmatch, header.split(",")) if match)


def holds(tags: frozenset[str], current: str) -> bool:
    return "*" in tags or current in tags


def check_if_match(tags: frozenset[str] | None, current: str) -> None:
    """Raises PreconditionFailed when ``If-Match`` was sent and does not hold."""
    if tags is not None and not holds(tags, current):
        raise PreconditionFailed()
