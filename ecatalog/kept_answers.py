"""Lists and single rows that take a step or two, given before Flask sees the request: it would cost more.

What was answered under an address and lay ready when it was asked for again is remembered here with its
headers; of rows, and of pages of lists, what all those of a route have in common. From then on a
request takes the steps that it would have taken in the application, by the same functions and in the same
order: who asks, the limits, a look at the clocks, at the row or at the page, a line in the log, the metrics.
Where one of them comes out otherwise than with an answer that lies ready, or with what can be shown at once,
the application answers.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from ecatalog import metrics
from ecatalog.auth.models import SignedIn
from ecatalog.auth.permissions import LOOK_FAILED, look_at_holder, remembered_claims, token_of
from ecatalog.auth.tokens import TokenError
from ecatalog.catalog import cache, clock, etag
from ecatalog.catalog.asking import ListsAtHand
from ecatalog.catalog.building import ListRequest
from ecatalog.catalog.listing import KEPT, TRIED_AT_ONCE, Kept
from ecatalog.catalog.routing import simple_code
from ecatalog.catalog.shown import RowsAtHand
from ecatalog.config import Settings
from ecatalog.errors import ApiError
from ecatalog.first_look import first_look_of
from ecatalog.memory import Memory
from ecatalog.ops import limits, request_id
from ecatalog.ops.caller import party
from ecatalog.ops.gate import GATE
from ecatalog.ops.logging import write_line
from ecatalog.single_read import Row

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

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
    kept: Kept | RowsAtHand | ListsAtHand
    headers: dict[str, Headers]  # by the status line


@dataclass(frozen=True)
class _Row:
    address: Address  # of its route: one part shorter than that of a list
    code: str


class _Ready(NamedTuple):
    """An answer without its last headers. A tuple, since this is made for each request."""

    began: float
    status: str
    headers: list[tuple[str, str]]
    body: bytes | None
    client: str
    user_id: int | None


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
        code = None
        known = self._memory.get(address)
        if known is None and (row := _row(address)) is not None:
            code = row.code
            known = self._memory.get(row.address)
        elif known is None:
            known = self._memory.get(_of_lists(address))
        if known is not None and (ready := self._ready(known, code, environ)) is not None:
            return self._give(ready, known, environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            self._learn(address, environ, status, headers)
            return start_response(status, headers, *failure)

        return self._wsgi_app(environ, start)

    def _learn(self, address: Address, environ: WSGIEnvironment, status: str, headers: Headers) -> None:
        kept: Kept | RowsAtHand | ListsAtHand | None = environ.get(KEPT)
        if kept is None or status not in (_OK, _NOT_MODIFIED):
            return
        if isinstance(kept, RowsAtHand):
            row = _row(address)
            if row is None:
                return
            address = row.address
        elif isinstance(kept, ListsAtHand):
            address = _of_lists(address)
        lasting = tuple((name, value) for name, value in headers if name.lower() not in _OWN)
        known = self._memory.get(address)
        others = known.headers if known is not None else {}
        self._memory.put(address, _Remembered(kept, {**others, status: lasting}))

    def _ready(self, known: _Remembered, code: str | None, environ: WSGIEnvironment) -> _Ready | None:
        """None where the application answers: it refuses better, and tells of what nobody has foreseen."""
        try:
            if not isinstance(known.kept, ListsAtHand):
                return self._prepare(known, code, environ)
            with self._app.app_context():
                return self._prepare(known, code, environ)
        except SQLAlchemyError as error:
            environ[LOOK_FAILED] = error
        except (_ApplicationAnswers, ApiError, TokenError):
            pass
        except Exception:
            log.debug("not answered without the application", exc_info=True)
        return None

    def _prepare(self, known: _Remembered, code: str | None, environ: WSGIEnvironment) -> _Ready:
        began = time.perf_counter()
        if environ.get(GATE, True) is None:  # refused there
            raise _ApplicationAnswers
        known_tags = etag.tags_of(environ.get("HTTP_IF_NONE_MATCH"))
        asked = self._asked(known.kept, known_tags, environ) if isinstance(known.kept, ListsAtHand) else None
        client = environ.get("REMOTE_ADDR") or ""
        user, rows = self._who(environ.get("HTTP_AUTHORIZATION", ""))
        if user is None and not known.kept.for_anyone:
            raise _ApplicationAnswers
        user_id = None if user is None else user.id
        counted = environ[limits.COUNTED] = limits.limits_of(self._app).count(user_id, party(client))
        if counted[1][-1].exceeded:
            raise _ApplicationAnswers
        answer: tuple[str, bytes | None] | None
        if isinstance(known.kept, RowsAtHand):
            answer = None if code is None else known.kept.reader.answer(code, known_tags)
        elif isinstance(known.kept, Kept):
            answer = self._still_true(known.kept, rows, known_tags)
        else:
            answer = self._at_once(known.kept, asked, environ)
        if answer is None:
            raise _ApplicationAnswers
        tag, body = answer
        status = _NOT_MODIFIED if body is None else _OK
        if status not in known.headers:
            raise _ApplicationAnswers
        own = [("ETag", f'"{tag}"'), *limits.told(*counted)]
        return _Ready(began, status, [*known.headers[status], *own], body, client, user_id)

    def _give(
        self, ready: _Ready, known: _Remembered, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        name = request_id.chosen(environ.get("HTTP_X_REQUEST_ID", ""))
        headers, body = [*ready.headers, (request_id.HEADER, name)], ready.body
        if body is not None:
            headers.append(("Content-Length", str(len(body))))
        start_response(ready.status, headers)
        seconds = time.perf_counter() - ready.began
        metrics.requests.note((known.kept.route, "GET", int(ready.status[0]), seconds))
        write_line(
            "GET",
            _path(environ),
            int(ready.status[:3]),
            seconds=seconds,
            route=known.kept.route,
            user_id=ready.user_id,
            client=ready.client,
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

    def _asked(
        self, lists: ListsAtHand, known_tags: frozenset[str] | None, environ: WSGIEnvironment
    ) -> ListRequest:
        asked = lists.asked(environ) if known_tags is None else None  # what the client has may be true
        if asked is None:
            raise _ApplicationAnswers
        return asked

    def _at_once(
        self, lists: ListsAtHand, asked: ListRequest | None, environ: WSGIEnvironment
    ) -> tuple[str, bytes | None] | None:
        found = None if asked is None else lists.answer(asked)
        if found is None:
            environ[TRIED_AT_ONCE] = True
            return None
        return found.etag, found.body

    def _still_true(
        self, kept: Kept, rows: list[Row] | None, known_tags: frozenset[str] | None
    ) -> tuple[str, bytes | None] | None:
        """The tag of the answer, and its bytes; None of them, where the client has them. None if untrue."""
        if rows is None:
            rows = first_look_of(self._app).rows()
        tag = kept.vouched.tag(clock.of(kept.vouched.clock_names, rows))
        if known_tags is not None and etag.holds(known_tags, tag):
            return tag, None
        body = cache.answers.get(tag, is_last=False)
        return None if body is None else (tag, body)


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


def _of_lists(address: Address) -> Address:
    """What lists of a path have in common: without the query, and no address that a list itself has."""
    path, _, *host = address
    return ("lists", path, *host)


def _row(address: Address) -> _Row | None:
    """The row that is asked for, by its code alone."""
    path, query, *host = address
    found = None if query else simple_code(path)
    return None if found is None else _Row((found[0], *host), found[1])


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
