"""From the bodies of requests to values and stored images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from flask import request
from marshmallow import ValidationError
from marshmallow.fields import Field
from werkzeug.datastructures import FileStorage

from ecatalog import fields
from ecatalog.catalog.resource import Resource
from ecatalog.errors import FieldErrors, InvalidInput, flatten_messages
from ecatalog.extensions import db
from ecatalog.images.owners import find_owner, names_owner, owner_fields
from ecatalog.images.presentation import owner_key
from ecatalog.images.uploads import BULK_FILES, StoredImage, read_form, sent_files, stored
from ecatalog.smorest import Schema

Values = dict[str, Any]

FILE_FIELD = "image"
FILES_FIELD = "images"


@cache
def form_schema(resource: Resource) -> type[Schema]:
    """The fields of an image that clients write, its file excepted."""
    declared: dict[str, Field[Any]] = {
        **owner_fields(resource),
        "is_main": fields.Boolean(metadata={"description": "Make it the row's main image."}),
        "category": fields.Text(120),
        "note": fields.Text(255),
        "is_active": fields.Boolean(metadata={"description": "Off: it stays visible but is out of use."}),
    }
    return type(f"{resource.label}ImageForm", (Schema,), declared)


@contextmanager
def open_upload(resource: Resource) -> Iterator[tuple[Values, list[StoredImage]]]:
    """A context: the values and the stored file of an upload. When the block raises, the file is gone.

    Raises InvalidInput, Conflict, TooLarge, UnsupportedMediaType; ServiceUnavailable where the store fails.
    """
    sent = read_form()
    with _open(resource, sent, FILE_FIELD) as opened:
        yield opened


@contextmanager
def open_bulk(resource: Resource) -> Iterator[tuple[Values, list[StoredImage]]]:
    """As :func:`open_upload`, for many files of one row."""
    sent = read_form(bulk=True)
    with _open(resource, sent, FILES_FIELD) as opened:
        yield opened


@contextmanager
def open_change(resource: Resource, *, partial: bool) -> Iterator[tuple[Values, StoredImage | None]]:
    """As :func:`open_upload`, for a change: only what is there counts, unless it is not ``partial``."""
    sent = read_form(needs_file=not partial)
    has_file = FILE_FIELD in request.files or FILE_FIELD in request.form
    if has_file or not partial:
        with _open(resource, sent, FILE_FIELD, partial=partial) as (values, files):
            yield values, files[0]
        return
    values, errors = _load(resource, sent)
    if errors:
        raise InvalidInput(errors)
    yield values, None


@contextmanager
def _open(
    resource: Resource, sent: Values, file_field: str, *, partial: bool = False
) -> Iterator[tuple[Values, list[StoredImage]]]:
    """Everything that costs little is looked at first, and all that is wrong with it told at once."""
    values, errors = _load(resource, sent)
    if not partial and not names_owner(resource, values) and owner_key(resource) not in errors:
        errors[owner_key(resource)] = ["This field is required."]
    files: list[FileStorage] = []
    try:
        files = sent_files(file_field, BULK_FILES if file_field == FILES_FIELD else 1)
    except InvalidInput as error:
        errors |= error.errors
    if errors:
        raise InvalidInput(errors)
    if names_owner(resource, values):
        find_owner(resource, values)  # here, so that nothing is decoded in vain; it counts in the transaction
    db.session.close()  # no snapshot is held while images are decoded
    with stored(resource, files, file_field) as images:
        yield values, images


def _load(resource: Resource, sent: Values) -> tuple[Values, FieldErrors]:
    try:
        return dict(form_schema(resource)().load(sent)), {}
    except ValidationError as error:
        valid = error.valid_data if isinstance(error.valid_data, dict) else {}
        return valid, flatten_messages(error.messages)
