"""One family of JSON errors: what is wrong is told in the words that clients know, and nothing more."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.catalog import service
from ecatalog.catalog.resource import Resource
from tests.contract.catalogue import Catalogue, ok, refused

PROBLEM = {"Accept": "application/problem+json"}
NO_TOKEN = {"detail": "Authentication credentials were not provided."}
FORBIDDEN = {"detail": "You do not have permission to perform this action."}
REQUIRED = "This field is required."
SECRET = "SELECT password FROM app_user"

ROW_METHODS = [("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "restore/")]


class TestFieldErrors:
    """The rows of the contract's table, in JSON, in a form and in multipart."""

    CASES: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        ("client", {}, {"client_code_1c": REQUIRED, "name": REQUIRED}),
        ("client", {"client_code_1c": "", "name": " "}, {}),
        ("client", {"credit_limit": "many"}, {"credit_limit": "A valid number is required."}),
        ("client", {"employee_count": "3.5"}, {"employee_count": "A valid integer is required."}),
        ("client", {"is_active": "maybe"}, {"is_active": "Must be a valid boolean."}),
        ("client", {"email": "x"}, {"email": "Enter a valid email address."}),
        (
            "client",
            {"established_date": "31.12.2025"},
            {"established_date": "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."},
        ),
        ("client", {"tax_id": "1" * 51}, {"tax_id": "Ensure this field has no more than 50 characters."}),
        ("nomenklatura", {"rating": "5.01"}, {"rating": "Ensure this value is less than or equal to 5."}),
    ]

    @pytest.mark.parametrize("kind", ["json", "form", "multipart"])
    def test_words(self, client: FlaskClient, editor: dict[str, str], kind: str) -> None:
        from ecatalog.resources import RESOURCES

        by_name = {resource.name: resource for resource in RESOURCES}
        for name, values, messages in self.CASES:
            rows = Catalogue(client, by_name[name], editor)
            body = values if not values or rows.code in values else {rows.code: "C", "name": "N", **values}
            blank = ["This field may not be blank."]
            expected = {key: [text] for key, text in messages.items()} or {rows.code: blank, "name": blank}
            refused(send(rows, "POST", rows.base, body, kind), expected)

    def test_null(self, rows: Catalogue) -> None:
        null = ["This field may not be null."]
        refused(rows.post({rows.code: None, "name": None}), {rows.code: null, "name": null})

    def test_choice(self, rows: Catalogue) -> None:
        answer = rows.call("GET", rows.base, query_string={"ordering": "X"})
        refused(answer, {"ordering": ['"X" is not a valid choice.']})

    def test_all_wrong_fields_are_named_at_once(self, rows: Catalogue) -> None:
        body = {rows.code: "x" * 300, "name": "x" * 300, "is_active": 5, "is_deleted": "?"}
        answer = rows.post(body)
        assert answer.status_code == 400
        assert set(answer.get_json()) == set(body)

    @pytest.mark.parametrize("kind", ["form", "multipart"])
    def test_forms_are_read(self, rows: Catalogue, kind: str) -> None:
        body = {rows.code: "F 1", "name": "Шакл", "is_active": "off"}
        row = ok(send(rows, "POST", rows.base, body, kind), 201)
        assert (row[rows.code], row["name"], row["is_active"]) == ("F 1", "Шакл", False)
        changed = ok(send(rows, "PATCH", rows.path("F 1"), {"name": "Янги"}, kind))
        assert changed == {**row, "name": "Янги", "updated_at": changed["updated_at"]}
        put = ok(send(rows, "PUT", rows.path("F 1"), {rows.code: "F 1", "name": "Яна"}, kind))
        assert (put["name"], put["is_active"]) == ("Яна", False)


def send(rows: Catalogue, method: str, path: str, body: dict[str, Any], kind: str) -> Any:
    if kind == "json":
        return rows.call(method, path, json=body)
    content_type = {"form": "application/x-www-form-urlencoded", "multipart": "multipart/form-data"}[kind]
    return rows.call(method, path, data=body, content_type=content_type)


class TestBodies:
    """Bodies that are no rows."""

    def raw(self, rows: Catalogue, body: bytes | str, content_type: str = "application/json") -> Any:
        return rows.call("POST", rows.base, data=body, content_type=content_type)

    @pytest.mark.parametrize(
        "body",
        [
            "{",
            '{"name": }',
            "{'name': 'x'}",
            '{"name": "x",}',
            "name=x",
            '{"rating": NaN}',
            '{"rating": Infinity}',
            '{"rating": -Infinity}',
            '{"name": "\x01"}',
            b"\xff\xfe",
            b'{"name": "\xff"}',
            r'{"name": "\ud800"}',
            r'{"\udfff": 1}',
            "[" * 100_000,
            '{"a":' * 5000 + "1" + "}" * 5000,
        ],
        ids=lambda body: repr(body[:20]),
    )
    def test_malformed_json(self, projects: Catalogue, body: bytes | str) -> None:
        for method, path in (("POST", projects.base), ("PATCH", projects.path("x"))):
            answer = projects.call(method, path, data=body, content_type="application/json")
            assert answer.status_code == 400
            assert set(answer.get_json()) == {"detail"}
            assert answer.get_json()["detail"].startswith("JSON parse error - ")

    def test_numbers_that_no_float_holds(self, projects: Catalogue, rows: Catalogue) -> None:
        body = f'{{"{rows.code}": "N", "name": 1e400}}'
        assert self.raw(rows, body).status_code in (201, 400)
        big = f'{{"{rows.code}": "M", "name": {"9" * 500}}}'
        assert self.raw(rows, big).status_code in (201, 400)

    def test_other_json_than_an_object(self, rows: Catalogue) -> None:
        for body, kind in (("[]", "list"), ("[{}]", "list"), ('"x"', "str"), ("1", "int"), ("true", "bool")):
            message = f"Invalid data. Expected a dictionary, but got {kind}."
            refused(self.raw(rows, body), {"non_field_errors": [message]})
        assert self.raw(rows, "null").status_code == 400

    def test_empty_body(self, rows: Catalogue) -> None:
        both = {rows.code: [REQUIRED], "name": [REQUIRED]}
        refused(self.raw(rows, ""), both)
        refused(self.raw(rows, " \n "), both)
        refused(rows.call("POST", rows.base), both)
        row = rows.create("E")
        assert ok(rows.call("PATCH", rows.path("E"))) == row

    @pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "text/html", "image/png"])
    def test_wrong_content_type(self, rows: Catalogue, content_type: str) -> None:
        message = {"detail": f'Unsupported media type "{content_type}" in request.'}
        rows.create("C")
        refused(self.raw(rows, "{}", content_type), message, 415)
        for method in ("PUT", "PATCH"):
            answer = rows.call(
                method, rows.path("C"), data="{}", content_type=f"{content_type}; charset=utf-8"
            )
            refused(answer, message, 415)

    def test_json_with_a_character_set(self, rows: Catalogue) -> None:
        body = f'{{"{rows.code}": "Ш", "name": "Ш"}}'.encode()
        assert self.raw(rows, body, "application/json; charset=utf-8").status_code == 201

    def test_too_large(self, rows: Catalogue) -> None:
        body = b'{"name": "' + b"x" * (10 * 1024 * 1024) + b'"}'
        answer = self.raw(rows, body)
        refused(answer, {"detail": "Request body is too large."}, 413)
        rows.create("L")
        large = {"detail": "Request body is too large."}
        for kind in ("application/json", "application/x-www-form-urlencoded"):
            refused(rows.call("PATCH", rows.path("L"), data=body, content_type=kind), large, 413)

    def test_characters_that_no_database_holds(self, rows: Catalogue) -> None:
        body = {rows.code: "a\0", "name": "\0"}
        null = ["Null characters are not allowed."]
        refused(rows.post(body), {rows.code: null, "name": null})
        refused(send(rows, "POST", rows.base, body, "form"), {rows.code: null, "name": null})
        rows.create("🙂", name="\u2028 \ufffe 𝒜 \u202e")

    def test_form_bytes_that_are_no_text(self, rows: Catalogue) -> None:
        answer = self.raw(rows, b"name=%FF%FE&x=%ED%A0%80", "application/x-www-form-urlencoded")
        assert answer.status_code == 400


class TestWhoMayDoWhat:
    def test_anonymous_writes(self, client: FlaskClient, rows: Catalogue, resource: Resource) -> None:
        row = rows.create("A")
        stranger = Catalogue(client, resource, {})
        calls = [("POST", resource_path) for resource_path in (stranger.base,)]
        calls += [(method, stranger.path("A", suffix)) for method, suffix in ROW_METHODS]
        calls += [(method, f"{stranger.base}by-code/{suffix}?code=A") for method, suffix in ROW_METHODS]
        calls += [("GET", stranger.path("A", "history/")), ("GET", f"{stranger.base}by-code/history/?code=A")]
        for method, path in calls:
            answer = stranger.call(method, path, json=stranger.body())
            refused(answer, NO_TOKEN, 401)
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'
        assert ok(rows.get("A")) == row
        assert rows.page()["count"] == 1

    def test_anonymous_reads(self, client: FlaskClient, rows: Catalogue, resource: Resource) -> None:
        row = rows.create("A")
        stranger = Catalogue(client, resource, {})
        paths = ["", "A/", "by-code/?code=A", "changes/"]
        answers = [stranger.call("GET", stranger.base + path) for path in paths]
        if resource.anonymous_read:
            assert [answer.status_code for answer in answers] == [200] * 4
            assert answers[1].get_json() == row
        else:
            for answer in answers:
                refused(answer, NO_TOKEN, 401)
                assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'

    def test_clients_alone_need_a_token_to_be_read(self) -> None:
        from ecatalog.resources import RESOURCES

        reading = {resource.name: resource.anonymous_read for resource in RESOURCES}
        assert reading == {"project": True, "client": False, "nomenklatura": True}

    def test_strangers_do_not_learn_what_exists(self, client: FlaskClient) -> None:
        for path in ("/api/v1/client/nobody/", "/api/v1/client/?page=9", "/api/v1/client/?is_active=x"):
            refused(client.get(path), NO_TOKEN, 401)

    def test_viewer(
        self, client: FlaskClient, rows: Catalogue, resource: Resource, auth: Callable[..., dict[str, str]]
    ) -> None:
        row = rows.create("V")
        viewer = Catalogue(client, resource, auth("viewer"))
        assert ok(viewer.get("V")) == row
        assert viewer.page()["count"] == 1
        assert viewer.changes()["results"]
        assert len(viewer.history("V")) == 1
        calls = [
            ("POST", viewer.base),
            *((method, viewer.path("V", suffix)) for method, suffix in ROW_METHODS),
        ]
        calls += [(method, f"{viewer.base}by-code/{suffix}?code=V") for method, suffix in ROW_METHODS]
        for method, path in calls:
            refused(viewer.call(method, path, json=viewer.body()), FORBIDDEN, 403)
            # what is in the body does not matter before that
            answer = viewer.call(method, path, data="{", content_type="application/json")
            refused(answer, FORBIDDEN, 403)
        assert ok(rows.get("V")) == row

    def test_admin_writes(
        self, client: FlaskClient, resource: Resource, auth: Callable[..., dict[str, str]]
    ) -> None:
        Catalogue(client, resource, auth("admin")).create()

    def test_bad_token(self, client: FlaskClient, rows: Catalogue, resource: Resource) -> None:
        rows.create("B")
        stranger = Catalogue(client, resource, {"Authorization": "Bearer nonsense"})
        for method, path in (("GET", stranger.base), ("GET", stranger.path("B")), ("POST", stranger.base)):
            answer = stranger.call(method, path, json=stranger.body())
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'
            body = answer.get_json()
            assert body["detail"] == "Given token not valid for any token type"
            assert body["code"] == "token_not_valid"


class TestPathsAndMethods:
    def test_missing_slash(self, rows: Catalogue) -> None:
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

    def test_redirect_keeps_method_body_and_query(self, rows: Catalogue) -> None:
        body = rows.body("K")
        answer = rows.call("POST", rows.base.removesuffix("/"), json=body, follow_redirects=True)
        assert ok(answer, 201)[rows.code] == "K"
        answer = rows.call(
            "PATCH", rows.path("K").removesuffix("/"), json={"name": "N"}, follow_redirects=True
        )
        assert ok(answer)["name"] == "N"
        answer = rows.call("GET", rows.base.removesuffix("/") + "?page_size=1&search=%D0%B9")
        assert answer.headers["Location"].endswith(f"{rows.base}?page_size=1&search=%D0%B9")

    def test_missing_slash_of_special_codes(self, rows: Catalogue) -> None:
        for code in ("a/b", "a//b", "НФ 1", "50%", "a#b", "a?b=c"):
            made = rows.create(code)
            answer = rows.call("GET", rows.path(code).removesuffix("/"))
            assert (answer.status_code, answer.data) == (308, b"")
            followed = rows.call("GET", answer.headers["Location"].removeprefix("http://localhost"))
            assert ok(followed) == made

    def test_wrong_methods(self, rows: Catalogue) -> None:
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

    def test_unknown_address(self, client: FlaskClient) -> None:
        for path in (
            "/",
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

    def test_head_and_options(self, rows: Catalogue) -> None:
        rows.create("H")
        for path in (rows.base, rows.path("H")):
            head, get = rows.call("HEAD", path), rows.call("GET", path)
            assert (head.status_code, head.data) == (200, b"")
            assert head.headers["ETag"] == get.headers["ETag"]
            assert rows.call("OPTIONS", path).status_code in (200, 204)


class TestProblemDetails:
    """The same facts as RFC 9457 for those who ask."""

    def test_field_errors(self, rows: Catalogue) -> None:
        answer = rows.call("POST", rows.base, json={}, headers=PROBLEM)
        assert answer.content_type == "application/problem+json"
        assert answer.get_json() == {
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "detail": "Invalid input.",
            "errors": {rows.code: [REQUIRED], "name": [REQUIRED]},
        }

    def test_details(self, client: FlaskClient, rows: Catalogue) -> None:
        stranger = Catalogue(client, rows.resource, {})
        missing = f"No {rows.resource.label} matches the given query."
        cases = [
            (rows.call("GET", rows.path("x"), headers=PROBLEM), 404, "Not Found", missing),
            (
                rows.call("PUT", rows.base, headers=PROBLEM),
                405,
                "Method Not Allowed",
                'Method "PUT" not allowed.',
            ),
            (stranger.call("POST", rows.base, headers=PROBLEM), 401, "Unauthorized", NO_TOKEN["detail"]),
        ]
        for answer, status, title, detail in cases:
            assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
            expected = {"type": "about:blank", "title": title, "status": status, "detail": detail}
            assert answer.get_json() == expected
        assert "WWW-Authenticate" in cases[2][0].headers
        assert "Allow" in cases[1][0].headers

    def test_other_members_stay(self, children: Catalogue, projects: Catalogue) -> None:
        owner = projects.create()
        children.create("T")
        children.create("T", project_id=owner["id"])
        body = children.get("T", headers=PROBLEM).get_json()
        assert (body["status"], body["title"]) == (409, "Conflict")
        assert [project and project["id"] for project in body["projects"]] == [None, owner["id"]]

    def test_success_stays_json(self, rows: Catalogue) -> None:
        rows.create("J")
        answer = rows.get("J", headers=PROBLEM)
        assert (answer.status_code, answer.content_type) == (200, "application/json")

    def test_any_other_accept_gets_json(self, rows: Catalogue) -> None:
        for accept in ("text/html", "*/*", "application/xml", ""):
            answer = rows.get("nobody", headers={"Accept": accept})
            assert (answer.status_code, answer.content_type) == (404, "application/json")


class TestUnforeseen:
    """Failures of ours: an id that finds the trace in the log, and no word about the cause."""

    @pytest.fixture
    def fail(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
        def install(error: Exception) -> None:
            def raise_it(*_arguments: Any, **_keywords: Any) -> Any:
                raise error

            for name in ("find", "create", "change"):
                monkeypatch.setattr(service, name, raise_it)

        return install

    def calls(self, rows: Catalogue) -> list[Any]:
        return [
            rows.call("GET", rows.path("X"), headers={"X-Request-ID": "id-1"}),
            rows.call("POST", rows.base, json=rows.body(), headers={"X-Request-ID": "id-1"}),
            rows.call("PATCH", rows.path("X"), json={}, headers={"X-Request-ID": "id-1"}),
        ]

    @pytest.mark.parametrize(
        "error",
        [
            RuntimeError(SECRET),
            KeyError(SECRET),
            sa.exc.ProgrammingError(SECRET, {}, Exception(SECRET)),
            sa.exc.IntegrityError(SECRET, {}, Exception(SECRET)),
            sa.exc.DataError(SECRET, {}, Exception(SECRET)),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_internal_error(
        self,
        projects: Catalogue,
        fail: Callable[[Exception], None],
        error: Exception,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        fail(error)
        for answer in self.calls(projects):
            refused(answer, {"detail": "Internal server error.", "request_id": "id-1"}, 500)
            assert answer.headers["X-Request-ID"] == "id-1"
        logged = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert len(logged) == 3
        assert all(record.exc_info and record.exc_info[1] is error for record in logged)

    def test_database_away(self, projects: Catalogue, fail: Callable[[Exception], None]) -> None:
        for error in (sa.exc.OperationalError(SECRET, {}, Exception(SECRET)), sa.exc.TimeoutError(SECRET)):
            fail(error)
            for answer in self.calls(projects):
                detail = {"detail": "Service temporarily unavailable, try again later."}
                refused(answer, detail, 503)
                assert int(answer.headers["Retry-After"]) > 0

    def test_as_problem_details(self, projects: Catalogue, fail: Callable[[Exception], None]) -> None:
        fail(RuntimeError(SECRET))
        answer = projects.call("GET", projects.path("X"), headers=PROBLEM)
        assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
        assert answer.get_json()["request_id"] == answer.headers["X-Request-ID"]
        assert SECRET not in answer.get_data(as_text=True)

    def test_a_failed_write_leaves_nothing(
        self, app: Flask, rows: Catalogue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail_late(*_arguments: Any) -> None:
            raise RuntimeError(SECRET)

        rows.create("before")
        with monkeypatch.context() as patch:
            patch.setattr("ecatalog.catalog.clock.add_live_rows", fail_late)
            assert rows.post(rows.body("never")).status_code == 500
            assert rows.delete("before").status_code == 500
        assert rows.get("never").status_code == 404
        assert rows.codes() == ["before"]
        assert [entry["code"] for entry in rows.changes()["results"]] == ["before"]
        assert len(rows.history("before")) == 1
        rows.create("never")
        assert rows.page()["count"] == 2
