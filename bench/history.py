"""What the history of each row costs an import: the pipeline with and without it, in one process."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from functools import partial
from statistics import median
from typing import Any
from unittest import mock

from rich.table import Table

from bench.house import House, aim, timed
from bench.rows import FIRST_PRICE, SECOND_PRICE, ndjson, row
from ecatalog import create_app
from ecatalog.catalog.bulk_sql import Staging
from ecatalog.catalog.service import Origin
from ecatalog.extensions import db
from ecatalog.nomenklatura.resource import NOMENKLATURA
from ecatalog.transfer.ndjson import ndjson_rows
from ecatalog.transfer.pipeline import Options, run

ROUNDS = 8


def measure_history(house: House, count: int, table: Table) -> None:
    """Insert and update ``count`` rows, every other part of them without history."""
    size = count // (2 * ROUNDS)
    seconds: dict[tuple[str, bool], list[float]] = {}
    with mock.patch.dict(os.environ, {**house.environment, "DATABASE_URL": house.twin()}):
        app = create_app()
    with app.app_context():
        for price, kind in ((FIRST_PRICE, "insert"), (SECOND_PRICE, "update")):
            for part in range(2 * ROUNDS):
                rows = [row(number, price) for number in range(part * size, (part + 1) * size)]
                body = io.BytesIO(b"".join(ndjson(rows)))
                told = part % 2 == 0
                write = Staging.write if told else _write_alone
                with mock.patch.object(Staging, "write", write):
                    taken = timed(partial(_import, body))
                seconds.setdefault((kind, told), []).append(taken)
        db.session.remove()
        db.engine.dispose()
    for kind in ("insert", "update"):
        share = 1 - median(seconds[kind, False]) / median(seconds[kind, True])
        table.add_row(f"history, {kind}", f"{share:.0%} of the speed", aim("at most 30%", met=share <= 0.3))


def _import(body: io.BytesIO) -> None:
    run(NOMENKLATURA, ndjson_rows(body), Options(), Origin(source="bench"))


def _write_alone(self: Staging, facts: Mapping[str, Any]) -> None:
    parameters = {f"write_{name}": value for name, value in facts.items()}
    db.session.connection().execute(self.alone, parameters)
