"""Lists that are kept, given again before Flask sees the request: most of their price is Flask's own steps.

What was answered under an address and lay ready when it was asked for again is remembered here with its
headers. From then on a request for that address takes the steps that it would have taken in the application,
by the same functions and in the same order: who asks, the limits, a look at the clocks, a line in the log,
the metrics. Where one of them comes out otherwise than with an answer that lies ready, the application
answers.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from ecatalog import metrics
from ecatalog.auth.models import SignedIn
from ecatalog.auth.permissions import LOOK_FAILED, look_at_holder, remembered_claims, token_of
from ecatalog.auth.tokens import TokenError
from ecatalog.catalog import cache, clock, etag
from ecatalog.catalog.listing import KEPT, Kept
from ecatalog.config import Settings
from ecatalog.errors import NotAuthenticated
from ecatalog.first_look import first_look_of
from ecatalog.memory import Memory
from ecatalog.ops import limits, request_id
from ecatalog.ops.caller import party
from ecatalog.ops.gate import GATE
from ecatalog.ops.logging import write_line
from ecatalog.single_read import Row

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Headers = Sequence[tuple[str, str]]
Address = tuple[str, ...]

MOST = 2048  # addresses that are remembered, some two kB each
LONGEST = 500  # characters of a query string
_PREFIX = "/api/v1/"
_OK, _NOT_MODIFIED = "200 OK", "304 NOT MODIFIED"
#: Headers that each answer has of its own; the others are the same as long as the application runs.
_OWN = {"etag", "content-length", "x-request-id", "ratelimit", "ratelimit-policy", "x-ratelimit-limit"} | {
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
}


@dataclass(frozen=True)
class _Remembered:
    kept: Kept
    headers: dict[str, Headers]  # by the status line


class _ApplicationAnswers(Exception):
    """This request is not for here."""


class KeptAnswers:
    """WSGI middleware around an application, inside its gate."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._wsgi_app: WSGIApplication = app.wsgi_app
        self._memory = Memory[_Remembered](MOST)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        address = _address(environ)
        if address is None:
            return self._wsgi_app(environ, start_response)
        known = self._memory.get(address)
        if known is not None:
            try:
                return self._give_again(known, environ, start_response)
            except SQLAlchemyError as error:
                environ[LOOK_FAILED] = error
            except (_ApplicationAnswers, NotAuthenticated, TokenError):
                pass  # the application refuses better

        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            self._learn(address, environ, status, headers)
            return start_response(status, headers, *failure)

        return self._wsgi_app(environ, start)

    def _learn(self, address: Address, environ: WSGIEnvironment, status: str, headers: Headers) -> None:
        kept: Kept | None = environ.get(KEPT)
        if kept is None or status not in (_OK, _NOT_MODIFIED):
            return
        lasting = tuple((name, value) for name, value in headers if name.lower() not in _OWN)
        known = self._memory.get(address)
        others = known.headers if known is not None else {}
        self._memory.put(address, _Remembered(kept, {**others, status: lasting}))

    def _give_again(
        self, known: _Remembered, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        began = time.perf_counter()
        if environ.get(GATE, True) is None:  # refused there
            raise _ApplicationAnswers
        name = request_id.chosen(environ.get("HTTP_X_REQUEST_ID", ""))
        client = environ.get("REMOTE_ADDR") or ""
        user, rows = self._who(environ.get("HTTP_AUTHORIZATION", ""))
        if user is None and not known.kept.for_anyone:
            raise _ApplicationAnswers
        user_id = None if user is None else user.id
        counted = environ[limits.COUNTED] = limits.limits_of(self._app).count(user_id, party(client))
        if counted[1][-1].exceeded:
            raise _ApplicationAnswers
        tag, body = self._still_true(known.kept, rows, environ.get("HTTP_IF_NONE_MATCH"))
        status = _NOT_MODIFIED if body is None else _OK
        if status not in known.headers:
            raise _ApplicationAnswers
        headers = [
            *known.headers[status],
            ("ETag", f'"{tag}"'),
            *limits.told(*counted),
            (request_id.HEADER, name),
        ]
        if body is not None:
            headers.append(("Content-Length", str(len(body))))
        start_response(status, headers)
        seconds = time.perf_counter() - began
        metrics.requests.note((known.kept.route, "GET", int(status[0]), seconds))
        write_line(
            "GET",
            _path(environ),
            int(status[:3]),
            seconds=seconds,
            route=known.kept.route,
            user_id=user_id,
            client=client,
            request_id=name,
        )
        return () if body is None else (body,)

    def _who(self, header: str) -> tuple[SignedIn | None, list[Row] | None]:
        """The user, and the clocks where these were looked at along with it."""
        text = token_of(header)
        if text is None:
            return None, None
        claims = remembered_claims(self._app, text)
        if claims is None:
            raise _ApplicationAnswers
        return look_at_holder(first_look_of(self._app), claims)

    def _still_true(
        self, kept: Kept, rows: list[Row] | None, known_tags: str | None
    ) -> tuple[str, bytes | None]:
        """The tag of the answer, and its bytes; None of them, where the client has them."""
        if rows is None:
            rows = first_look_of(self._app).rows()
        tag = kept.vouched.tag(clock.of(kept.vouched.clock_names, rows))
        tags = etag.tags_of(known_tags)
        if tags is not None and etag.holds(tags, tag):
            return tag, None
        body = cache.answers.get(tag, is_last=False)
        if body is None:
            raise _ApplicationAnswers
        return tag, body


def _address(environ: WSGIEnvironment) -> Address | None:
    """What an answer is remembered by: all of a request that it may follow from, but who asks.

    None where that is more: other methods, and other origins, which are told what they may do.
    """
    path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
    if environ.get("REQUEST_METHOD") != "GET" or not path.startswith(_PREFIX) or len(query) > LONGEST:
        return None
    if "HTTP_ORIGIN" in environ:
        return None
    host, root = environ.get("HTTP_HOST", ""), environ.get("SCRIPT_NAME", "")
    return path, query, host, environ["wsgi.url_scheme"], root


def _path(environ: WSGIEnvironment) -> str:
    """As Werkzeug reads it."""
    text: str = environ.get("PATH_INFO", "")
    return text.encode("latin-1").decode(errors="replace")


def init_kept_answers(app: Flask, settings: Settings) -> None:
    """Put the middleware around the application: before the gate, which then stands around it.

    Where requests are traced, all of them are shown to the application.
    """
    if not settings.otel_endpoint:
        app.wsgi_app = KeptAnswers(app)  # type: ignore[method-assign]
