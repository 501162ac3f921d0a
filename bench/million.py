"""A million rows out: what the processes grow by."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import psycopg
from rich.table import Table
from sqlalchemy.engine import make_url

from bench.house import House, aim, flask_command, timed

FEW = 1000  # rows; an export of these tells what a process holds anyway
FILL = """
    INSERT INTO nomenklatura (code_1c, name, title, sku, barcode, brand, category, base_price, stock_quantity,
        unit_of_measure, tags, "metadata", created_at, updated_at, tick, is_active, is_deleted)
    SELECT 'M-' || lpad(n::text, 8, '0'), 'Шоколад молочный ' || n, 'Sutli shokolad ' || n, 'SHK-' || n,
        '478' || lpad(n::text, 10, '0'), 'Brand ' || n %% 50, 'Кондитерские изделия', 12500.50, n %% 1000,
        'dona', '[]', '{}', now(), now(), 1, true, false
    FROM generate_series(1, %s) AS n
"""


def measure_million(house: House, count: int, table: Table) -> None:
    """Export ``count`` rows as NDJSON over HTTP and as xlsx from the command line."""
    fill(house, count)
    read_all(house, f"?code_contains=M-{0:05d}")
    before = house.worker_peak()
    lines: list[int] = []
    seconds = timed(lambda: lines.append(read_all(house, "")))
    grown = house.worker_peak() - before
    assert lines == [count], lines
    table.add_row(f"export-ndjson, {count:,} rows", f"{count / seconds:,.0f} rows/s", "")
    table.add_row("worker's growth", f"{grown:.0f} MB", aim("under 80 MB", met=grown < 80))
    with tempfile.TemporaryDirectory() as folder:
        workbook = Path(folder, "items.xlsx")
        few = peak_of_command(house, workbook, "--filter", f"code_contains=M-{0:05d}")
        sizes: list[float] = []
        seconds = timed(lambda: sizes.append(peak_of_command(house, workbook)))
        megabytes = workbook.stat().st_size / 1024**2
    table.add_row(
        f"flask catalog export, {count:,} rows",
        f"{count / seconds:,.0f} rows/s",
        f"xlsx of {megabytes:.0f} MB",
    )
    grown = sizes[0] - few
    table.add_row("its growth over few rows", f"{grown:.0f} MB", aim("under 80 MB", met=grown < 80))


def fill(house: House, count: int) -> None:
    """Rows by SQL alone, without search texts, which exports do not read."""
    url = make_url(house.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM nomenklatura")
        connection.execute("ALTER TABLE nomenklatura DISABLE TRIGGER USER")
        connection.execute(FILL, (count,))
        connection.execute("ALTER TABLE nomenklatura ENABLE TRIGGER USER")
        connection.execute("ANALYZE nomenklatura")
    house.flask("catalog", "touch", "nomenklatura")


def peak_of_command(house: House, path: Path, *options: str) -> float:
    """The most memory, in MB, that ``flask catalog export`` to ``path`` holds."""
    command, environment = flask_command(
        house.environment, "catalog", "export", "nomenklatura", str(path), *options
    )
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the export ended with {process.returncode}")
    return usage.ru_maxrss / 1024


def read_all(house: House, query: str) -> int:
    """How many lines ``export-ndjson`` gives; they are thrown away as they come."""
    url = f"{house.url}/api/v1/nomenklatura/export-ndjson/{query}"
    with house.session().get(url, stream=True, timeout=3600) as answer:
        answer.raise_for_status()
        return sum(block.count(b"\n") for block in answer.iter_content(1 << 20))
