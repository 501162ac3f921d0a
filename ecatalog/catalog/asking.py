"""Lists as requests ask for them: inside the application, and before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import Request, current_app
from werkzeug.sansio.utils import get_current_url

from ecatalog.catalog.building import ListRequest, can_be_built_at_once
from ecatalog.catalog.listing import Answer, page_at_once, was_shown
from ecatalog.catalog.resource import Resource
from ecatalog.smorest import Blueprint, Schema

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_ADDRESSES_REMEMBERED = 512


def base_url(request: Request) -> str:
    """The absolute address of the present path, as the client sees it."""
    return _address(request.scheme, request.host, request.root_path, request.path)


@lru_cache(_ADDRESSES_REMEMBERED)
def _address(scheme: str, host: str, root_path: str, path: str) -> str:
    """What ``request.base_url`` is, which is put together from its parts again and again."""
    return get_current_url(scheme, host, root_path, path)


def list_request(request: Request, values: Mapping[str, Any]) -> ListRequest:
    """A request for a list, whose query was loaded."""
    return ListRequest(values, base_url(request), list(request.args.items(multi=True)))


@dataclass(frozen=True)
class ListsAtHand:
    """Lists of a route, whose pages can be told outside of it, and whether anybody may have them."""

    resource: Resource
    parameters: type[Schema]
    route: str
    for_anyone: bool

    def asked(self, environ: WSGIEnvironment) -> ListRequest | None:
        """What is asked for; None where it is a search, or may lie ready. Needs an application at hand.

        Raises InvalidInput for parameters that cannot be loaded.
        """
        request = current_app.request_class(environ)
        values = Blueprint.ARGUMENTS_PARSER.parse(self.parameters, request, location="query")
        if not can_be_built_at_once(values):
            return None
        asked = list_request(request, values)
        return None if was_shown(self.resource, asked) else asked

    def answer(self, asked: ListRequest) -> Answer | None:
        """The page, where it was told at once. Needs an application at hand. Raises InvalidInput."""
        return page_at_once(self.resource, asked)
