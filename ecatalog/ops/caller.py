"""Who sent the current request, as limits and logs see it."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from flask import request
from werkzeug.exceptions import MethodNotAllowed

_ADDRESSES_REMEMBERED = 4096


def client_address() -> str:
    """The client's address behind trusted proxies; empty for a unix socket's peer that forwarded nobody."""
    return request.remote_addr or ""


def client_key() -> str:
    """The party behind the address: an IPv6 user commands a whole /64, so that counts as one."""
    return party(client_address())


@lru_cache(_ADDRESSES_REMEMBERED)
def party(text: str) -> str:
    """The party behind an address, as :func:`client_key` tells it."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "local"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address), 64), strict=False))
    return str(address)


def path_is_known() -> bool:
    """Whether the path is one of ours, be it under another method."""
    return request.url_rule is not None or isinstance(request.routing_exception, MethodNotAllowed)


def user_id() -> int | None:
    """The id of the user who signed the request; None for an anonymous one, or one with a bad token."""
    # Here, because it stands on the extensions, and these import this package.
    from ecatalog.auth.permissions import current_user

    user = current_user()
    return None if user is None else user.id
