"""Unforeseen errors go to Sentry, where SENTRY_DSN names one; nothing is sent without it.

What is sent: the trace, the request's method, path and id. Not sent: bodies, query strings, cookies, tokens,
local variables, addresses of clients.
"""

from __future__ import annotations

from typing import Any

import ecatalog
from ecatalog.config import Settings
from ecatalog.ops.logging import hide_secrets
from ecatalog.ops.statements import hide_values, without_values

_SENT_OF_A_REQUEST = ("method", "url")
_BREADCRUMBS = 20


def init_error_reports(settings: Settings) -> None:
    """Report every log record from ERROR on. Comes after the logs."""
    if not settings.sentry_dsn:
        return
    import sentry_sdk

    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        release=f"ecatalog@{ecatalog.__version__}",
        environment="development" if settings.debug else "production",
        include_local_variables=False,
        auto_session_tracking=False,
        max_request_body_size="never",
        max_breadcrumbs=_BREADCRUMBS,
        before_send=_clean,
        before_breadcrumb=_clean_breadcrumb,
    )


def _clean(event: Any, _hint: Any) -> Any:
    if "request" in event:
        event["request"] = {name: event["request"].get(name) for name in _SENT_OF_A_REQUEST}
    event.pop("user", None)
    return _hidden(event)


def _clean_breadcrumb(crumb: Any, _hint: Any) -> Any:
    if crumb.get("category") == "query" and isinstance(crumb.get("message"), str):
        crumb["message"] = without_values(crumb["message"])
    return crumb


def _hidden(value: Any) -> Any:
    """The value with all that looks like a secret or a searched text blacked out, however deep."""
    if isinstance(value, str):
        return hide_secrets(hide_values(value))
    if isinstance(value, dict):
        return {key: _hidden(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(item) for item in value]
    return value
