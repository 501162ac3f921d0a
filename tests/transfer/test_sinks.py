"""What goes out comes in again: sinks and sources together, for rows of any content."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from ecatalog.catalog.resource import Resource
from ecatalog.resources import RESOURCES
from ecatalog.transfer.columns import export_columns
from ecatalog.transfer.csv_sink import csv_lines
from ecatalog.transfer.csv_source import csv_rows
from ecatalog.transfer.ndjson import ndjson_rows
from ecatalog.transfer.ndjson_sink import ndjson_lines
from ecatalog.transfer.rows import SourceInfo, SourceRow
from ecatalog.transfer.template import write_template
from ecatalog.transfer.xlsx_sink import write_xlsx
from ecatalog.transfer.xlsx_source import xlsx_rows
from tests.transfer.rows import AWKWARD, loaded, rendered, sent_rows

Row = dict[str, Any]
Through = Callable[[Resource, Iterable[Row], Path], list[SourceRow]]
BY_NAME = {resource.name: resource for resource in RESOURCES}
CLIENT, ITEM = BY_NAME["client"], BY_NAME["nomenklatura"]


def through_xlsx(resource: Resource, rows: Iterable[Row], folder: Path) -> list[SourceRow]:
    write_xlsx(folder / "rows.xlsx", resource, rows)
    return list(xlsx_rows(folder / "rows.xlsx", resource))


def through_csv(resource: Resource, rows: Iterable[Row], folder: Path) -> list[SourceRow]:
    (folder / "rows.csv").write_bytes(b"".join(csv_lines(resource, rows)))
    return list(csv_rows(folder / "rows.csv", resource))


def through_ndjson(resource: Resource, rows: Iterable[Row], folder: Path) -> list[SourceRow]:
    return list(ndjson_rows(io.BytesIO(b"".join(ndjson_lines(rows)))))


WAYS = {"xlsx": through_xlsx, "csv": through_csv, "ndjson": through_ndjson}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("resource", RESOURCES, ids=BY_NAME)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_exported_imports_again_as_it_was(
    resource: Resource, way: Through, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    sent = data.draw(st.lists(sent_rows(resource), min_size=1, max_size=4))
    # What is stored has gone through the schema.
    rows = [loaded(resource, row) for row in sent]

    found = way(resource, [rendered(resource, row) for row in rows], tmp_path_factory.mktemp("way"))

    assert [row.errors for row in found] == [None] * len(rows)
    assert [loaded(resource, row.values or {}) for row in found] == rows
    assert [row.index for row in found] == list(range(len(rows)))


def item(number: int = 1, **fields: Any) -> Row:
    """A rendered item in which all is null but what is given."""
    sent = {"code_1c": f"{number:05d}", "name": "x", "is_active": True, "is_deleted": False, "project": None}
    row = loaded(ITEM, sent | fields)
    return rendered(ITEM, row | {key: None for key in ITEM.fields if key not in row})


@pytest.mark.parametrize("way", [through_xlsx, through_csv])
def test_awkward_texts_come_back(way: Through, tmp_path: Path) -> None:
    rows = [item(number, notes=text) for number, text in enumerate(AWKWARD)]
    found = way(ITEM, rows, tmp_path)
    assert [row.values and row.values["notes"] for row in found] == [row["notes"] for row in rows]


def test_text_is_no_formula_number_or_link_in_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "rows.xlsx"
    texts = ["=1+1", "+998901234567", "-1", "@x", "007", "https://example.com", "<r><t>raw</t></r>"]
    write_xlsx(path, ITEM, [item(number, sku=text) for number, text in enumerate(texts)])
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "<hyperlink" not in sheet and "&lt;r&gt;&lt;t&gt;raw" in sheet
    column = [name for name, _ in export_columns(ITEM)].index("sku")
    cells = [row[column] for row in CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()[1:]]
    assert cells == texts


def test_csv_is_for_excel_in_a_locale_with_decimal_commas() -> None:
    rows = [item(base_price="12000.50", sku="=1+1", barcode="+998", notes="a;b")]
    text = b"".join(csv_lines(ITEM, rows)).decode()
    header, line, end = text.split("\r\n")
    cells = dict(zip(header.removeprefix("\ufeff").split(";"), line.split(";"), strict=False))
    assert text.startswith("\ufeffcode_1c;project;name;") and end == ""
    assert cells["base_price"] == "12000,50"
    assert (cells["sku"], cells["barcode"]) == ("'=1+1", "'+998")
    assert '"a;b"' in line


def test_numbers_dates_and_booleans_are_cells_of_their_kind(tmp_path: Path) -> None:
    path = tmp_path / "rows.xlsx"
    write_xlsx(
        path, ITEM, [item(base_price="1234567890123.45", expiry_date="2026-01-31", popularity_score=7)]
    )
    names, cells = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    row = dict(zip(names, cells, strict=True))
    assert row["base_price"] == 1234567890123.45
    assert str(row["expiry_date"]) == "2026-01-31" and not isinstance(row["expiry_date"], str)
    assert row["popularity_score"] == 7.0
    assert row["is_active"] is True


def test_rows_that_one_sheet_does_not_take_go_on_in_the_next(tmp_path: Path) -> None:
    path = tmp_path / "rows.xlsx"
    info = SourceInfo()
    assert write_xlsx(path, ITEM, (item(number) for number in range(25)), rows_per_sheet=10) == 25
    assert CalamineWorkbook.from_path(path).sheet_names == ["Sheet 1", "Sheet 2", "Sheet 3"]
    found = list(xlsx_rows(path, ITEM, info))
    assert [row.values and row.values["code_1c"] for row in found] == [f"{n:05d}" for n in range(25)]
    assert [row.index for row in found] == list(range(25))
    assert (found[10].sheet, found[10].line) == ("Sheet 2", 2)
    assert info.total_rows == 25 and info.extra_columns == [] and info.skipped_sheets == []


def test_texts_longer_than_a_cell_are_kept_whole(tmp_path: Path) -> None:
    notes = ["Ы" * 40_000, "x" * 32_767, "😀" * 20_000, "→ Long texts: 1", "short", "a" * 100_000]
    rows = [item(number, notes=text) for number, text in enumerate(notes)]
    rows[0]["metadata"] = {"long": "Я" * 50_000}
    found = through_xlsx(ITEM, rows, tmp_path)
    assert [row.values and row.values["notes"] for row in found] == notes
    assert found[0].values is not None and found[0].values["metadata"] == rows[0]["metadata"]
    names = CalamineWorkbook.from_path(tmp_path / "rows.xlsx").sheet_names
    assert names == ["Sheet 1", "Long texts"]


def test_what_xml_cannot_hold_is_replaced_visibly(tmp_path: Path) -> None:
    (found,) = through_xlsx(ITEM, [item(notes="a\ufffeb\uffffc")], tmp_path)
    assert found.values is not None and found.values["notes"] == "a\ufffdb\ufffdc"


def test_export_of_nothing_is_a_header_alone(tmp_path: Path) -> None:
    assert through_xlsx(ITEM, [], tmp_path) == []
    assert through_csv(ITEM, [], tmp_path) == []


def test_columns_of_an_export() -> None:
    names = [name for name, _ in export_columns(CLIENT)]
    assert names[:3] == ["client_code_1c", "project", "name"]
    assert names[-2:] == ["created_at", "updated_at"]
    assert "metadata" in names and "id" not in names and "project_id" not in names
    assert len(names) == len(set(names))


@pytest.mark.parametrize("resource", RESOURCES, ids=BY_NAME)
def test_a_template_imports_as_its_example(resource: Resource, tmp_path: Path) -> None:
    path = tmp_path / "template.xlsx"
    write_template(path, resource)
    (row,) = xlsx_rows(path, resource)
    assert row.errors is None and row.values is not None
    given = {key: value for key, value in loaded(resource, row.values).items() if value not in (None, [], {})}
    assert given == loaded(resource, resource.example)


def test_a_template_explains_and_protects(tmp_path: Path) -> None:
    path = tmp_path / "template.xlsx"
    write_template(path, CLIENT)
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        notes = archive.read("xl/comments1.xml").decode()
        styles = archive.read("xl/styles.xml").decode()
    assert '<pane xSplit="1" ySplit="1"' in sheet
    assert sheet.count("<dataValidation ") == 2  # is_active, is_deleted
    assert "Required." in notes and "at most 100 characters" in notes and "from 0 to 100" in notes
    text = styles.split('formatCode="@"')[0].rsplit('numFmtId="', 1)[1].strip('" ')
    names = [name for name, field in export_columns(CLIENT) if field is not None]
    for name in ("client_code_1c", "tax_id", "phone", "postal_code"):
        column = names.index(name) + 1
        (tag,) = [part for part in sheet.split("<col ") if part.startswith(f'min="{column}" max="{column}"')]
        style = int(tag.split('style="')[1].split('"')[0])
        assert styles.split("<cellXfs")[1].split("<xf ")[1:][style].startswith(f'numFmtId="{text}"'), name
