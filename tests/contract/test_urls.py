"""Addresses end in a slash, methods that do not fit are named, and nothing is HTML."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.contract.catalogue import Catalogue, ok, refused


def test_missing_slash(rows: Catalogue) -> None:
    made = rows.create("S 1")
    for method, path in (
        ("GET", rows.base),
        ("POST", rows.base),
        ("PUT", rows.path("S 1")),
        ("PATCH", rows.path("S 1")),
        ("DELETE", rows.path("S 1")),
        ("GET", rows.path("S 1", "history/")),
        ("POST", rows.path("S 1", "restore/")),
        ("GET", f"{rows.base}changes/"),
        ("GET", f"{rows.base}by-code/"),
    ):
        answer = rows.call(method, path.removesuffix("/"), json=rows.body("X"))
        assert (answer.status_code, answer.data) == (308, b"")
        assert answer.headers["Location"] == f"http://localhost{path}"
    assert ok(rows.get("S 1")) == made
    assert rows.page()["count"] == 1


def test_missing_slash_under_a_method_that_does_not_fit(rows: Catalogue) -> None:
    for method, path in (
        ("GET", "/api/token/"),
        ("DELETE", "/api/token/refresh/"),
        ("POST", "/api/v1/"),
        ("POST", "/api/docs/"),
        ("DELETE", rows.base),
        ("POST", rows.path("S 1")),
        ("POST", rows.path("a/b#?")),
        ("GET", rows.path("S 1", "restore/")),
        ("GET", f"{rows.base}bulk/"),
        ("DELETE", f"{rows.base}changes/"),
        ("PURGE", rows.base),
    ):
        answer = rows.call(method, path.removesuffix("/") + "?x=%D0%B9")
        assert (answer.status_code, answer.data) == (308, b""), (method, path)
        location = answer.headers["Location"]
        assert location.startswith("http://localhost/")
        followed = rows.call(method, location.removeprefix("http://localhost"))
        refused(followed, {"detail": f'Method "{method}" not allowed.'}, 405)


def test_no_slash_is_added_to_what_has_no_route(client: FlaskClient) -> None:
    for path in ("/nowhere", "/api/v1/unknown", "/api/v1/unknown/x", "/api/docs/assets/x"):
        for method in ("GET", "POST"):
            assert client.open(path, method=method).status_code in (404, 405), path


def test_redirect_keeps_method_body_and_query(rows: Catalogue) -> None:
    body = rows.body("K")
    answer = rows.call("POST", rows.base.removesuffix("/"), json=body, follow_redirects=True)
    assert ok(answer, 201)[rows.code] == "K"
    answer = rows.call("PATCH", rows.path("K").removesuffix("/"), json={"name": "N"}, follow_redirects=True)
    assert ok(answer)["name"] == "N"
    answer = rows.call("GET", rows.base.removesuffix("/") + "?page_size=1&search=%D0%B9")
    assert answer.headers["Location"].endswith(f"{rows.base}?page_size=1&search=%D0%B9")


def test_missing_slash_of_special_codes(rows: Catalogue) -> None:
    for code in ("a/b", "a//b", "НФ 1", "50%", "a#b", "a?b=c"):
        made = rows.create(code)
        answer = rows.call("GET", rows.path(code).removesuffix("/"))
        assert (answer.status_code, answer.data) == (308, b"")
        followed = rows.call("GET", answer.headers["Location"].removeprefix("http://localhost"))
        assert ok(followed) == made


def test_wrong_methods(rows: Catalogue) -> None:
    rows.create("M")
    detail_methods = {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"}
    paths = {
        rows.base: {"GET", "HEAD", "OPTIONS", "POST"},
        rows.path("M"): detail_methods,
        f"{rows.base}by-code/": detail_methods,
        rows.path("M", "restore/"): {"OPTIONS", "POST"},
        rows.path("M", "history/"): {"GET", "HEAD", "OPTIONS"},
        f"{rows.base}by-code/restore/": {"OPTIONS", "POST"},
        f"{rows.base}changes/": {"GET", "HEAD", "OPTIONS"},
    }
    for path, allowed in paths.items():
        for method in sorted({"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PURGE"} - allowed):
            answer = rows.call(method, path, json={})
            refused(answer, {"detail": f'Method "{method}" not allowed.'}, 405)
            assert set(answer.headers["Allow"].split(", ")) == allowed


def test_unknown_address(client: FlaskClient) -> None:
    for path in (
        "/api/",
        "/api/v2/",
        "/api/v1/unknown/",
        "/api/v1/unknown/x/",
        "/admin/",
        "/x" * 2000,
    ):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.get_json() == {"detail": "Not found."}


def test_head_and_options(rows: Catalogue) -> None:
    rows.create("H")
    for path in (rows.base, rows.path("H")):
        head, get = rows.call("HEAD", path), rows.call("GET", path)
        assert (head.status_code, head.data) == (200, b"")
        assert head.headers["ETag"] == get.headers["ETag"]
        options = rows.call("OPTIONS", path)
        assert (options.status_code, options.data) == (200, b"")
        assert "Content-Type" not in options.headers
        assert "GET" in options.headers["Allow"]


def test_empty_answers_have_no_type(projects: Catalogue) -> None:
    projects.create("T")
    for answer in (
        projects.call("GET", projects.base.removesuffix("/")),
        projects.delete("T"),
        projects.call("OPTIONS", "/api/token/"),
    ):
        assert answer.data == b""
        assert "Content-Type" not in answer.headers
