"""``/.well-known/security.txt`` (RFC 9116): where to report a weakness, if SECURITY_CONTACT says so."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

from ecatalog.auth.access import Access, access
from ecatalog.config import Settings, current_settings
from ecatalog.database import utc_now

PATH = "/.well-known/security.txt"
#: The contact is confirmed by every start with the setting; the RFC advises less than a year.
VALID = timedelta(days=90)
LANGUAGES = "en, ru, uz"


@access(Access.PUBLIC)
def security_txt() -> Response:
    """The file, or 404 where no contact is set; it is no part of the API."""
    contacts = current_settings().security_contact
    if not contacts:
        raise NotFound
    expires = (utc_now() + VALID).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    lines = [f"Contact: {contact}" for contact in contacts]
    lines += [f"Expires: {expires.isoformat()}Z", f"Preferred-Languages: {LANGUAGES}"]
    if request.scheme == "https":  # the only scheme that the RFC lets stand here
        lines.append(f"Canonical: {request.base_url}")
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


def init_security_txt(app: Flask, settings: Settings) -> None:
    """Serve the file."""
    app.add_url_rule(PATH, "security_txt", security_txt)
