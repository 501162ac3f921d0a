"""Entity tags, and the conditional headers of RFC 9110."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from ecatalog.catalog.resource import Resource
from ecatalog.errors import PreconditionFailed

_TAG = re.compile(r'\s*(?:W/)?"([^"]*)"\s*')


def row_etag(resource: Resource, row: Any) -> str:
    """A row's tag: its own tick, that of the parent that it shows, and how its children are shown."""
    parent = None if resource.parent is None else getattr(row, resource.parent.name)
    return tag_of(resource, row.tick, None if parent is None else parent.tick)


def tag_of(resource: Resource, tick: int, parent_tick: int | None) -> str:
    """As :func:`row_etag`, of the ticks alone."""
    ticks = [tick] if resource.parent is None else [tick, parent_tick or 0]
    return "-".join([*(f"{one:x}" for one in ticks), *(nested.version() for nested in resource.nested)])


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
