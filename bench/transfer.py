"""Bulk writes over HTTP beside the bare statements, files in and out: `python -m bench.transfer [ROWS]`.

The reference is COPY into a temporary table and INSERT … ON CONFLICT of the same rows into the same table
with the same indexes, 2,000 rows a transaction, with neither validation, history, search text nor clock.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import python_calamine
from rich.console import Console
from rich.table import Table
from sqlalchemy.engine import make_url

from bench.house import House, open_house

CHUNK = 2000
FIELDS = (
    *("code_1c", "name", "title", "sku", "article_code", "barcode", "brand", "manufacturer", "category"),
    *("base_price", "stock_quantity", "unit_of_measure", "supplier", "country", "roditel"),
)


def row(number: int, price: str = "12500.50") -> dict[str, Any]:
    """An item with 15 filled fields."""
    return {
        "code_1c": f"00-{number:08d}",
        "name": f"Шоколад молочный с орехом {number} г",
        "title": f"Yongʻoqli sutli shokolad {number}",
        "sku": f"SHK-{number}",
        "article_code": f"A{number % 9973}",
        "barcode": f"478{number:010d}",
        "brand": f"Brand {number % 50}",
        "manufacturer": "Toshkent qandolat fabrikasi",
        "category": "Кондитерские изделия",
        "base_price": price,
        "stock_quantity": f"{number % 1000}.500",
        "unit_of_measure": "dona",
        "supplier": "OOO Поставщик",
        "country": "Oʻzbekiston",
        "roditel": "Озиқ-овқат",
    }


def timed(work: Callable[[], Any]) -> float:
    """Seconds that ``work`` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def bare_upsert(database_url: str, rows: list[dict[str, Any]]) -> None:
    """The reference, into a table like the real one, with its indexes."""
    columns = ", ".join(FIELDS)
    updates = ", ".join(f"{name} = excluded.{name}" for name in (*FIELDS[1:], "updated_at"))
    stage = f"CREATE TEMPORARY TABLE staged ON COMMIT DROP AS SELECT {columns} FROM bare WITH NO DATA"
    upsert = (
        f"INSERT INTO bare ({columns}, tags, metadata, created_at, updated_at, tick) "
        f"SELECT {columns}, '[]', '{{}}', now(), now(), 1 FROM staged "
        f"ON CONFLICT (coalesce(project_id, 0), code_1c) DO UPDATE SET {updates}"
    )
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        for start in range(0, len(rows), CHUNK):
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute(stage)
                with cursor.copy(f"COPY staged ({columns}) FROM STDIN") as copy:
                    for record in rows[start : start + CHUNK]:
                        copy.write_row([record[name] for name in FIELDS])
                cursor.execute(upsert)


def make_bare_table(database_url: str) -> None:
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (LIKE nomenklatura INCLUDING ALL)")


def post_ndjson(house: House, rows: list[dict[str, Any]]) -> dict[str, int]:
    """Bulk upsert over HTTP, streamed; the report."""

    def lines() -> Iterator[bytes]:
        for start in range(0, len(rows), 500):
            yield "".join(
                json.dumps(r, ensure_ascii=False) + "\n" for r in rows[start : start + 500]
            ).encode()

    answer = house.session().post(
        f"{house.url}/api/v1/nomenklatura/bulk/",
        data=lines(),
        headers={"Content-Type": "application/x-ndjson"},
        timeout=3600,
    )
    answer.raise_for_status()
    report: dict[str, int] = answer.json()
    return report


def measure_bulk(house: House, count: int, table: Table) -> None:
    """Insert, repeat and update ``count`` rows both ways."""
    rows = [row(number) for number in range(count)]
    dearer = [row(number, "13000.00") for number in range(count)]
    make_bare_table(house.database_url)
    bare = timed(lambda: bare_upsert(house.database_url, rows))
    bare_update = timed(lambda: bare_upsert(house.database_url, dearer))
    before = house.worker_megabytes()
    inserts = timed(lambda: post_ndjson(house, rows))
    same = timed(lambda: post_ndjson(house, rows))
    updates = timed(lambda: post_ndjson(house, dearer))
    grown = house.worker_megabytes() - before
    table.add_row("bare COPY + ON CONFLICT, insert", f"{count / bare:,.0f} rows/s", "reference")
    table.add_row("bare COPY + ON CONFLICT, update", f"{count / bare_update:,.0f} rows/s", "")
    table.add_row(
        "HTTP bulk, insert", f"{count / inserts:,.0f} rows/s", f"{bare / inserts:.0%} (at least 35%)"
    )
    table.add_row(
        "HTTP bulk, update", f"{count / updates:,.0f} rows/s", f"{updates / inserts:.2f} × insert (≤ 1.5)"
    )
    table.add_row(
        "HTTP bulk, unchanged", f"{count / same:,.0f} rows/s", f"{same / updates:.2f} × update (≤ 1)"
    )
    table.add_row("worker's growth", f"{grown:.0f} MB", "(under 80 MB)")


def measure_files(house: House, table: Table, bulk_seconds_a_row: float) -> None:
    """Excel out of the catalogue and in again, and NDJSON out."""
    session = house.session()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "items.xlsx"
        base = f"{house.url}/api/v1/nomenklatura"
        before = house.worker_megabytes()
        export = timed(lambda: path.write_bytes(session.get(f"{base}/export-xlsx/", timeout=3600).content))
        ndjson = timed(lambda: session.get(f"{base}/export-ndjson/", timeout=3600).content)
        reading = timed(
            lambda: python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
        )
        count = session.get(f"{base}/", timeout=60).json()["count"]

        def send() -> None:
            with path.open("rb") as file:
                answer = session.post(f"{base}/import-xlsx/", files={"file": file}, timeout=3600)
            answer.raise_for_status()
            if answer.json()["unchanged"] != count:
                raise RuntimeError(f"an export did not come back unchanged: {answer.text[:300]}")

        taken = timed(send)
        grown = house.worker_megabytes() - before
    allowed = reading + bulk_seconds_a_row * count
    table.add_row("export-xlsx", f"{count / export:,.0f} rows/s", "")
    table.add_row("export-ndjson", f"{count / ndjson:,.0f} rows/s", "")
    table.add_row(
        "import-xlsx, all columns",
        f"{count / taken:,.0f} rows/s",
        f"{taken / allowed:.1f} × (read + bulk) (< 3)",
    )
    table.add_row("worker's growth, files", f"{grown:.0f} MB", "(under 80 MB)")


def main(count: int) -> None:
    """Print the table for ``count`` rows."""
    table = Table("what", "measured", "ratio", title=f"{count:,} rows")
    with open_house() as house:
        measure_bulk(house, count, table)
        rows = [row(number, "13000.00") for number in range(count)]
        same = timed(lambda: post_ndjson(house, rows)) / count
        measure_files(house, table, same)
    Console(width=110).print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
