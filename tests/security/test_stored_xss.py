"""Script in a text, a code or a file name never becomes script in a page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ecatalog import fields
from ecatalog.catalog.resource import Resource
from ecatalog.resources import RESOURCES
from tests.images.pictures import jpeg

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"
SHORT = "<svg onload=a()>"
TEXTS = (SCRIPT, SHORT, "<a b=c>")
PAGES = ("/api/docs/", "/api/redoc/", "/api/schema/")
Auth = Callable[..., dict[str, str]]

each_resource = pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)


def body(resource: Resource, code: str) -> dict[str, str]:
    """A row with script in every text that takes any."""
    texts = {
        field.data_key or name: next(text for text in TEXTS if len(text) <= (field.max_length or 999))
        for name, field in resource.fields.items()
        if isinstance(field, fields.Text) and not isinstance(field, (fields.Url, fields.Email))
    }
    texts = {
        name: text[:10] if name in ("currency", "country_code") else text for name, text in texts.items()
    }
    return texts | {resource.code: code}


def cannot_be_run(answer: TestResponse) -> None:
    """No browser takes the answer for a page, nor runs what is in it."""
    assert answer.content_type != "text/html"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


@each_resource
def test_every_text_field(client: FlaskClient, auth: Auth, resource: Resource) -> None:
    base, headers = f"/api/v1/{resource.name}/", auth()
    pages = [client.get(page).data for page in PAGES]
    row = client.post(base, json=body(resource, SHORT), headers=headers)
    assert row.status_code == 201, row.text
    assert len(row.get_json()) > 5
    # Plain texts come back as they were sent: escaping is for those who show them. Rich text is HTML itself.
    assert row.get_json()["name"] == SCRIPT
    assert not re.search(r"script|onerror|onload|javascript", row.get_json()["description"])
    at = f"{base}{quote(SHORT, safe='')}/"
    suffixes = ("", "history/")
    addresses = [base, *(at + suffix for suffix in suffixes), f"{base}changes/", f"{base}export-csv/"]
    addresses += [
        f"{base}?search={quote(SCRIPT)}",
        f"{base}?ordering={quote(SCRIPT)}",
        f"{base}{quote(SCRIPT)}/",
    ]
    for address in addresses:
        answer = client.get(address, headers=headers)
        cannot_be_run(answer)
        answer.close()
    for accept in ("text/html", "application/problem+json"):
        answer = client.get(f"{base}{quote(SCRIPT)}/", headers=headers | {"Accept": accept})
        assert answer.status_code == 404
        cannot_be_run(answer)
    assert [client.get(page).data for page in PAGES] == pages


@pytest.mark.parametrize(
    "html",
    [
        "<a href='javascript:alert(1)'>x</a>",
        "<a href=' java\nscript:alert(1)'>x</a>",
        "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
        "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "<svg><animate onbegin=alert(1) attributeName=x>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<p style='background:url(javascript:alert(1))'>x</p>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "<img src=x onerror=alert(1)//",
        "\u003cscript\u003ealert(1)\u003c/script\u003e",
    ],
)
def test_rich_text_is_disarmed(client: FlaskClient, auth: Auth, html: str) -> None:
    row = {"code_1c": "R", "name": "R", "description": html}
    stored = client.post("/api/v1/project/", json=row, headers=auth()).get_json()["description"] or ""
    tags = re.findall(r"<[^>]*>", stored)
    assert not re.search(r"<(script|iframe|svg|math|img[^>]*\son|style|form|object)", stored, re.IGNORECASE)
    assert not any(re.search(r"\son\w+\s*=|javascript:|data:|style=", tag, re.IGNORECASE) for tag in tags)


@pytest.mark.parametrize(
    "name", [SCRIPT + ".jpg", "'><script>.jpg", "../../x.jpg", "%0D%0AX-Evil: 1.jpg", "x.html", "x.svg"]
)
def test_names_of_uploaded_images_are_not_kept(client: FlaskClient, auth: Auth, name: str) -> None:
    headers = auth()
    client.post("/api/v1/project/", json={"code_1c": "F", "name": "F"}, headers=headers)
    form = {"project": "F", "note": SCRIPT, "image": (io.BytesIO(jpeg()), name)}
    answer = client.post("/api/v1/project-image/", data=form, headers=headers)
    assert answer.status_code == 201, answer.text
    cannot_be_run(answer)
    told = {key: value for key, value in answer.get_json().items() if key != "note"}
    assert not re.search(r"script|\.\./|Evil|\.html|\.svg", str(told))
    file = client.get(told["image"].removeprefix("http://localhost"), buffered=True)
    assert (file.status_code, file.content_type) == (200, "image/jpeg")
    assert file.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "content", [b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"<html>"]
)
def test_pages_are_no_images(client: FlaskClient, auth: Auth, content: bytes) -> None:
    headers = auth()
    client.post("/api/v1/project/", json={"code_1c": "F", "name": "F"}, headers=headers)
    form = {"project": "F", "image": (io.BytesIO(content), "a.jpg", "image/jpeg")}
    assert client.post("/api/v1/project-image/", data=form, headers=headers).status_code == 400


@pytest.mark.parametrize("name", [f"{SCRIPT}.csv", 'a"b.csv', "a\nb.csv"])
def test_names_of_imported_files_are_not_reflected_as_markup(
    client: FlaskClient, auth: Auth, name: str
) -> None:
    form = {"file": (io.BytesIO(b"code_1c;name\n1;x"), name)}
    answer = client.post("/api/v1/project/import-xlsx/", data=form, headers=auth())
    assert answer.status_code < 500
    cannot_be_run(answer)
