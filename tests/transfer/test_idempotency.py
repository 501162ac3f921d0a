"""``Idempotency-Key``: the same call again is answered from store, and never runs twice at once."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from ecatalog.database import utc_now, write_transaction
from ecatalog.extensions import db
from ecatalog.transfer import idempotency
from ecatalog.transfer.idempotency_records import IdempotencyRecord, Scope, clean_all
from tests.transfer.conftest import Desk, items, ndjson

REPLAYED = "Idempotency-Replayed"


def records(app: Flask) -> list[IdempotencyRecord]:
    with app.app_context():
        found = list(db.session.scalars(sa.select(IdempotencyRecord)))
        db.session.expunge_all()
    return found


def change_records(app: Flask, **values: Any) -> None:
    """As if time had passed."""
    with app.app_context(), write_transaction():
        db.session.execute(sa.update(IdempotencyRecord).values(**values))


@pytest.mark.parametrize("body", [items(1, 2), ndjson(items(1, 2))], ids=["json", "ndjson"])
def test_the_same_call_again_gets_the_stored_answer(desk: Desk, body: Any) -> None:
    first = desk.bulk(body, key="a")
    assert REPLAYED not in first.headers
    desk.report([{"code_1c": "00001", "brand": "X"}])
    tick = desk.clock().tick
    again = desk.bulk(body, key="a")
    assert again.headers[REPLAYED] == "true"
    assert (again.status_code, again.data, again.mimetype) == (200, first.data, first.mimetype)
    assert again.get_json()["created"] == 2
    assert desk.clock().tick == tick


def test_a_full_report_and_a_rejection_are_stored_too(desk: Desk) -> None:
    body = ndjson([*items(*range(3000)), {}])
    for query in ({"response": "full"}, {"on_error": "reject"}, {"on_error": "reject", "response": "full"}):
        key = str(query)
        first, again = desk.bulk(body, key=key, **query), desk.bulk(body, key=key, **query)
        assert again.headers[REPLAYED] == "true"
        assert again.status_code == first.status_code == (400 if "on_error" in query else 200)
        assert again.data == first.data
        assert again.content_type == first.content_type


def test_another_body_or_other_parameters_are_refused(desk: Desk) -> None:
    assert desk.bulk(items(1), key="a").status_code == 200
    for body, query in ((items(2), {}), (items(1), {"mode": "update"}), (ndjson(items(1)), {})):
        answer = desk.bulk(body, key="a", **query)
        assert answer.status_code == 422
        assert "Idempotency-Key" in answer.get_json()["detail"]
    assert desk.codes() == ["00001"]


def test_keys_belong_to_a_user_and_a_path(desk: Desk, auth: Callable[..., dict[str, str]]) -> None:
    rows = [{"code_1c": "1", "name": "x", "client_code_1c": "1"}]
    assert desk.bulk(rows, key="a").status_code == 200
    assert REPLAYED not in desk.of("client").bulk(rows, key="a").headers
    desk.headers = auth("admin")
    answer = desk.bulk(rows, key="a")
    assert REPLAYED not in answer.headers
    assert answer.get_json()["unchanged"] == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\tb", "ключ", "a\x7f"])
def test_malformed_keys(desk: Desk, key: str) -> None:
    answer = desk.bulk(items(1), key=key.encode().decode("latin-1"))
    assert answer.status_code == 400
    assert list(answer.get_json()) == ["Idempotency-Key"]
    assert desk.count() == 0


def test_a_key_may_have_255_characters(desk: Desk) -> None:
    assert desk.bulk(items(1), key="k" * 255).status_code == 200
    assert desk.bulk(items(1), key="k" * 255).headers[REPLAYED] == "true"


def test_a_call_that_could_not_be_read_leaves_the_key_free(desk: Desk) -> None:
    assert desk.bulk(items(*range(5001)), key="a").status_code == 413
    assert desk.bulk(items(1), key="a", project="P9").status_code == 400
    assert records(desk.app) == []
    assert desk.bulk(items(1), key="a").status_code == 200


@pytest.fixture
def running(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Any]]:
    """A call with the key "a" that stands still inside its work; calling the fixture lets it end."""
    inside, go_on = threading.Event(), threading.Event()
    fence = idempotency.Claim.fence

    def standing(claim: idempotency.Claim) -> None:
        inside.set()
        assert go_on.wait(30)
        fence(claim)

    answers: list[Any] = []
    client = desk.app.test_client()
    slow = Desk(desk.app, client, desk.headers)
    thread = threading.Thread(target=lambda: answers.append(slow.bulk(items(1, 2), key="a")))
    with monkeypatch.context() as patch:
        patch.setattr(idempotency.Claim, "fence", standing)
        thread.start()
        assert inside.wait(30)

        def finish() -> Any:
            go_on.set()
            thread.join(30)
            return answers[0]

        yield finish
        go_on.set()
        thread.join(30)


def test_while_the_first_call_runs_the_second_is_told_so(
    desk: Desk, running: Callable[[], Any], database_kind: str
) -> None:
    answer = desk.bulk(items(1, 2), key="a")
    assert answer.status_code == 409
    assert int(answer.headers["Retry-After"]) > 0
    assert desk.bulk(items(3), key="a").status_code == 422
    assert running().status_code == 200
    assert desk.bulk(items(1, 2), key="a").headers[REPLAYED] == "true"


def test_the_lease_of_a_dead_call_runs_out(desk: Desk) -> None:
    """What a killed worker leaves behind: a record without an answer."""
    assert desk.bulk(items(1), key="a").status_code == 200
    now = utc_now()
    change_records(desk.app, status=None, content=None, leased_until=now + timedelta(seconds=30))
    assert desk.bulk(items(1), key="a").status_code == 409
    change_records(desk.app, leased_until=now - timedelta(seconds=1))
    assert desk.bulk(items(2), key="a").status_code == 422
    answer = desk.bulk(items(1), key="a")
    assert answer.status_code == 200
    assert REPLAYED not in answer.headers
    assert answer.get_json()["unchanged"] == 1
    assert desk.bulk(items(1), key="a").headers[REPLAYED] == "true"


def test_a_lease_lasts_60_seconds_from_the_last_sign_of_life(desk: Desk) -> None:
    desk.bulk(items(1), key="a")
    (record,) = records(desk.app)
    left = record.leased_until - utc_now()
    assert timedelta(seconds=50) < left <= timedelta(seconds=60)


def test_the_lease_is_renewed_beside_slow_work(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    monkeypatch.setattr(idempotency, "RENEW_SECONDS", 0.05)
    with app.app_context():
        scope = Scope(1, "/x/", "a", "f")
        claim = idempotency._claim(scope)
        assert isinstance(claim, idempotency.Claim)
        change_records(app, leased_until=utc_now() - timedelta(seconds=1))
        renewed = threading.Event()
        with claim.renewed():
            for _ in range(100):
                if records(app)[0].leased_until > utc_now():
                    renewed.set()
                    break
                renewed.wait(0.05)
        assert renewed.is_set()


def test_a_call_that_has_lost_its_lease_writes_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It slept too long, and another call has taken the key over."""
    fence = idempotency.Claim.fence
    calls: list[int] = []

    def late(claim: idempotency.Claim) -> None:
        calls.append(1)
        if len(calls) == 2:
            db.session.execute(sa.update(IdempotencyRecord).values(lease="another"))
        fence(claim)

    monkeypatch.setattr(idempotency.Claim, "fence", late)
    answer = desk.bulk(ndjson(items(*range(5000))), key="a")
    assert answer.status_code == 409
    assert len(calls) == 2
    assert desk.count() == 2000
    desk.check_live_rows()


def test_answers_are_kept_24_hours(desk: Desk) -> None:
    desk.bulk(items(1), key="a")
    (record,) = records(desk.app)
    assert timedelta(hours=23, minutes=59) < record.expires_at - utc_now() <= timedelta(hours=24)
    change_records(desk.app, expires_at=utc_now() - timedelta(seconds=1))
    assert REPLAYED not in desk.bulk(items(1), key="a").headers
    assert len(records(desk.app)) == 1


def test_expired_answers_are_cleaned(desk: Desk) -> None:
    for key in "abc":
        desk.bulk(items(1), key=key)
    change_records(desk.app, expires_at=utc_now() - timedelta(seconds=1))
    desk.bulk(items(1), key="d")
    assert [record.key for record in records(desk.app)] == ["d"]
    change_records(desk.app, expires_at=utc_now() - timedelta(seconds=1))
    with desk.app.app_context():
        assert clean_all(batch=1) == 1
    result = desk.app.test_cli_runner().invoke(args=["catalog", "clean"])
    assert result.output == "Deleted 0 expired answers of imports.\n"


def test_an_upload_that_breaks_off_does_not_take_the_key(desk: Desk) -> None:
    body = ndjson(items(*range(100)))
    answer = desk.client.post(
        f"{desk.base}bulk/",
        input_stream=io.BytesIO(body[:1000]),
        environ_overrides={"CONTENT_LENGTH": str(len(body)), "wsgi.input_terminated": True},
        content_type="application/x-ndjson",
        headers=desk.headers | {"Idempotency-Key": "a"},
    )
    assert answer.status_code == 400
    assert desk.count() == 0
    assert desk.bulk(body, key="a").get_json()["created"] == 100


def test_a_sheet_is_the_same_whatever_its_form_looks_like(desk: Desk) -> None:
    """Two uploads of one file differ in the boundary of their parts."""
    file = b"code_1c;name\n1;x\n"
    first = desk.upload(io.BytesIO(file), "rows.csv", key="a", mode="upsert")
    again = desk.upload(io.BytesIO(file), "rows.csv", key="a", mode="upsert")
    assert first.status_code == 200, first.text
    assert (again.headers[REPLAYED], again.data) == ("true", first.data)
    assert desk.upload(io.BytesIO(file + b"2;y\n"), "rows.csv", key="a").status_code == 422
    sheet = desk.upload(io.BytesIO(file), "rows.csv", key="b", report="xlsx")
    again = desk.upload(io.BytesIO(file), "rows.csv", key="b", report="xlsx")
    assert again.data == sheet.data
    assert again.headers["Content-Disposition"] == sheet.headers["Content-Disposition"]
