"""Who may call a view: decided once, at the view, where it is enforced, documented and guarded by a test."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any

from ecatalog.auth.permissions import check_identity, require_admin, require_user, require_writer

View = Callable[..., Any]


class Access(StrEnum):
    """PUBLIC views do not look at the token at all; for ANYONE none is needed, but a bad one is refused."""

    PUBLIC = "public"
    ANYONE = "anyone"
    USER = "user"
    WRITER = "writer"
    ADMIN = "admin"


_CHECKS: dict[Access, Callable[[], object]] = {
    Access.PUBLIC: lambda: None,
    Access.ANYONE: check_identity,
    Access.USER: require_user,
    Access.WRITER: require_writer,
    Access.ADMIN: require_admin,
}
_ERRORS = {
    Access.PUBLIC: (),
    Access.ANYONE: (401,),
    Access.USER: (401,),
    Access.WRITER: (401, 403),
    Access.ADMIN: (401, 403),
}
_BEARER: dict[str, list[str]] = {"bearerAuth": []}


def access(level: Access) -> Callable[[View], View]:
    """Decorator, outermost on every view: checks ``level`` before anything of the request is read."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            _CHECKS[level]()
            return view(*args, **kwargs)

        guarded.access_level = level  # type: ignore[attr-defined]
        doc = dict(getattr(view, "_apidoc", {}))
        doc["errors"] = tuple({*doc.get("errors", ()), *_ERRORS[level]})
        security = {Access.PUBLIC: [], Access.ANYONE: [{}, _BEARER]}.get(level, [_BEARER])
        doc["manual_doc"] = {**doc.get("manual_doc", {}), "security": security}
        guarded._apidoc = doc  # type: ignore[attr-defined]
        return guarded

    return decorate
