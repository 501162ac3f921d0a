"""Requests whose bodies are read whole or refused: what was cut off or garbled never looks complete.

Werkzeug is lenient here. It stops in silence at the greatest length of a body that announces none, takes a
connection that broke for the end of the body, and a form that it cannot read for an empty one.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from importlib.util import find_spec
from typing import IO, Any, cast

import flask
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge, RequestTimeout
from werkzeug.formparser import FormDataParser

from ecatalog.errors import MalformedRequest, UnsupportedContentEncoding
from ecatalog.ops.gate import aside

# A client that sends more slowly than this for longer holds a place that others wait for.
PATIENCE_SECONDS = 30.0
SLOWEST_BYTES_PER_SECOND = 1024

# What the server raises for chunks that are none; another server than gunicorn raises OSError.
_BROKEN_CHUNKS: tuple[type[Exception], ...] = ()
if find_spec("gunicorn"):
    from gunicorn.http.errors import ParseException

    _BROKEN_CHUNKS = (ParseException,)


class BodyStream(io.RawIOBase):
    """The body as the server hands it over, ``most`` bytes at most (None: any number).

    Reading raises RequestEntityTooLarge (413) beyond that, ClientDisconnected (400) where the connection ends
    before the body does, BadRequest (400) where its chunks are none, and RequestTimeout (408) where they come
    too slowly. ``aside`` is entered while the client is waited for.
    """

    def __init__(
        self,
        source: IO[bytes],
        announced: int | None,
        most: int | None,
        aside: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._source = source
        self._aside = aside
        self._waited = 0.0
        self._announced = announced
        self._most = most
        self._count = 0
        if announced is not None and most is not None and announced > most:
            raise RequestEntityTooLarge

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # Never past the announced end: what follows is the next request, for which a read would wait.
        left = len(buffer) if self._announced is None else min(len(buffer), self._announced - self._count)
        if left <= 0:
            return 0
        with self._aside():
            began = time.monotonic()
            block = self._read(left)
            self._waited += time.monotonic() - began
        if self._waited > PATIENCE_SECONDS + self._count / SLOWEST_BYTES_PER_SECOND:
            raise RequestTimeout
        self._count += len(block)
        if not block and self._announced is not None:
            raise ClientDisconnected
        if self._most is not None and self._count > self._most:
            raise RequestEntityTooLarge
        buffer[: len(block)] = block
        return len(block)

    def _read(self, size: int) -> bytes:
        try:
            return self._source.read(size)
        except OSError as error:
            raise ClientDisconnected from error
        except _BROKEN_CHUNKS as error:
            raise BadRequest from error


class NoSessions(SessionInterface):
    """No cookie is looked at: who calls is told by tokens alone."""

    def open_session(self, app: flask.Flask, request: flask.Request) -> SessionMixin:
        return _NO_SESSION

    def save_session(self, app: flask.Flask, session: SessionMixin, response: flask.Response) -> None:
        """Nothing is ever kept."""


_NO_SESSION = NullSession()


class _FormParser(FormDataParser):
    """Werkzeug's, which tells of forms that it cannot read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "silent": False})


class Request(flask.Request):
    """Flask's request with a strict body; set as the application's ``request_class``."""

    form_data_parser_class = _FormParser

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body. Raises UnsupportedContentEncoding (415) for one that is compressed."""
        encodings = {part.strip().lower() for part in self.headers.get("Content-Encoding", "").split(",")}
        if foreign := encodings - {"", "identity"}:
            raise UnsupportedContentEncoding(", ".join(sorted(foreign)))
        source, announced = self.environ["wsgi.input"], self.content_length
        if announced is None and "wsgi.input_terminated" not in self.environ:
            source = io.BytesIO()  # nobody would say where it ends
        return cast(IO[bytes], BodyStream(source, announced, self.max_content_length, aside(self.environ)))

    def _get_file_stream(self, *args: Any, **kwargs: Any) -> IO[bytes]:
        stream = super()._get_file_stream(*args, **kwargs)
        self.__dict__.setdefault("_file_streams", []).append(stream)
        return stream

    def _load_form_data(self) -> None:
        """Raises MalformedRequest (400) in DRF's words for a form that cannot be read."""
        try:
            super()._load_form_data()
        except Exception as error:
            for stream in self.__dict__.get("_file_streams", []):  # nobody else will ever see them
                stream.close()
            if isinstance(error, ValueError):
                raise self._malformed_form() from error
            raise

    def _malformed_form(self) -> MalformedRequest:
        if self.mimetype != "multipart/form-data":
            return MalformedRequest()
        boundary = self.mimetype_params.get("boundary", "")
        good_boundary = boundary and boundary.isascii()
        cause = "The form is malformed or cut off." if good_boundary else "Invalid boundary in multipart."
        return MalformedRequest(f"Multipart form parse error - {cause}")
