"""``bulk`` and ``import-xlsx`` as HTTP: bodies, sizes, reports, files, who may."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import python_calamine
import xlsxwriter
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from tests.transfer.conftest import Desk, items, ndjson

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEST_LIMIT_MB = 1


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[..., io.BytesIO]:
    """Make a workbook of rows of cells: ``sheet([["code_1c", "name"], ["1", "a"]])``."""

    def make(rows: list[list[Any]], name: str = "Лист1") -> io.BytesIO:
        target = io.BytesIO()
        with xlsxwriter.Workbook(target, {"in_memory": True}) as workbook:
            page = workbook.add_worksheet(name)
            for number, cells in enumerate(rows):
                page.write_row(number, 0, cells)
        target.seek(0)
        return target

    return make


def cells_of(content: bytes) -> dict[str, list[list[Any]]]:
    """The cells of a workbook by sheet."""
    with python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)) as workbook:
        return {
            name: workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            for name in workbook.sheet_names
        }


def test_an_array_and_an_object_with_items(desk: Desk) -> None:
    assert desk.report(items(1))["created"] == 1
    assert desk.report({"items": items(1, 2)})["created"] == 1
    assert desk.report([]) == desk.report({"items": []})


@pytest.mark.parametrize("content", [b"{", b'{"rows": []}', b'"text"', b"null", b"", b"\xff"])
def test_json_that_holds_no_rows(desk: Desk, content: bytes) -> None:
    answer = desk.client.post(
        f"{desk.base}bulk/", data=content, content_type="application/json", headers=desk.headers
    )
    assert answer.status_code == 400
    assert list(answer.get_json()) == ["detail"]


def test_5000_rows_of_json_and_no_more(desk: Desk) -> None:
    assert desk.report(items(*range(5000)))["created"] == 5000
    answer = desk.bulk(items(*range(5001)))
    assert answer.status_code == 413
    assert "NDJSON" in answer.get_json()["detail"]
    assert desk.count() == 5000


def test_a_json_body_that_is_too_large_names_ndjson(desk: Desk) -> None:
    answer = desk.bulk(items(*range(120), description="x" * 99_000))
    assert answer.status_code == 413
    assert "NDJSON" in answer.get_json()["detail"]


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data", ""])
def test_other_media_types(desk: Desk, content_type: str) -> None:
    answer = desk.client.post(
        f"{desk.base}bulk/", data=b"[]", content_type=content_type, headers=desk.headers
    )
    assert answer.status_code == 415


def test_ndjson_tells_lines(desk: Desk) -> None:
    body = (
        b'\n{"code_1c": "1", "name": "a"}\n\nnot json\n{"code_1c": "2"}\r\n[1]\n{"code_1c": "3", "name": "b"}'
    )
    report = desk.report(body)
    assert (report["created"], report["failed"]) == (2, 3)
    assert [(error["index"], error["line"], error["code"]) for error in report["errors"]] == [
        (1, 4, None),
        (2, 5, "2"),
        (3, 6, None),
    ]


class Slow:
    """A body of unknown length that gives a little at a time, and counts what was taken."""

    def __init__(self, count: int, width: int) -> None:
        self.rows = (line for number in range(count) for line in [ndjson(items(number, notes="x" * width))])
        self.held = b""
        self.given = 0

    def read(self, size: int) -> bytes:
        self.held = self.held or next(self.rows, b"")
        block, self.held = self.held[:size], self.held[size:]
        self.given += len(block)
        return block


def test_ndjson_beyond_the_usual_limit_of_a_body(desk: Desk) -> None:
    body = Slow(300, 50_000)
    report = desk.report(body)
    assert report["created"] == 300
    assert body.given > 15_000_000


def test_the_outcome_of_every_row(desk: Desk) -> None:
    desk.report(items(1, 2))
    rows = [*items(1), *items(2, brand="X"), *items(3), {"code_1c": "4"}, *items(3)]
    answer = desk.bulk(ndjson(rows), response="full")
    assert (answer.status_code, answer.mimetype) == (200, "application/x-ndjson")
    first, *lines = map(json.loads, answer.data.splitlines())
    assert first["report"]["failed"] == 1
    assert [(line["index"], line["code"], line["outcome"]) for line in lines] == [
        (0, "00001", "unchanged"),
        (1, "00002", "updated"),
        (2, "00003", "superseded"),
        (3, "4", "failed"),
        (4, "00003", "created"),
    ]
    assert lines[3]["errors"] == {"name": ["This field is required."]}


def test_under_reject_the_good_rows_are_told_as_rejected(desk: Desk) -> None:
    answer = desk.bulk([*items(1), {}], response="full", on_error="reject")
    assert answer.status_code == 400
    first, *lines = map(json.loads, answer.data.splitlines())
    assert first["report"]["rejected"] is True
    assert [line["outcome"] for line in lines] == ["rejected", "failed"]


@pytest.mark.parametrize(
    "query", [{"mode": "replace"}, {"on_error": "x"}, {"dry_run": "perhaps"}, {"project_id": "x"}]
)
def test_parameters_that_mean_nothing(desk: Desk, query: dict[str, str]) -> None:
    answer = desk.bulk(items(1), **query)
    assert answer.status_code == 400
    assert list(answer.get_json()) == list(query)
    assert desk.count() == 0


def test_who_may(client: FlaskClient, auth: Callable[..., dict[str, str]]) -> None:
    for path in ("bulk", "import-xlsx"):
        assert client.post(f"/api/v1/project/{path}/", json=[]).status_code == 401
        assert client.post(f"/api/v1/project/{path}/", json=[], headers=auth("viewer")).status_code == 403
        assert client.get(f"/api/v1/project/{path}/", headers=auth()).status_code == 405


def test_a_sheet_in_the_shape_that_clients_know(desk: Desk, sheet: Callable[..., io.BytesIO]) -> None:
    desk.report(items(7))
    file = sheet(
        [
            ["Наименование", "CODE_1C", "Цена", "Lorem", "is_active"],
            ["Чай", "007", 12000.5, "x", "ha"],
            ["Товар 7", "00007", None, "x", "нет"],
            ["", "8", 5, "x", ""],
            ["Сок", 9, "12 000,50", "x", "1"],
        ]
    )
    answer = desk.upload(file)
    assert answer.status_code == 200, answer.text
    report = answer.get_json()
    assert (report["created"], report["updated"], report["failed"]) == (2, 1, 1)
    assert report["errors"] == ["Row 4: name: This field may not be blank."]
    (detail,) = report["errors_json"]
    assert (detail["row"], detail["code"]) == (4, "8")
    assert detail["error"] == "name: This field may not be blank."
    assert detail["errors"] == {"name": ["This field may not be blank."]}
    assert report["extra_columns"] == ["Lorem"]
    assert desk.row("007")["base_price"] == "12000.50"
    assert desk.row("9")["base_price"] == "12000.50"
    assert desk.row("00007")["is_active"] is False
    assert desk.history("007")[0].source == "xlsx"


def test_two_files_are_not_one(desk: Desk) -> None:
    files = [FileStorage(io.BytesIO(f"code_1c;name\n{code};a\n".encode()), "a.csv") for code in "12"]
    boundary, content = encode_multipart(MultiDict([("file", file) for file in files]))
    kind = f"multipart/form-data; boundary={boundary}"
    path = f"{desk.base}import-xlsx/"
    answer = desk.client.post(path, data=content, content_type=kind, headers=desk.headers)
    assert (answer.status_code, answer.get_json()) == (400, {"file": ["Send one file in a request."]})
    assert desk.count() == 0


def test_csv_is_taken_too(desk: Desk) -> None:
    content = "код;наименование\n007;Чай\n".encode("windows-1251")
    assert desk.upload(io.BytesIO(content), "rows.csv").get_json()["created"] == 1
    assert desk.row("007")["name"] == "Чай"


def test_parameters_of_a_sheet_in_the_form_or_the_query(
    desk: Desk, sheet: Callable[..., io.BytesIO], projects: dict[str, int]
) -> None:
    rows = [["code_1c", "name"], ["1", "a"], ["2", ""]]
    answer = desk.upload(sheet(rows), project="P1", on_error="reject")
    assert (answer.status_code, answer.get_json()["rejected"]) == (400, True)
    assert desk.upload(sheet(rows), query_dry_run="true").get_json()["created"] == 1
    assert desk.count() == 0
    assert desk.upload(sheet(rows), project_id=str(projects["P2"])).get_json()["created"] == 1
    assert desk.codes(project="P2") == ["1"]
    assert desk.upload(sheet(rows), project="P9").get_json() == {"project": ['No project matches "P9".']}
    assert desk.upload(sheet(rows), mode="x").status_code == 400


def test_the_sheet_comes_back_with_its_errors(desk: Desk, sheet: Callable[..., io.BytesIO]) -> None:
    rows: list[list[Any]] = [
        ["name", "code_1c", "base_price", "Прочее"],
        ["Чай", "1", 5, "a"],
        ["Сок", "2", "дорого", "b"],
        ["", "3", "=1+1", "c"],
    ]
    answer = desk.upload(sheet(rows), "Прайс.xlsx", report="xlsx")
    assert (answer.status_code, answer.mimetype) == (200, XLSX)
    assert "attachment" in answer.headers["Content-Disposition"]
    found = cells_of(answer.data)
    header, first, second, third = found["Лист1"]
    assert header == ["errors", *rows[0]]
    assert first == ["", "Чай", "1", 5, "a"]
    assert second == ["base_price: A valid number is required.", "Сок", "2", "дорого", "b"]
    assert third[0].startswith("name: This field may not be blank.")
    assert dict(found["Import report"])["failed"] == 2
    # Corrected, it can be sent again as it is.
    again = desk.upload(io.BytesIO(answer.data)).get_json()
    assert (again["unchanged"], again["failed"]) == (1, 2)


def test_a_csv_comes_back_as_a_sheet_with_its_errors(desk: Desk) -> None:
    content = b"code_1c;name\n1;a\n2;\n"
    answer = desk.upload(io.BytesIO(content), "rows.csv", report="xlsx")
    assert answer.status_code == 200
    rows = cells_of(answer.data)["Nomenklatura"]
    assert rows[0] == ["errors", "code_1c", "name"]
    assert rows[2][:2] == ["name: This field may not be blank.", "2"]


def test_what_is_no_sheet(desk: Desk) -> None:
    answer = desk.upload(io.BytesIO(b"no workbook"), "rows.xlsx")
    assert answer.status_code == 400
    assert list(answer.get_json()) == ["file"]
    assert desk.upload(io.BytesIO(b""), "rows.xlsx").get_json() == {"file": ["The submitted file is empty."]}
    path = f"{desk.base}import-xlsx/"
    empty = desk.client.post(
        path, data={"mode": "upsert"}, content_type="multipart/form-data", headers=desk.headers
    )
    assert empty.get_json() == {"file": ["No file was submitted."]}
    assert desk.client.post(path, json=[], headers=desk.headers).status_code == 415
    assert desk.count() == 0


def test_a_file_that_is_too_large(
    make_app: Callable[..., Flask], auth: Callable[..., dict[str, str]]
) -> None:
    headers = auth()
    app = make_app(max_import_mb=TEST_LIMIT_MB)
    desk = Desk(app, app.test_client(), headers)
    content = b"code_1c;name;notes\n" + b"".join(b"%d;x;%s\n" % (n, b"y" * 1000) for n in range(1200))
    answer = desk.upload(io.BytesIO(content), "rows.csv")
    assert answer.status_code == 413
    assert "1 MB" in answer.get_json()["detail"]
    assert desk.upload(io.BytesIO(content[:1_000_000].rpartition(b"\n")[0]), "rows.csv").status_code == 200


def test_a_template_is_filled_in_and_imported(desk: Desk) -> None:
    answer = desk.get("template-xlsx/")
    assert (answer.status_code, answer.mimetype) == (200, XLSX)
    assert 'filename="nomenklatura-template.xlsx"' in answer.headers["Content-Disposition"]
    desk.of("project").report([desk.of("project").resource.example])
    report = desk.upload(io.BytesIO(answer.data)).get_json()
    assert (report["created"], report["errors"]) == (1, [])


def test_nothing_is_left_on_disk(
    desk: Desk, sheet: Callable[..., io.BytesIO], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rows = [["code_1c", "name"], ["1", "a"], ["2", ""]]
    desk.upload(sheet(rows))
    desk.upload(sheet(rows), report="xlsx")
    desk.upload(io.BytesIO(b"PK\x03\x04 broken"))
    desk.bulk(ndjson(items(*range(3000))), response="full", key="a")
    desk.get("export-xlsx/")
    desk.get("template-xlsx/")
    assert list(tmp_path.iterdir()) == []
