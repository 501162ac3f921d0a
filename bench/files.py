"""Workbooks in and out, over HTTP and on the command line, and whether they come back equal."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

import python_calamine
import xlsxwriter
from rich.table import Table

from bench.house import House, aim, timed
from bench.rows import ndjson, post_ndjson, wide_row


def measure_sheet(house: House, count: int, table: Table) -> None:
    """Import a sheet of 40 filled columns beside reading it alone and the bulk upsert of such rows."""
    body = ndjson([wide_row(number, "N") for number in range(count)])
    with tempfile.TemporaryDirectory() as folder:
        sheet = Path(folder, "sheet.xlsx")
        write_sheet(sheet, count)
        bulk = timed(lambda: post_ndjson(house, body))
        reading = timed(lambda: read_alone(sheet))
        before = house.worker_peak()
        taken = timed(lambda: upload(house, sheet, created=count))
        grown = house.worker_peak() - before
    ratio = taken / (reading + bulk)
    table.add_row("calamine alone", f"{count / reading:,.0f} rows/s", "")
    table.add_row("HTTP bulk", f"{count / bulk:,.0f} rows/s", "")
    table.add_row(
        "HTTP import-xlsx", f"{count / taken:,.0f} rows/s", aim(f"{ratio:.2f} × (both) (< 3)", met=ratio < 3)
    )
    table.add_row("worker's growth", f"{grown:.0f} MB", aim("under 80 MB", met=grown < 80))


def measure_round(house: House, count: int, table: Table) -> None:
    """A workbook in and out, through HTTP and the command line. Raises RuntimeError if they differ."""
    other = house.beside()
    with tempfile.TemporaryDirectory() as folder:
        sheet, exported, back = (Path(folder, f"{name}.xlsx") for name in ("sheet", "export", "back"))
        write_sheet(sheet, count)
        steps = {
            "HTTP import-xlsx": lambda: upload(house, sheet, created=count),
            "HTTP export-xlsx": lambda: download(house, exported),
            "HTTP import-xlsx of the export": lambda: upload(house, exported, unchanged=count),
            "flask catalog import": lambda: import_by_command(other, sheet, created=count),
            "flask catalog export": lambda: export_by_command(other, back),
            "flask catalog import of the export": lambda: import_by_command(other, back, unchanged=count),
        }
        for name, step in steps.items():
            table.add_row(name, f"{count / timed(step):,.0f} rows/s", "")
        if digest(exported) != digest(back):
            raise RuntimeError("the two exports differ")
        table.add_row("cells of both exports", "equal", aim("equal", met=True))


def write_sheet(path: Path, count: int) -> None:
    """A workbook of items with 40 filled columns, numbers as numbers."""
    names = list(wide_row(0, "X"))
    numbers = {name for name, value in wide_row(0, "X").items() if _is_decimal(value)}
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, names)
        for number in range(count):
            values = wide_row(number, "X")
            cells = [float(values[name]) if name in numbers else values[name] for name in names]
            sheet.write_row(number + 1, 0, cells)


def _is_decimal(value: object) -> bool:
    return isinstance(value, str) and value.replace(".", "", 1).isdigit() and "." in value


def read_alone(path: Path) -> None:
    """What reading the cells costs without doing anything with them."""
    python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()


def upload(house: House, path: Path, **expected: int) -> None:
    """``import-xlsx``. Raises RuntimeError when the report counts otherwise."""
    with path.open("rb") as file:
        answer = house.session().post(
            f"{house.url}/api/v1/nomenklatura/import-xlsx/", files={"file": file}, timeout=3600
        )
    answer.raise_for_status()
    _check(answer.json(), expected)


def download(house: House, path: Path) -> None:
    """``export-xlsx``, by code."""
    url = f"{house.url}/api/v1/nomenklatura/export-xlsx/?ordering=code_1c"
    with house.session().get(url, stream=True, timeout=3600) as answer, path.open("wb") as file:
        answer.raise_for_status()
        for block in answer.iter_content(1 << 20):
            file.write(block)


def import_by_command(house: House, path: Path, **expected: int) -> None:
    """``flask catalog import``. Raises RuntimeError when the report counts otherwise."""
    _check(json.loads(house.flask("catalog", "import", "nomenklatura", str(path), "--json")), expected)


def export_by_command(house: House, path: Path) -> None:
    """``flask catalog export``, by code."""
    house.flask("catalog", "export", "nomenklatura", str(path), "--filter", "ordering=code_1c")


def digest(path: Path) -> str:
    """Of all cells but the times, which are those of each catalogue itself."""
    rows = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows()
    header = next(rows)
    kept = [index for index, name in enumerate(header) if name not in ("created_at", "updated_at")]
    found = hashlib.sha256()
    for row in rows:
        found.update(repr([row[index] for index in kept]).encode())
    return found.hexdigest()


def _check(report: dict[str, int], expected: dict[str, int]) -> None:
    told = {name: report[name] for name in ("created", "updated", "unchanged", "failed")}
    if told != {"created": 0, "updated": 0, "unchanged": 0, "failed": 0, **expected}:
        raise RuntimeError(f"{told} instead of {expected}")
