"""The whole service through PgBouncer in transaction mode: more clients than sessions of PostgreSQL."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

import ecatalog
from ecatalog.auth.models import Role
from ecatalog.auth.users import create_user
from ecatalog.config import Settings
from ecatalog.database import write_transaction
from ecatalog.extensions import db
from tests.concurrency.together import Answer, Caller
from tests.conftest import Serve
from tests.pooler import SESSIONS, Pooler, pooler

PASSWORD = "olma-daraxti-7"
WRITERS = 3 * SESSIONS
WRITES = 8  # of each writer


@pytest.fixture(scope="module")
def between(database_kind: str, request: pytest.FixtureRequest) -> Iterator[Pooler]:
    if database_kind != "postgresql":
        pytest.skip("PgBouncer stands before PostgreSQL.")
    with pooler(request.getfixturevalue("postgresql_url")) as made:
        yield made


@pytest.fixture
def url(between: Pooler, new_database: Callable[[], str]) -> str:
    """A migrated database through the pooler, whose role has the settings that the documentation tells."""
    direct = new_database()
    between.copy_settings(direct)
    return between.url(direct)


@pytest.fixture
def call(url: str, serve: Serve, settings: Settings) -> Iterator[Callable[[], Caller]]:
    """A factory of clients with the token of a sign-in over HTTP."""
    app = ecatalog.create_app(replace(settings, database_url=url, database_pooler="transaction"))
    with app.app_context():
        with write_transaction():
            create_user("Anvar", PASSWORD, Role.EDITOR)
        db.engine.dispose()
    base = serve({"DATABASE_URL": url, "DATABASE_POOLER": "transaction"}, workers=2, threads=8)

    body = json.dumps({"username": "Anvar", "password": PASSWORD}).encode()
    sent = urllib.request.Request(f"{base}/api/token/", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(sent, timeout=30) as answer:
        token = json.load(answer)["access"]
    with ExitStack() as ending:

        def make() -> Caller:
            made = Caller(base, {"Authorization": f"Bearer {token}"})
            ending.callback(made.close)
            return made

        yield make


def good(answer: Answer, status: int = 200) -> Any:
    assert answer.status == status, answer
    return answer.body


def test_the_role_has_what_the_service_sets_itself_where_no_pooler_is(
    url: str, new_database: Callable[[], str], settings: Settings
) -> None:
    names = ("statement_timeout", "lock_timeout", "timezone", "jit")
    app = ecatalog.create_app(replace(settings, database_url=new_database(), database_pooler=""))
    with app.app_context():
        with db.engine.connect() as connection:
            own = {name: connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names}
        db.engine.dispose()
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as direct:
        through = {name: direct.execute(f"SHOW {name}".encode()).fetchone() for name in names}
    assert through == {name: (value,) for name, value in own.items()}


def test_a_row_from_its_beginning_to_its_end(call: Callable[[], Caller]) -> None:
    client = call()
    owner = good(client("POST", "project/", {"code_1c": "P", "name": "Loyiha"}), 201)
    row = {"code_1c": "N", "name": "Shokolad", "project_id": owner["id"], "base_price": "10.50"}
    good(client("POST", "nomenklatura/", row), 201)
    for _ in range(3 * SESSIONS):  # whatever is prepared in one session, others do not have
        assert good(client("GET", "nomenklatura/"))["count"] == 1
        assert (
            good(client("GET", "nomenklatura/?project=P&ordering=name&cursor="))["results"][0]["code_1c"]
            == "N"
        )
        assert good(client("GET", "nomenklatura/?search=шоколад"))["results"][0]["code_1c"] == "N"
        assert good(client("GET", "nomenklatura/suggest/?q=shok"))["results"][0]["code"] == "N"
        assert good(client("GET", "nomenklatura/N/"))["project"]["code_1c"] == "P"
    detail = client("GET", "nomenklatura/N/")
    assert client("GET", "nomenklatura/N/", if_none_match=detail.tag).status == 304
    changed = client("PATCH", "nomenklatura/N/", {"name": "Choy"}, if_match=detail.tag)
    assert good(changed)["name"] == "Choy"
    assert client("PATCH", "nomenklatura/N/", {"name": "Suv"}, if_match=detail.tag).status == 412
    assert len(good(client("GET", "nomenklatura/N/history/"))["results"]) == 2
    good(client("DELETE", "nomenklatura/N/"), 204)
    assert client("GET", "nomenklatura/N/").status == 404
    good(client("POST", "nomenklatura/N/restore/"))
    assert [entry["code"] for entry in good(client("GET", "nomenklatura/changes/"))["results"]] == ["N"]


def test_rows_in_and_out_at_once(call: Callable[[], Caller]) -> None:
    client = call()
    rows = [{"code_1c": f"N{number:04}", "name": f"Choy {number}"} for number in range(600)]
    report = good(client("POST", "nomenklatura/bulk/", rows))
    assert report["created"] == 600
    assert good(client("POST", "nomenklatura/bulk/?dry_run=true", rows[:3]))["unchanged"] == 3
    exported = raw(client, "GET", "nomenklatura/export-ndjson/")
    assert {json.loads(line)["code_1c"] for line in exported.splitlines()} == {row["code_1c"] for row in rows}

    sheet = raw(client, "GET", "nomenklatura/export-xlsx/")
    told = json.loads(raw(client, "POST", "nomenklatura/import-xlsx/", *form("rows.xlsx", sheet)))
    assert told["unchanged"] == 600, told
    lines = "\n".join(["code_1c;name", *(f"{row['code_1c']};Suv" for row in rows)])
    told = json.loads(raw(client, "POST", "nomenklatura/import-xlsx/", *form("rows.csv", lines.encode())))
    assert told["updated"] == 600
    assert good(client("GET", "nomenklatura/?search=suv"))["count"] == 600


def test_many_writers_read_back_what_each_wrote(call: Callable[[], Caller]) -> None:
    """A change that another session's snapshot or transaction swallowed would be missed here."""

    def write(number: int) -> None:
        client = call()
        for turn in range(WRITES):
            code = f"W{number}-{turn}"
            good(client("POST", "nomenklatura/", {"code_1c": code, "name": code}), 201)
            assert good(client("GET", f"nomenklatura/{code}/"))["name"] == code
            good(client("PATCH", f"nomenklatura/{code}/", {"name": f"{code} new"}))
            assert good(client("GET", f"nomenklatura/{code}/"))["name"] == f"{code} new"
            if turn % 2:
                good(client("DELETE", f"nomenklatura/{code}/"), 204)
                assert client("GET", f"nomenklatura/{code}/").status == 404

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    assert good(call()("GET", "nomenklatura/"))["count"] == WRITERS * WRITES / 2


def form(name: str, content: bytes) -> tuple[bytes, str]:
    """A body with one file, and its content type."""
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"


def raw(client: Caller, method: str, path: str, body: bytes | None = None, content_type: str = "") -> bytes:
    """What is answered, as it is."""
    headers = client.headers | ({"Content-Type": content_type} if content_type else {})
    sent = urllib.request.Request(f"{client.base_url}/api/v1/{path}", body, headers, method=method)
    with urllib.request.urlopen(sent, timeout=60) as answer:
        return bytes(answer.read())
