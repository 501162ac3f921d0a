"""The floor: what Flask alone answers under the same gunicorn. One route, bytes that it has in memory."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, Response

BODIES = {path.name: path.read_bytes() for path in Path(os.environ["BENCH_BODIES"]).iterdir()}

app = Flask("floor", static_folder=None)


@app.get("/<name>")
def body(name: str) -> Response:
    return Response(BODIES[name], content_type="application/json")
