"""Bodies that are too large, compressed, cut off or garbled are refused: nothing of them counts as sent."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.contract.catalogue import Catalogue, ok, refused

LIMIT = 10 * 1024 * 1024
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
TOO_LARGE = {"detail": "Request body is too large."}
PART = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'


def chunked(rows: Catalogue, method: str, path: str, body: bytes, content_type: str) -> Any:
    """A call whose body announces no length, as gunicorn hands it over."""
    return rows.call(
        method,
        path,
        input_stream=io.BytesIO(body),
        content_type=content_type,
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )


@pytest.mark.parametrize("send_chunked", [False, True], ids=["announced", "chunked"])
@pytest.mark.parametrize("content_type", [JSON, FORM, "multipart/form-data; boundary=b"])
def test_one_byte_too_many(projects: Catalogue, content_type: str, send_chunked: bool) -> None:
    projects.create("L")
    start, end = b'{"title": "whole"', b"}"
    if content_type == FORM:
        start, end = b"title=whole&x=", b""
    elif content_type != JSON:
        start, end = PART % (b"title", b"whole"), b"--b--\r\n"
    for size, accepted in ((LIMIT, True), (LIMIT + 1, False), (LIMIT * 2, False)):
        filling = b" " if content_type == JSON else b"x"
        if content_type not in (JSON, FORM):
            head, tail = PART.replace(b'"%s"', b'"f"; filename="f"').split(b"%s")
            space = size - len(start) - len(end) - len(head) - len(tail)
            body = start + head + filling * space + tail + end
        else:
            body = start + filling * (size - len(start) - len(end)) + end
        assert len(body) == size
        if send_chunked:
            answer = chunked(projects, "PATCH", projects.path("L"), body, content_type)
        else:
            answer = projects.call("PATCH", projects.path("L"), data=body, content_type=content_type)
        if accepted:
            assert ok(answer)["title"] == "whole"
        else:
            refused(answer, TOO_LARGE, 413)


@pytest.mark.parametrize("content_type", [JSON, FORM, "multipart/form-data; boundary=b"])
def test_a_body_that_ends_before_its_announced_length(projects: Catalogue, content_type: str) -> None:
    made = projects.create("C", title="old")
    bodies = {JSON: b'{"title": "new"}', FORM: b"title=new"}
    body = bodies.get(content_type, PART % (b"title", b"new") + b"--b--\r\n")
    answer = projects.call(
        "PATCH",
        projects.path("C"),
        input_stream=io.BytesIO(body),
        content_type=content_type,
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": str(len(body) + 5)},
    )
    refused(answer, {"detail": "Malformed request."}, 400)
    assert projects.get("C").get_json() == made


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", PART % (b"title", b"new") + b"--b--\r\n"),
        ("multipart/form-data; boundary=", PART % (b"title", b"new") + b"--b--\r\n"),
        ("multipart/form-data; boundary=other", PART % (b"title", b"new") + b"--b--\r\n"),
        ("multipart/form-data; boundary=b", b"title=new"),
        ("multipart/form-data; boundary=b", PART % (b"title", b"new")),
        ("multipart/form-data; boundary=b", (PART % (b"title", b"new"))[:-5]),
        ("multipart/form-data; boundary=b", PART % (b"title", b"new") + (PART % (b"x", b"y"))[:20]),
    ],
    ids=["no boundary", "empty boundary", "foreign boundary", "garbage", "no end", "cut value", "cut part"],
)
def test_malformed_multipart(rows: Catalogue, content_type: str, body: bytes) -> None:
    made = rows.create("M")
    for method, path in (("POST", rows.base), ("PUT", rows.path("M")), ("PATCH", rows.path("M"))):
        answer = rows.call(method, path, data=body, content_type=content_type)
        assert answer.status_code == 400
        assert set(answer.get_json()) == {"detail"}
        assert answer.get_json()["detail"].startswith("Multipart form parse error - ")
    assert ok(rows.get("M")) == made


def test_multipart_with_too_many_parts(projects: Catalogue) -> None:
    projects.create("P")
    for count, status in ((1000, 200), (1001, 413)):
        body = (PART % (b"title", b"x")) * count + b"--b--\r\n"
        answer = projects.call(
            "PATCH", projects.path("P"), data=body, content_type="multipart/form-data; boundary=b"
        )
        assert answer.status_code == status
    refused(answer, TOO_LARGE, 413)


def test_empty_multipart_is_an_empty_body(projects: Catalogue) -> None:
    made = projects.create("E")
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=b"):
        answer = projects.call("PATCH", projects.path("E"), data=b"", content_type=content_type)
        assert ok(answer) == made


def test_form_bytes_that_are_not_utf8(projects: Catalogue) -> None:
    projects.create("U")
    answer = projects.call("PATCH", projects.path("U"), data=b"title=\xff\xfe", content_type=FORM)
    refused(answer, {"detail": "Malformed request."}, 400)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "identity, br", "deflate", "x"])
def test_compressed_bodies(projects: Catalogue, encoding: str) -> None:
    made = projects.create("Z")
    for content_type, body in ((JSON, b'{"title": "x"}'), (FORM, b"title=x")):
        answer = projects.call(
            "PATCH",
            projects.path("Z"),
            data=body,
            content_type=content_type,
            headers={"Content-Encoding": encoding},
        )
        name = encoding.lower().removeprefix("identity, ")
        message = f'Unsupported content encoding "{name}" in request. Send the body uncompressed.'
        refused(answer, {"detail": message}, 415)
        assert answer.headers["Accept-Encoding"] == "identity"
    assert ok(projects.get("Z")) == made


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_uncompressed_bodies(projects: Catalogue, encoding: str) -> None:
    projects.create("I")
    headers = {"Content-Encoding": encoding}
    answer = projects.call("PATCH", projects.path("I"), json={"title": "x"}, headers=headers)
    assert ok(answer)["title"] == "x"


@pytest.mark.parametrize("path", ["bulk/", "import-xlsx/"])
def test_compressed_and_malformed_imports(projects: Catalogue, path: str) -> None:
    form = "multipart/form-data; boundary=b"
    content_types = {"bulk/": (JSON, "application/x-ndjson"), "import-xlsx/": (form,)}[path]
    for content_type in content_types:
        headers = {"Content-Encoding": "gzip"}
        answer = projects.call(
            "POST", projects.base + path, data=b"x", content_type=content_type, headers=headers
        )
        assert answer.status_code == 415
    if path == "import-xlsx/":
        answer = projects.call("POST", projects.base + path, data=b"x", content_type=form)
        assert answer.status_code == 400
        assert answer.get_json()["detail"].startswith("Multipart form parse error - ")


def test_a_chunked_import_over_the_limit_is_refused_whole(projects: Catalogue) -> None:
    body = b'[{"code_1c": "A", "name": "A"}]'.ljust(LIMIT, b" ")
    assert chunked(projects, "POST", f"{projects.base}bulk/", body + b" ", JSON).status_code == 413
    assert projects.page()["count"] == 0
    ok(chunked(projects, "POST", f"{projects.base}bulk/", body, JSON))
    assert projects.codes() == ["A"]


def test_sign_in_reads_bodies_alike(client: FlaskClient) -> None:
    headers = {"Content-Encoding": "gzip"}
    assert client.post("/api/token/", json={}, headers=headers).status_code == 415
    answer = client.post("/api/token/", data=b"x", content_type="multipart/form-data; boundary=b")
    refused(answer, {"detail": "Multipart form parse error - The form is malformed or cut off."}, 400)
