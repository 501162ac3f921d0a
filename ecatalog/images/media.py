"""The files of images over HTTP, where nothing in front of the application serves them (nginx does).

Only names that we ourselves give exist here, and the name alone decides the type: what was uploaded is never
given out as a page or as SVG.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import cast

from flask import Flask, Response, current_app, send_file
from werkzeug.wsgi import FileWrapper

from ecatalog.auth.access import Access, access
from ecatalog.catalog.resource import Resource
from ecatalog.config import Settings
from ecatalog.errors import RowNotFound, ServiceUnavailable
from ecatalog.images.declaration import images_of
from ecatalog.images.sizes import FILE, MEDIA_TYPES
from ecatalog.images.storage import StorageError, current_storage

SECONDS = 365 * 24 * 3600  # a file never changes: an image that does gets new names


@access(Access.PUBLIC)
def media(name: str) -> Response:
    """A file of an image. Whoever knows its random name may have it."""
    match = FILE.fullmatch(name)
    resources = cast("dict[str, Resource]", current_app.extensions["ecatalog_resources"])
    resource = resources.get(match["resource"]) if match else None
    if resource is None or images_of(resource) is None:
        raise RowNotFound
    try:
        answer = _file(name)
    except FileNotFoundError as error:
        raise RowNotFound from error
    except StorageError as error:
        raise ServiceUnavailable from error
    kept_by = "public" if resource.anonymous_read else "private"
    answer.headers["Cache-Control"] = f"{kept_by}, max-age={SECONDS}, immutable"
    answer.headers["Content-Disposition"] = "inline"
    return answer


def _file(name: str) -> Response:
    """The file with its type. Raises FileNotFoundError and StorageError."""
    storage = current_storage()
    media_type = MEDIA_TYPES[PurePosixPath(name).suffix]
    path = storage.local_path(name)
    if path is not None:
        return send_file(path, mimetype=media_type)
    source = storage.open(name)
    answer = Response(FileWrapper(source), content_type=media_type, direct_passthrough=True)
    answer.content_length = source.seek(0, 2)
    source.seek(0)
    answer.call_on_close(source.close)
    return answer


def init_media(app: Flask, settings: Settings) -> None:
    """Serve the files below MEDIA_URL, unless that is the address of another server."""
    if settings.media_url.startswith("/"):
        app.add_url_rule(f"{settings.media_url}<path:name>", "media", media)
