"""The exports as HTTP: filters, one snapshot, names, who may."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, cast

import pytest
import python_calamine
from flask.testing import FlaskClient

from ecatalog.config import Settings
from ecatalog.transfer import export
from tests.transfer.conftest import Desk, items, ndjson

TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
}
CODES = {"project": "code_1c", "client": "client_code_1c", "nomenklatura": "code_1c"}


def codes(desk: Desk, form: str, **query: Any) -> list[str]:
    """The codes of an export in its order."""
    answer = desk.get(f"export-{form}/", **query)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == TYPES[form]
    if form == "ndjson":
        return [json.loads(line)[desk.resource.code] for line in answer.data.splitlines()]
    if form == "csv":
        lines = answer.data.decode("utf-8-sig").splitlines()
        return [line.split(";")[0] for line in lines[1:]]
    with python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(answer.data)) as workbook:
        return [str(row[0]) for row in workbook.get_sheet_by_index(0).to_python()[1:]]


@pytest.mark.parametrize("form", TYPES)
def test_filters_search_and_ordering_are_those_of_the_list(
    desk: Desk, projects: dict[str, int], form: str
) -> None:
    rows = [*items(1, 2, 3, project="P1", base_price="5"), *items(4, base_price="50"), *items(5)]
    desk.report(rows)
    desk.client.delete(f"{desk.base}00005/", headers=desk.headers)
    assert codes(desk, form, ordering="code_1c") == ["00001", "00002", "00003", "00004"]
    assert codes(desk, form, ordering="-code_1c", project="P1") == ["00003", "00002", "00001"]
    assert codes(desk, form, price_min="10") == ["00004"]
    assert codes(desk, form, search="товар 2") == ["00002"]
    assert codes(desk, form, project_id="null") == ["00004"]
    assert codes(desk, form, name="none") == []
    for query in ({"ordering": "secret"}, {"price_min": "x"}):
        assert desk.get(f"export-{form}/", **query).status_code == 400


def test_rows_are_those_of_the_api(desk: Desk, projects: dict[str, int]) -> None:
    desk.report(items(1, project="P1", base_price="5", metadata={"a": 1}))
    (line,) = desk.get("export-ndjson/").data.splitlines()
    assert json.loads(line) == desk.row("00001")


@pytest.mark.parametrize("form", TYPES)
@pytest.mark.parametrize("name", CODES)
def test_every_resource_comes_out_and_goes_in_again(desk: Desk, name: str, form: str) -> None:
    desk = desk.of(name)
    desk.report([{CODES[name]: "007", "name": "=1+1", "description": "<p>-5</p>"}])
    content = desk.get(f"export-{form}/").data
    if form == "ndjson":
        assert desk.report(content)["unchanged"] == 1
    else:
        report = desk.upload(io.BytesIO(content), f"rows.{form}").get_json()
        assert (report["unchanged"], report["errors"], report["extra_columns"]) == (1, [], [])


@pytest.mark.parametrize("form", TYPES)
def test_file_names_and_caching(desk: Desk, form: str, settings: Settings) -> None:
    answer = desk.get(f"export-{form}/")
    today = datetime.now(settings.timezone).date().isoformat()
    name = f"nomenklatura-{today}.{form}"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("form", [*TYPES, "template"])
@pytest.mark.parametrize("name", CODES)
def test_every_export_needs_a_token(
    client: FlaskClient, auth: Callable[..., dict[str, str]], name: str, form: str
) -> None:
    path = f"/api/v1/{name}/{'template-xlsx' if form == 'template' else f'export-{form}'}/"
    assert client.get(path).status_code == 401
    for method in ("GET", "HEAD"):
        with client.open(path, method=method, headers=auth("viewer")) as answer:
            assert answer.status_code == 200
    assert client.post(path, headers=auth()).status_code == 405


def test_a_long_export_shows_one_moment(desk: Desk) -> None:
    """What is written while it is sent is not in it, neither in rows before nor behind."""
    desk.report(ndjson(items(*range(3000))))
    answer = desk.client.get(
        f"{desk.base}export-ndjson/",
        headers=desk.headers,
        query_string={"ordering": "code_1c"},
        buffered=False,
    )
    blocks = cast("Iterator[bytes]", iter(answer.response))
    first = next(blocks)
    changed = items(*range(3000), brand="changed")
    other = Desk(desk.app, desk.app.test_client(), desk.headers)
    assert other.report(ndjson([*changed, {"code_1c": "00000a", "name": "new"}]))["updated"] == 3000
    rows = [json.loads(line) for line in b"".join([first, *blocks]).splitlines()]
    answer.close()
    assert [row["code_1c"] for row in rows] == [f"{number:05}" for number in range(3000)]
    assert {row["brand"] for row in rows} == {None}


def test_an_export_that_nobody_reads_to_its_end_frees_its_connection(desk: Desk) -> None:
    desk.report(ndjson(items(*range(3000))))
    for _ in range(20):  # more than the pool has
        answer = desk.client.get(f"{desk.base}export-csv/", headers=desk.headers, buffered=False)
        next(iter(answer.response))
        answer.close()
    assert codes(desk, "csv", name="none") == []


def test_more_rows_than_xlsx_may_have(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MAX_XLSX_ROWS", 2)
    desk.report(items(1, 2))
    assert codes(desk, "xlsx", ordering="code_1c") == ["00001", "00002"]
    desk.report(items(3))
    answer = desk.get("export-xlsx/")
    assert answer.status_code == 413
    assert "export-csv" in answer.get_json()["detail"]
    assert codes(desk, "xlsx", ordering="code_1c", code_contains="2") == ["00002"]
