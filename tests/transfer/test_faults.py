"""What can go wrong in the middle: a killed worker, a database that goes away, others who write as well."""

from __future__ import annotations

import http.client
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from ecatalog.config import Settings
from ecatalog.extensions import db
from ecatalog.transfer.pipeline import CHUNK_ROWS
from tests.conftest import Serve
from tests.transfer.conftest import Desk, Row, items, ndjson

SECONDS = 60


def in_threads(tasks: list[Callable[[], Any]]) -> list[Any]:
    """Run the tasks at once; their results. Fails when one does not end."""
    results: list[Any] = [None] * len(tasks)

    def work(number: int) -> None:
        results[number] = tasks[number]()

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    return results


def another(desk: Desk) -> Desk:
    return Desk(desk.app, desk.app.test_client(), desk.headers, desk.name)


def history_rows(desk: Desk) -> int:
    with desk.app.app_context():
        return db.session.scalar(sa.text("SELECT count(*) FROM row_history")) or 0


def worker_pid(folder: Path) -> int:
    """The process that gunicorn's log names last."""
    logs = "".join(path.read_text() for path in folder.glob("gunicorn-*/gunicorn.log"))
    return int(re.findall(r"Booting worker with pid: (\d+)", logs)[-1])


def connection(base_url: str) -> closing[http.client.HTTPConnection]:
    return closing(http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=SECONDS))


@pytest.mark.parametrize("key", [None, "night-1"])
def test_a_killed_worker_leaves_whole_chunks(
    desk: Desk, serve: Serve, settings: Settings, tmp_path: Path, key: str | None
) -> None:
    base_url = serve({"DATABASE_URL": settings.database_url, "LOG_LEVEL": "INFO"})
    headers = desk.headers | {"Content-Type": "application/x-ndjson"}
    rows = items(*range(20 * CHUNK_ROWS))
    if key is not None:
        headers["Idempotency-Key"] = key
    with connection(base_url) as caller:
        body = ndjson(rows)
        caller.request("POST", f"{desk.base}bulk/", body, headers)
        deadline = time.monotonic() + SECONDS
        while desk.count() < 2 * CHUNK_ROWS and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(worker_pid(tmp_path), signal.SIGKILL)
        with pytest.raises((http.client.HTTPException, OSError)):
            caller.getresponse().read()
    time.sleep(0.5)
    count = desk.count()
    assert 0 < count < len(rows)
    assert count % CHUNK_ROWS == 0
    assert history_rows(desk) == count
    desk.check_live_rows()
    if key is not None:
        assert desk.bulk(body, key=key).status_code == 409
        with desk.app.app_context(), db.engine.begin() as direct:  # a minute passes
            direct.execute(sa.text("UPDATE idempotency_record SET leased_until = '2020-01-01 00:00:00'"))
    with connection(base_url) as caller:
        caller.request("POST", f"{desk.base}bulk/", body, headers)
        answer = caller.getresponse()
        report = answer.read().decode()
    assert answer.status == 200, report
    assert f'"created":{len(rows) - count},"updated":0,"unchanged":{count},' in report
    assert desk.count() == history_rows(desk) == len(rows)
    desk.check_live_rows()


def test_a_chunked_body_through_a_real_server(desk: Desk, serve: Serve, settings: Settings) -> None:
    base_url = serve({"DATABASE_URL": settings.database_url})

    def blocks() -> Iterator[bytes]:
        for start in range(0, 6000, 100):
            yield ndjson(items(*range(start, start + 100), notes="x" * 3000))

    with connection(base_url) as caller:
        headers = desk.headers | {"Content-Type": "application/x-ndjson"}
        caller.request("POST", f"{desk.base}bulk/", blocks(), headers, encode_chunked=True)
        answer = caller.getresponse()
        assert answer.status == 200, answer.read()
        assert b'"created":6000,' in answer.read()


def test_an_upload_that_breaks_off_leaves_whole_chunks(desk: Desk, serve: Serve, settings: Settings) -> None:
    base_url = serve({"DATABASE_URL": settings.database_url})
    for headers in ({"Transfer-Encoding": "chunked"}, {"Content-Length": "10000000"}):
        with connection(base_url) as caller:
            caller.putrequest("POST", f"{desk.base}bulk/")
            for name, value in {**desk.headers, "Content-Type": "application/x-ndjson", **headers}.items():
                caller.putheader(name, value)
            caller.endheaders()
            body = ndjson(items(*range(CHUNK_ROWS + 1500)))
            chunked = "Transfer-Encoding" in headers
            caller.send(b"%x\r\n%s\r\n" % (len(body), body) if chunked else body)
            deadline = time.monotonic() + SECONDS
            while desk.count() == 0 and time.monotonic() < deadline:
                time.sleep(0.02)
        time.sleep(0.5)
        assert desk.count() == CHUNK_ROWS
        desk.check_live_rows()


def test_two_imports_of_the_same_rows_at_once(desk: Desk) -> None:
    forward = items(*range(3 * CHUNK_ROWS), brand="A")
    backward = [{**row, "brand": "B"} for row in reversed(forward)]
    answers = in_threads(
        [lambda: another(desk).bulk(ndjson(forward)), lambda: another(desk).bulk(ndjson(backward))]
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    reports = [answer.get_json() for answer in answers]
    assert sum(report["created"] for report in reports) == len(forward)
    assert sum(report["updated"] for report in reports) == len(forward)
    assert desk.count() == len(forward)
    assert history_rows(desk) == 2 * len(forward)
    desk.check_live_rows()


def test_two_imports_with_projects_at_once(desk: Desk, projects: dict[str, int]) -> None:
    """Rows and their projects are written by several at once, in either order."""

    def rows(*codes: str) -> bytes:
        return ndjson(
            row | {"project": code} for code in codes for row in items(*range(CHUNK_ROWS // 2 + 10))
        )

    def rename(number: int) -> Any:
        body = [{"code_1c": code, "name": f"{code} {number}"} for code in ("P2", "P1")]
        return another(desk).of("project").bulk(body)

    answers = in_threads(
        [
            lambda: another(desk).bulk(rows("P1", "P2")),
            lambda: another(desk).bulk(rows("P2", "P1")),
            *(lambda number=number: rename(number) for number in range(4)),
        ]
    )
    assert [answer.status_code for answer in answers] == [200] * 6
    assert [answer.get_json()["failed"] for answer in answers] == [0] * 6
    assert desk.count() == 2 * (CHUNK_ROWS // 2 + 10)
    desk.check_live_rows()


def test_single_writers_beside_an_import(desk: Desk) -> None:
    desk.report(items(*range(50)))

    def write_one(number: int) -> int:
        mine = another(desk)
        changed = mine.client.patch(
            f"{mine.base}{number:05}/", json={"color": "red"}, headers=mine.headers
        ).status_code
        made = mine.client.post(
            mine.base, json={"code_1c": f"single-{number}", "name": "x"}, headers=mine.headers
        ).status_code
        return changed * 1000 + made

    rows: list[Row] = items(*range(3 * CHUNK_ROWS), brand="A")
    answer, *singles = in_threads(
        [lambda: another(desk).bulk(ndjson(rows)), *(lambda n=n: write_one(n) for n in range(8))]
    )
    assert answer.status_code == 200
    assert singles == [200_201] * 8
    for number in range(8):
        row = desk.row(f"{number:05}")
        assert (row["color"], row["brand"]) == ("red", "A")
    assert desk.count() == len(rows) + 8
    desk.check_live_rows()


@contextmanager
def breaking_at(desk: Desk, code: str) -> Iterator[None]:
    """The database goes away from whoever inserts that code."""
    with desk.app.app_context():
        postgresql = db.engine.dialect.name == "postgresql"
        if postgresql:
            begin = [
                "CREATE FUNCTION go_away() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$",
                f"CREATE TRIGGER go_away BEFORE INSERT ON nomenklatura FOR EACH ROW "
                f"WHEN (NEW.code_1c = '{code}') EXECUTE FUNCTION go_away()",
            ]
            end = ["DROP TRIGGER go_away ON nomenklatura", "DROP FUNCTION go_away"]
        else:
            begin = [
                f"CREATE TRIGGER go_away BEFORE INSERT ON nomenklatura WHEN NEW.code_1c = '{code}' "
                "BEGIN SELECT json('{'); END"
            ]
            end = ["DROP TRIGGER go_away"]
        for statements in (begin, end):
            with db.engine.begin() as connection:
                for statement in statements:
                    connection.execute(sa.text(statement))
            if statements is begin:
                try:
                    yield
                finally:
                    db.session.remove()


@pytest.mark.parametrize("key", [None, "a"])
def test_a_database_that_goes_away_is_a_503_that_says_what_is_in(desk: Desk, key: str | None) -> None:
    rows = items(*range(3 * CHUNK_ROWS))
    with breaking_at(desk, f"{2 * CHUNK_ROWS + 5:05}"):
        answer = desk.bulk(ndjson(rows), key=key)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    body = answer.get_json()
    assert f"{2 * CHUNK_ROWS} rows are in" in body["detail"]
    assert body["written"] == body["report"]["created"] == 2 * CHUNK_ROWS
    assert desk.count() == 2 * CHUNK_ROWS
    desk.check_live_rows()
    report = desk.report(ndjson(rows), key=key)
    assert (report["created"], report["unchanged"]) == (CHUNK_ROWS, 2 * CHUNK_ROWS)


def test_a_database_that_goes_away_from_all_or_nothing(desk: Desk) -> None:
    rows = items(*range(2 * CHUNK_ROWS))
    with breaking_at(desk, f"{CHUNK_ROWS + 5:05}"):
        answer = desk.bulk(ndjson(rows), on_error="reject")
    assert answer.status_code == 503
    assert "No row is in." in answer.get_json()["detail"]
    assert desk.count() == 0
    assert desk.report(ndjson(rows), on_error="reject")["created"] == len(rows)
