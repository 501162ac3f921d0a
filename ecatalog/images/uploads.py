"""Uploaded files: read out of a form within bounds, rendered and stored, before any row is written."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from flask import request
from sqlalchemy.exc import DBAPIError
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from ecatalog.catalog.resource import Resource
from ecatalog.config import current_settings
from ecatalog.database import utc_now
from ecatalog.errors import InvalidInput, ServiceUnavailable, TooLarge, UnsupportedMediaType
from ecatalog.images.decoding import render
from ecatalog.images.facts import BadImage
from ecatalog.images.sizes import original_name
from ecatalog.images.storage import StorageError, current_storage
from ecatalog.smorest import read_body

log = logging.getLogger(__name__)

FORM_BYTES = 64 * 1024  # the other fields, and what multipart puts around a file
FORM_FIELDS = 20  # of a form, besides its files
BULK_FILES = 50  # files of one bulk upload
BULK_IMAGES = 10  # its bytes: as many as this number of the largest images
BLOCK_BYTES = 256 * 1024

NO_FILE = "No file was submitted."
NOT_A_FILE = "The submitted data was not a file. Check the encoding type on the form."
INVALID = "Upload a valid image. The file you uploaded was either not an image or a corrupted image."


@dataclass(frozen=True)
class StoredImage:
    """An image whose files are in the store, and which no row names yet: see ``ImageRow``."""

    folder: str
    format: str
    width: int
    height: int
    size_bytes: int
    thumbnail_bytes: int


def most_bytes(*, bulk: bool) -> int:
    """The largest body that is taken."""
    images = BULK_IMAGES if bulk else 1
    return images * current_settings().max_image_mb * 1024**2 + FORM_BYTES


def read_form(*, bulk: bool = False, needs_file: bool = True) -> dict[str, Any]:
    """The fields of the request's form; its files stand in ``request.files``.

    Raises UnsupportedMediaType, and TooLarge, before anything of a body that is announced as too large is
    read. Where no file is needed, the body may be of any type that carries fields.
    """
    if needs_file and request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(request.mimetype)
    if request.mimetype != "multipart/form-data":
        values = read_body(request)
        if not isinstance(values, dict):
            kind = type(values).__name__
            raise InvalidInput(
                {"non_field_errors": [f"Invalid data. Expected a dictionary, but got {kind}."]}
            )
        return values
    request.max_content_length = most_bytes(bulk=bulk)
    request.max_form_parts = FORM_FIELDS + (BULK_FILES if bulk else 1)
    try:
        return request.form.to_dict()
    except RequestEntityTooLarge as error:
        megabytes = current_settings().max_image_mb
        if not bulk:
            raise TooLarge(f"An image may have {megabytes} MB.") from error
        raise TooLarge(
            f"One call may bring {BULK_FILES} images of together {BULK_IMAGES * megabytes} MB."
        ) from error


def sent_files(name: str, most: int) -> list[FileStorage]:
    """The files of the form's field ``name``. Raises InvalidInput for none and for more than ``most``."""
    files = [file for file in request.files.getlist(name) if file.filename]
    if len(files) > most:
        raise InvalidInput(
            {name: [f"Send {'one file' if most == 1 else f'at most {most} files'} in a request."]}
        )
    if files:
        return files
    raise InvalidInput({name: [NOT_A_FILE if name in request.form else NO_FILE]})


@contextmanager
def stored(resource: Resource, files: Sequence[FileStorage], name: str) -> Iterator[list[StoredImage]]:
    """A context: the files, checked and stored. When the block raises, or a file is bad, none of them stays.

    ``name`` is the form's field, under which a bad file is told. Raises InvalidInput, TooLarge, and
    ServiceUnavailable where the store fails.
    """
    done: list[StoredImage] = []
    with discarded_on_failure(done):
        for number, file in enumerate(files, start=1):
            try:
                done.append(store(resource, file.stream))
            except BadImage as error:
                log.info("refused an image: %s", error)
                raise InvalidInput({name: [_told(number, file) if len(files) > 1 else INVALID]}) from error
        yield done


@contextmanager
def discarded_on_failure(images: Sequence[StoredImage]) -> Iterator[None]:
    """A context: when the block raises, the files of ``images`` are deleted."""
    try:
        yield
    except BaseException as error:
        # A connection that broke in the commit may have committed: then the rows must find their files. If it
        # has not, ``flask images clean`` finds the files.
        if not (isinstance(error, DBAPIError) and error.connection_invalidated):
            for image in images:
                discard(image.folder)
        raise


def _told(number: int, file: FileStorage) -> str:
    """Which of several files is bad; its name is the client's, so only so much of it."""
    return f'{INVALID} (file {number}, "{(file.filename or "")[:100]}")'


def store(resource: Resource, source: IO[bytes], *, bounded: bool = True) -> StoredImage:
    """Render an image and put all its files into the store; ``bounded`` by MAX_IMAGE_MB.

    Raises BadImage, TooLarge, and ServiceUnavailable where the store fails; then nothing is in it.
    """
    megabytes = current_settings().max_image_mb
    name = f"{resource.name}/{utc_now():%Y/%m}/{uuid4().hex}"
    try:
        with current_storage().new_folder(name) as folder:
            path = folder / "incoming"
            size_bytes = _copy(source, path, most=megabytes * 1024**2 if bounded else sys.maxsize)
            facts = render(path, folder)
            path.rename(folder / original_name(facts.format))
    except StorageError as error:
        log.error("the store of images failed", exc_info=error)
        raise ServiceUnavailable("Images cannot be stored at the moment, try again later.") from error
    return StoredImage(
        name, facts.format, facts.width, facts.height, size_bytes, thumbnail_bytes=facts.thumbnail_bytes
    )


def _copy(source: IO[bytes], path: Path, most: int) -> int:
    """Write the file to disk; its size. Raises TooLarge beyond ``most`` bytes."""
    size = 0
    with path.open("wb") as target:
        while block := source.read(BLOCK_BYTES):
            size += len(block)
            if size > most:
                raise TooLarge(f"An image may have {most // 1024**2} MB.")
            target.write(block)
    return size


def discard(folder: str) -> None:
    """Delete files that no row names any more; what stays is found by ``flask images clean``."""
    with suppress(StorageError):
        current_storage().delete(folder)
