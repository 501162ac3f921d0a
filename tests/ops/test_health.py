"""Probes and the index of the API."""

from __future__ import annotations

import json
import shutil
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

import ecatalog
from ecatalog.extensions import db
from tests.databases import Databases

MakeApp = Callable[..., Flask]
OK = {"status": "ok", "checks": {"database": "ok"}}


def set_revision(app: Flask, revision: str | None) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM alembic_version"))
        if revision is not None:
            connection.execute(sa.text("INSERT INTO alembic_version VALUES (:it)"), {"it": revision})


def unavailable(state: str) -> dict[str, object]:
    return {"status": "unavailable", "failed": ["database"], "checks": {"database": state}}


def test_index(client: FlaskClient) -> None:
    answer = client.get("/api/v1/", headers={"Host": "localhost:8000"})
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["status"] == "ok"
    assert answer.json["version"] == ecatalog.__version__
    for name in ("project", "client", "nomenklatura"):
        assert answer.json["resources"][name] == f"http://localhost:8000/api/v1/{name}/"
    assert set(answer.json) == {"status", "version", "resources"}


def test_index_links_are_those_of_the_proxy(make_app: MakeApp) -> None:
    client = make_app(allowed_hosts=("api.example.com",), trusted_proxies=("127.0.0.1",)).test_client()
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "api.example.com"}
    answer = client.get("/api/v1/", headers=headers)
    assert answer.json is not None
    assert answer.json["resources"]["project"] == "https://api.example.com/api/v1/project/"


def test_ready(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, OK)


def test_ready_with_redis(make_app: MakeApp, redis_url: str) -> None:
    answer = make_app(redis_url=redis_url).test_client().get("/readyz")
    assert answer.json == {"status": "ok", "checks": {"database": "ok", "redis": "ok"}}


def test_empty_database_is_behind(make_app: MakeApp, databases: Databases) -> None:
    url = databases.make_empty()
    answer = make_app(database_url=url).test_client().get("/readyz")
    assert (answer.status_code, answer.json) == (503, unavailable("migrations behind"))
    databases.drop(url)


def test_database_without_revision_is_behind_and_a_newer_one_is_fine(
    make_app: MakeApp, new_database: Callable[[], str]
) -> None:
    app = make_app(database_url=new_database())
    client = app.test_client()
    set_revision(app, None)
    assert client.get("/readyz").json == unavailable("migrations behind")
    set_revision(app, "ffffffffffff")
    assert client.get("/readyz").json == OK


def test_unreachable_database(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(database_url="postgresql+psycopg://app:geheim@127.0.0.1:1/secret_name")
    client = app.test_client()
    for _ in range(2):
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json) == (503, unavailable("unavailable"))
    messages = [record.getMessage() for record in caplog.records if record.name == "ecatalog.ops.checks"]
    assert len(messages) == 1
    assert "check of the database fails" in messages[0]
    assert client.get("/livez").json == {"status": "ok"}
    assert client.get("/api/v1/").status_code == 200


def test_hanging_database(make_app: MakeApp, silent_server: str) -> None:
    app = make_app(database_url=f"postgresql+psycopg://app:x@{silent_server}/x")
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: app.test_client().get("/readyz"), range(8)))
    assert time.monotonic() - began < 4
    assert {answer.status_code for answer in answers} == {503}
    assert answers[0].json == unavailable("unavailable")


def test_hanging_database_behind_gunicorn(serve: Callable[..., str], silent_server: str) -> None:
    base_url = serve({"DATABASE_URL": f"postgresql+psycopg://app:x@{silent_server}/x"})
    began = time.monotonic()
    with pytest.raises(HTTPError) as refusal:
        urllib.request.urlopen(f"{base_url}/readyz", timeout=10)
    assert time.monotonic() - began < 5
    with refusal.value as answer:
        assert answer.code == 503
        assert json.load(answer) == unavailable("unavailable")
    began = time.monotonic()
    with urllib.request.urlopen(f"{base_url}/livez", timeout=10) as answer:
        assert answer.status == 200
    assert time.monotonic() - began < 1


def test_probes_look_at_no_token(client: FlaskClient) -> None:
    for path in ("/livez", "/readyz", "/api/v1/"):
        assert client.get(path, headers={"Authorization": "Bearer bad"}).status_code == 200


def test_index_needs_no_database(make_app: MakeApp, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    missing.mkdir()
    client = make_app(database_url=f"sqlite:///{missing / 'x.sqlite3'}").test_client()
    shutil.rmtree(missing)
    assert client.get("/api/v1/").status_code == 200
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").json == unavailable("unavailable")


def test_more_threads_than_connections(make_app: MakeApp) -> None:
    """The default of PostgreSQL is 100, that of the tests' server 200."""
    app = make_app(web_concurrency=256, web_threads=256, database_pooler="")  # a pooler has its own bounds
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 200
    with app.app_context():
        postgresql = db.engine.dialect.name == "postgresql"
    assert answer.json == (
        {
            "status": "degraded",
            "degraded": ["connections"],
            "checks": {"database": "ok", "connections": "max_connections too low"},
        }
        if postgresql
        else OK
    )
