"""Refusals of single rows, in the words of Django REST Framework."""

from __future__ import annotations

from urllib.parse import urlencode

from ecatalog.catalog.filter_fields import NO_PARENT
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.values import Link
from ecatalog.errors import InvalidInput


def no_such_parent(resource: Resource, link: Link) -> InvalidInput:
    """400 on the field that named the parent: it is unknown or deleted."""
    assert resource.parent is not None
    field, value = link
    return InvalidInput({field: [f'No {resource.parent.name} matches "{str(value)[:100]}".']})


def spoken(attribute: str) -> str:
    """An attribute's name as DRF's messages speak of it: ``code_1c`` is "code 1c"."""
    return attribute.replace("_", " ")


def code_taken(resource: Resource, code: str, owner_id: int | None, *, deleted: bool) -> InvalidInput:
    """400 on the code field, in DRF's words; a deleted holder can be restored instead.

    ``owner_id`` is that of the holder's parent, None without one.
    """
    message = f"{resource.name} with this {spoken(resource.code)} already exists."
    if deleted:
        choice = {} if resource.parent is None else {resource.link_column: owner_id or NO_PARENT}
        chosen = urlencode({"code": code, **choice})
        message = (
            f"{message[:-1]}, but it is deleted. To bring it back, use restore: "
            f"POST /api/v1/{resource.name}/by-code/restore/?{chosen}"
        )
    return InvalidInput({resource.code: [message]})
