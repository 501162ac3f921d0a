"""CORS as browsers see it, and the files that pages and images are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

from ecatalog.checklist.context import Answer, Context
from ecatalog.checklist.registry import Finding, bad, check, good, note
from ecatalog.images.storage import StorageError, current_storage

FOREIGN = "https://checklist.invalid"
_ALLOW = "access-control-allow-origin"


def _preflight(context: Context, origin: str) -> Answer:
    asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    return context.call("/api/v1/", "OPTIONS", headers=asked)


@check("CORS", "allowed origin")
def allowed_origin(context: Context) -> Finding:
    origins = context.settings.cors_allowed_origins
    if not origins:
        return note("none is allowed", "Fine if no browser application calls the API.")
    for origin in origins:
        for answer in (_preflight(context, origin), context.call("/api/v1/", headers={"Origin": origin})):
            if answer.headers.get(_ALLOW) != origin:
                cure = "The application sets CORS headers: nginx must neither drop nor double them."
                return bad(f"{origin} is answered {_ALLOW}: {answer.headers.get(_ALLOW)!r}", cure)
    return good(f"{len(origins)} tried")


@check("CORS", "foreign origin")
def foreign_origin(context: Context) -> Finding:
    for answer in (_preflight(context, FOREIGN), context.call("/api/v1/", headers={"Origin": FOREIGN})):
        if _ALLOW in answer.headers:
            return bad(
                f"{FOREIGN} may read answers", "CORS_ALLOW_ALL_ORIGINS=False; no CORS headers in nginx."
            )
    return good("may not read answers")


@check("files", "static")
def static(context: Context) -> Finding:
    page = context.call("/api/docs/")
    found = re.search(rb'src="([^"]+\.js)"', page.body)
    if page.status != 200 or found is None:
        return bad(f"/api/docs/ answers {page.status}", "Look into the service's log.")
    address = found[1].decode()
    answer = context.call(address)
    if answer.status != 200:
        return bad(
            f"{address} answers {answer.status}", "flask static collect into the folder that nginx serves."
        )
    return _headers_of(context, answer, address, "javascript")


def _headers_of(context: Context, answer: Answer, address: str, media_type: str) -> Finding:
    headers = answer.headers
    wrong = []
    if media_type not in headers.get("content-type", ""):
        wrong.append(f"Content-Type: {headers.get('content-type')}")
    if "immutable" not in headers.get("cache-control", ""):
        wrong.append(f"Cache-Control: {headers.get('cache-control')}")
    sniffed = headers.get("x-content-type-options") != "nosniff"
    if sniffed and not wrong and not address.startswith((context.base_url, "/")):
        cure = "A store cannot send it, what stands in front of one can: a proxy, a CDN."
        return note(f"{address}: as it must be, but no X-Content-Type-Options: nosniff", cure)
    if sniffed:
        wrong.append("no X-Content-Type-Options: nosniff")
    if wrong:
        return bad(f"{address}: {'; '.join(wrong)}", "Take the locations of nginx.conf of this release.")
    return good(f"{address}: {headers['content-type']}, {headers['cache-control']}")


@contextmanager
def _probe_file(context: Context) -> Iterator[tuple[str, bytes]]:
    """A file in the store of images, named as the files of one are, and its bytes; gone after the block."""
    with context.app.app_context():
        storage = current_storage()
        folder = f"checklist/{datetime.now(UTC):%Y/%m}/{uuid4().hex}"
        body = b"checklist " + uuid4().bytes
        try:
            with storage.new_folder(folder) as place:
                (place / "original.jpg").write_bytes(body)
            yield f"{folder}/original.jpg", body
        finally:
            storage.delete(folder)


@check("files", "media writable")
def media_writable(context: Context) -> Finding:
    storage = context.settings.media_storage
    try:
        with _probe_file(context) as (name, body), current_storage().open(name) as file:
            same = file.read() == body
    except (OSError, StorageError) as error:
        return bad(
            f"{storage}: {error}", "Give the folder to the user of the service; free space on its disk."
        )
    return good(storage) if same else bad(f"{storage}: other bytes came back", "Check the disk.")


@check("files", "media served")
def media_served(context: Context) -> Finding:
    settings = context.settings
    if not context.host:
        return bad("there is no public name to look at", "Set PUBLIC_URL=https://…")
    with _probe_file(context) as (name, body):
        answer = context.call(f"{settings.media_url}{name}")
        listing = context.call(f"{settings.media_url}{name.rpartition('/')[0]}/")
    # The application serves images alone, and tells in JSON that this is none.
    from_application = answer.status == 404 and "json" in answer.headers.get("content-type", "")
    if from_application:
        return note("the application serves media by itself", "Let nginx serve them: it is faster.")
    if answer.status != 200 or answer.body != body:
        cure = "nginx: alias of /media/ to MEDIA_STORAGE, and nginx's user in the group of the service."
        return bad(f"{settings.media_url} answers {answer.status} for a file that is there", cure)
    if listing.status == 200:
        return bad("folders are listed", "nginx: autoindex off;")
    return _headers_of(context, answer, settings.media_url, "image/jpeg")
