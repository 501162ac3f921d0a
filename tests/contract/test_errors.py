"""One family of JSON errors: what is wrong is told in the words that clients know, and nothing more."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.contract.catalogue import Catalogue, ok, refused

REQUIRED = "This field is required."


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

    def test_json_with_a_byte_order_mark(self, projects: Catalogue) -> None:
        body = '\ufeff{"code_1c": "B", "name": "1C writes its files so"}'
        assert self.raw(projects, body).status_code == 201
        assert projects.get("B").get_json()["name"] == "1C writes its files so"

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
