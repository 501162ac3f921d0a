"""Fixtures of the fuzz tests: calls that must end soon, in bounded memory, and never as a failure of ours."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Response

MOST_SECONDS = 2  # of this process's time: what others do on the machine does not count
MOST_MEGABYTES = 300  # that all calls of a test may add to the process

#: Each test draws this many; in continuous integration the same ones each time (hypothesis's profile "ci").
FUZZ = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


@dataclass
class Attacker:
    """Sends what it is told to, and looks at how it is answered."""

    client: FlaskClient
    headers: dict[str, str]
    statuses: set[int] = field(default_factory=set)

    def send(
        self, method: str, path: str, *, environ: dict[str, Any] | None = None, **options: Any
    ) -> Response:
        """One call. Fails for 500, for HTML, and for what takes too long."""
        headers = {**self.headers, **options.pop("headers", {})}
        builder = EnvironBuilder(path=path, method=method, headers=headers, **options)
        sent = {**builder.get_environ(), **(environ or {})}
        begun = time.process_time()
        # Straight to the application: the test client would mend what is broken.
        answer = Response(*run_wsgi_app(self.client.application, sent, buffered=True))
        seconds = time.process_time() - begun
        assert answer.status_code != 500, answer.get_data(as_text=True)
        assert seconds < MOST_SECONDS, f"{seconds:.1f} s"
        if answer.data and answer.status_code >= 400:
            assert answer.mimetype in ("application/json", "application/problem+json"), answer.mimetype
            json.loads(answer.data)
        self.statuses.add(answer.status_code)
        return answer


@pytest.fixture
def attacker(client: FlaskClient, auth: Callable[..., dict[str, str]]) -> Attacker:
    """An editor with a few rows to stumble over."""
    headers = auth("editor")
    for number in range(3):
        row = {"code_1c": f"A/{number}", "name": "Шоколад oʻzbek", "base_price": "1.50"}
        for name in ("project", "nomenklatura"):
            known = {key: value for key, value in row.items() if name != "project" or key != "base_price"}
            assert client.post(f"/api/v1/{name}/", json=known, headers=headers).status_code == 201
    return Attacker(client, headers)


@pytest.fixture
def bounded_memory() -> Any:
    """Fails a test that lets the process grow by more than MOST_MEGABYTES."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < MOST_MEGABYTES, f"{grown:.0f} MB"
