"""Answers whose content waits in a temporary file: for storing, for replaying, for streaming out."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson
from flask import Response

BLOCK_BYTES = 256 * 1024
IN_MEMORY_BYTES = 1024 * 1024

JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass
class Answer:
    """A status and a content that can be read again and again; ``file_name`` makes it a download."""

    status: int
    content_type: str
    content: IO[bytes]
    file_name: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def spooled(cls, status: int, content_type: str, **options: Any) -> Answer:
        """An answer with nothing in it yet; what grows large goes to disk."""
        return cls(status, content_type, tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES), **options)

    @classmethod
    def of_json(cls, status: int, value: Any) -> Answer:
        return cls(status, JSON, io.BytesIO(orjson.dumps(value)))

    @classmethod
    def of_file(cls, path: Path, content_type: str, file_name: str, status: int = 200) -> Answer:
        """The content of a file, which may be deleted at once: it is open."""
        return cls(status, content_type, path.open("rb"), file_name)

    def blocks(self) -> Iterator[bytes]:
        """The content from its beginning."""
        self.content.seek(0)
        while block := self.content.read(BLOCK_BYTES):
            yield block

    def _sent(self) -> Iterator[bytes]:
        with self.content:
            yield from self.blocks()

    def response(self) -> Response:
        """The answer for Flask; it is closed when it is sent."""
        length = self.content.seek(0, 2)
        response = Response(self._sent(), self.status, self.headers, content_type=self.content_type)
        response.content_length = length
        response.headers["Cache-Control"] = "no-store"
        if self.file_name is not None:
            attach(response, self.file_name)
        response.call_on_close(self.content.close)
        return response


def attach(response: Response, file_name: str) -> None:
    """Have browsers save the answer under that name."""
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
