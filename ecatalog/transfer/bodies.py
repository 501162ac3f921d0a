"""Request bodies as rows: streamed, or put on disk and hashed first where the call has a key."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from flask import request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge, RequestTimeout

from ecatalog.catalog.resource import Resource
from ecatalog.config import current_settings
from ecatalog.errors import InvalidInput, TooLarge, UnsupportedMediaType
from ecatalog.transfer.csv_source import csv_rows
from ecatalog.transfer.json_source import json_rows
from ecatalog.transfer.ndjson import ndjson_rows
from ecatalog.transfer.rows import Rows, SourceError, SourceInfo
from ecatalog.transfer.xlsx_source import xlsx_rows

BLOCK_BYTES = 256 * 1024
MAX_JSON_BYTES = 10 * 1024 * 1024
FORM_BYTES = 64 * 1024  # the other fields of an upload, and what multipart puts around its file
NDJSON_TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
JSON_TOO_LARGE = (
    f"A JSON body may have {MAX_JSON_BYTES // 1024**2} MB. "
    "Send NDJSON (Content-Type: application/x-ndjson), one object a line, for any size."
)
XLSX_STARTS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
XLSX_ENDINGS = (".xlsx", ".xlsm", ".xls")


class WholeBody:
    """The body as it comes in; one that is is cut off or garbled is a SourceError: its start may be in."""

    def __init__(self) -> None:
        # None would mean the application's own limit; rows in lines may be any number.
        request.max_content_length = sys.maxsize
        self._stream: IO[bytes] = request.stream

    def read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except ClientDisconnected as error:
            raise SourceError("The connection was lost in the middle of the body.") from error
        except BadRequest as error:
            raise SourceError("The body's chunks are malformed.") from error
        except RequestTimeout as error:
            raise SourceError("The body came too slowly.") from error


@dataclass(frozen=True)
class Body:
    """Rows that were sent, and the digest of what they were sent as (empty where the call has no key)."""

    rows: Rows
    digest: str = ""
    is_json: bool = False


def open_body(stack: ExitStack, *, keyed: bool) -> Body:
    """The rows of a JSON or NDJSON body; files that it needs are closed with ``stack``.

    Raises UnsupportedMediaType, TooLarge, and SourceError for JSON that is none.
    """
    if request.mimetype == "application/json":
        return _json_body(keyed)
    if request.mimetype not in NDJSON_TYPES:
        raise UnsupportedMediaType(request.mimetype)
    stream = cast(BinaryIO, WholeBody())
    if not keyed:
        return Body(ndjson_rows(stream))
    file = tempfile.TemporaryFile(prefix="ecatalog-body-")  # noqa: SIM115  # closed with the stack
    spool = cast(BinaryIO, stack.enter_context(file))
    digest = hashlib.sha256(b"ndjson\0")
    for block in _blocks(stream):
        digest.update(block)
        spool.write(block)
    spool.seek(0)
    return Body(ndjson_rows(spool), digest.hexdigest())


def _json_body(keyed: bool) -> Body:
    request.max_content_length = MAX_JSON_BYTES
    try:
        content = request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise TooLarge(JSON_TOO_LARGE) from error
    digest = hashlib.sha256(b"json\0" + content).hexdigest() if keyed else ""
    return Body(json_rows(content), digest, is_json=True)


@dataclass(frozen=True)
class Upload:
    """A file that was sent in a form, saved at ``path`` while the call lasts."""

    path: Path
    name: str
    is_workbook: bool
    digest: str

    def rows(self, resource: Resource, info: SourceInfo) -> Rows:
        read = xlsx_rows if self.is_workbook else csv_rows
        return read(self.path, resource, info)


def open_upload(stack: ExitStack) -> Upload:
    """The form's ``file``; it is deleted with ``stack``.

    Raises UnsupportedMediaType, TooLarge beyond MAX_IMPORT_MB, and InvalidInput where there is no file.
    """
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(request.mimetype)
    megabytes = current_settings().max_import_mb
    request.max_content_length = megabytes * 1024**2 + FORM_BYTES
    try:
        files = request.files.getlist("file")
    except RequestEntityTooLarge as error:
        raise TooLarge(f"A file may have {megabytes} MB. Send NDJSON to bulk for more.") from error
    sent = files[0] if files else None
    if sent is None or not sent.filename:
        raise InvalidInput({"file": ["No file was submitted."]})
    if len(files) > 1:
        raise InvalidInput({"file": ["Send one file in a request."]})
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ecatalog-import-")))
    return _save(sent, folder / "upload", sent.filename)


def _save(sent: FileStorage, path: Path, name: str) -> Upload:
    digest = hashlib.sha256()
    start = b""
    with path.open("wb") as file:
        for block in _blocks(sent.stream):
            start = start or block[:4]
            digest.update(block)
            file.write(block)
    if not start:
        raise InvalidInput({"file": ["The submitted file is empty."]})
    is_workbook = start in XLSX_STARTS or name.lower().endswith(XLSX_ENDINGS)
    return Upload(path, name, is_workbook, digest.hexdigest())


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(BLOCK_BYTES):
        yield block
