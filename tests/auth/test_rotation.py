"""Refresh tokens rotate; a reuse ends every token of the sign-in, also when uses run in parallel."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.auth.models import RefreshFamily, RefreshToken, User
from ecatalog.auth.tokens import clean_expired
from ecatalog.database import utc_now, write_transaction
from ecatalog.extensions import db
from tests.auth.conftest import PASSWORD, Pair, Run, bearer, body, post, refresh
from tests.auth.test_tokens import INVALID, claims_of

PARALLEL = 20


def let_time_pass(app: Flask, pair: Pair, seconds: float) -> None:
    """Move the token's first use into the past."""
    with app.app_context(), write_transaction():
        token = db.session.get_one(RefreshToken, claims_of(pair["refresh"])["jti"])
        assert token.first_used_at is not None
        token.first_used_at -= timedelta(seconds=seconds)


def only_family(app: Flask) -> RefreshFamily:
    with app.app_context():
        return db.session.scalars(sa.select(RefreshFamily)).one()


def test_a_refresh_gives_a_working_fresh_pair(client: FlaskClient, pair: Pair) -> None:
    answer = refresh(client, pair)
    assert answer.status_code == 200
    fresh = body(answer)
    assert set(fresh) == {"access", "refresh"}
    assert {*fresh.values()}.isdisjoint(pair.values())
    assert client.get("/api/v1/client/", headers=bearer(fresh["access"])).status_code == 200
    assert refresh(client, fresh).status_code == 200


def test_a_family_lives_as_long_as_its_newest_token(app: Flask, client: FlaskClient, pair: Pair) -> None:
    with app.app_context(), write_transaction():
        db.session.execute(sa.update(RefreshFamily).values(expires_at=utc_now() + timedelta(hours=1)))
    fresh = body(refresh(client, pair))
    lived = only_family(app).expires_at - datetime.fromtimestamp(
        claims_of(fresh["refresh"])["exp"], utc_now().tzinfo
    )
    assert abs(lived) < timedelta(seconds=5)


def test_the_old_token_is_answered_exactly_once_more(client: FlaskClient, pair: Pair) -> None:
    first, second, third = (refresh(client, pair) for _ in range(3))
    assert (first.status_code, second.status_code) == (200, 200)
    assert (third.status_code, body(third)) == (401, INVALID)
    for answer in (first, second):  # the third use has ended what the others gave
        assert refresh(client, body(answer)).status_code == 401
        assert body(post(client, "/api/token/verify/", token=body(answer)["refresh"])) == INVALID


def test_both_answers_within_the_grace_work(client: FlaskClient, pair: Pair) -> None:
    first, second = body(refresh(client, pair)), body(refresh(client, pair))
    assert refresh(client, first).status_code == 200
    assert refresh(client, second).status_code == 200


def test_a_use_shortly_before_the_grace_ends_is_answered(app: Flask, client: FlaskClient, pair: Pair) -> None:
    assert refresh(client, pair).status_code == 200
    let_time_pass(app, pair, 8)
    assert post(client, "/api/token/verify/", token=pair["refresh"]).status_code == 200
    assert refresh(client, pair).status_code == 200


def test_a_use_after_the_grace_ends_the_family(
    app: Flask, client: FlaskClient, pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    fresh = body(refresh(client, pair))
    let_time_pass(app, pair, 10.5)
    assert body(post(client, "/api/token/verify/", token=pair["refresh"])) == INVALID
    with caplog.at_level(logging.WARNING):
        assert refresh(client, pair).status_code == 401
    assert only_family(app).revoked_at is not None
    assert refresh(client, fresh).status_code == 401
    warnings = [record for record in caplog.records if record.name == "ecatalog.auth.tokens"]
    assert len(warnings) == 1
    assert vars(warnings[0])["user_id"] == claims_of(pair["access"])["user_id"]
    written = " ".join(str(vars(record)) for record in caplog.records)
    assert pair["refresh"] not in written
    assert claims_of(pair["refresh"])["jti"] not in written


def test_other_sign_ins_survive_the_end_of_a_family(client: FlaskClient, anvar: User, pair: Pair) -> None:
    other = body(post(client, "/api/token/", username=anvar.name, password=PASSWORD))
    for _ in range(3):
        last = refresh(client, pair)
    assert last.status_code == 401
    assert refresh(client, other).status_code == 200


def test_parallel_uses_get_two_answers_and_end_the_family(app: Flask, pair: Pair) -> None:
    start = Barrier(PARALLEL)

    def use(_: int) -> tuple[int, dict[str, str]]:
        client = app.test_client()
        start.wait(timeout=30)
        answer = refresh(client, pair)
        return answer.status_code, body(answer)

    with ThreadPoolExecutor(PARALLEL) as threads:
        answers = list(threads.map(use, range(PARALLEL)))
    assert sorted(status for status, _ in answers) == [200] * 2 + [401] * (PARALLEL - 2)
    assert only_family(app).revoked_at is not None
    for status, fresh in answers:
        if status == 200:
            assert refresh(app.test_client(), fresh).status_code == 401


def test_two_parallel_uses_are_both_answered(app: Flask, client: FlaskClient, pair: Pair) -> None:
    for _ in range(10):
        start = Barrier(2)

        def use(used: Pair, start: Barrier = start) -> dict[str, str]:
            start.wait(timeout=30)
            answer = refresh(app.test_client(), used)
            assert answer.status_code == 200
            return body(answer)

        with ThreadPoolExecutor(2) as threads:
            pair, _second = threads.map(use, [pair, pair])
    assert refresh(client, pair).status_code == 200


def test_signing_out_ends_the_family(client: FlaskClient, pair: Pair) -> None:
    fresh = body(refresh(client, pair))
    answer = post(client, "/api/token/logout/", refresh=fresh["refresh"])
    assert (answer.status_code, body(answer)) == (200, {})
    for token in (pair, fresh):
        assert body(refresh(client, token)) == INVALID
    assert body(post(client, "/api/token/logout/", refresh=fresh["refresh"])) == INVALID


def test_cleaning_deletes_what_has_expired_and_nothing_else(
    app: Flask, client: FlaskClient, anvar: User, pair: Pair, run: Run
) -> None:
    past = utc_now() - timedelta(hours=2)
    with app.app_context(), write_transaction():
        for number in range(7):
            family = RefreshFamily(id=f"old-{number}", user_id=anvar.id, created_at=past, expires_at=past)
            db.session.add(family)
            db.session.flush()
            db.session.add_all(
                RefreshToken(jti=f"old-{number}-{token}", family_id=family.id, expires_at=past)
                for token in range(2)
            )
    with app.app_context():
        assert clean_expired(batch=3) == (14, 7)
    assert refresh(client, pair).status_code == 200
    result = run("token", "clean")
    assert result.exit_code == 0
    assert "Deleted 0 expired refresh tokens" in result.output
