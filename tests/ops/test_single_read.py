"""Reads of one statement survive the loss of their connection: PostgreSQL alone has one to lose."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask, request_finished
from flask.testing import FlaskClient

from ecatalog import connections
from ecatalog.extensions import db

CLOCKS, SIGNED_IN, DETAIL = "/api/v1/project/", "/api/v1/client/", "/api/v1/project/A/"
_numbers = itertools.count()
Headers = dict[str, str]
Lose = Callable[[Any], None]


@pytest.fixture(autouse=True)
def _postgresql(database_kind: str) -> None:
    if database_kind != "postgresql":
        pytest.skip("SQLite has no connections that somebody else could end.")


@pytest.fixture
def engine(app: Flask) -> sa.Engine:
    with app.app_context():
        return db.engine


@pytest.fixture
def headers(client: FlaskClient, auth: Callable[..., Headers]) -> Headers:
    """Of a user who may write, and has written a row. Every statement was asked for once."""
    headers = auth()
    assert client.post(CLOCKS, json={"code_1c": "A", "name": "A"}, headers=headers).status_code == 201
    for path in (CLOCKS, SIGNED_IN, DETAIL):
        assert client.get(path, headers=headers).status_code == 200
    return headers


def end(engine: sa.Engine, which: str) -> None:
    """End these sessions, from outside, and wait until they are gone."""
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {which}")


def terminate(connection: Any) -> None:
    """The session ends, as when PostgreSQL is restarted."""
    url = connection.info.dsn
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])


def forget(connection: Any) -> None:
    """What was prepared is gone, as when somebody else's pooler exchanged the session."""
    connection.pgconn.exec_(b"DEALLOCATE ALL")


@pytest.fixture
def lose_next(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Lose]]:
    """What is in the list is done to the next connections: they have been looked at, and not been used.

    All are taken out of the pool: none are kept at hand.
    """
    monkeypatch.setattr(connections, "MOST_LENT", 0)
    engine.dispose()
    losses: list[Lose] = []

    def taken(connection: Any, _record: object, _proxy: object) -> None:
        if losses:
            losses.pop(0)(connection)

    sa.event.listen(engine, "checkout", taken)
    yield losses
    sa.event.remove(engine, "checkout", taken)


@pytest.mark.parametrize("path", [CLOCKS, SIGNED_IN, DETAIL])
def test_sessions_that_ended_between_two_requests(
    client: FlaskClient, headers: Headers, engine: sa.Engine, path: str
) -> None:
    end(engine, "application_name = 'ecatalog' AND datname = current_database()")
    assert client.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize("path", [CLOCKS, SIGNED_IN, DETAIL])
@pytest.mark.parametrize("loss", [terminate, forget])
def test_sessions_that_are_lost_while_they_lie_at_hand(
    app: Flask, client: FlaskClient, headers: Headers, path: str, loss: Lose
) -> None:
    lent = connections.lent_of(app)
    taken = [lent.take() for _ in range(3)]
    for connection in taken:
        loss(connection.driver_connection)
        lent.give_back(connection)
    assert lent.idle == connections.MOST_LENT
    for _ in range(4):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, bool(answer.get_json())) == (200, True)
    assert 1 <= lent.idle <= connections.MOST_LENT


def test_what_lies_at_hand_goes_with_the_pool(app: Flask, client: FlaskClient, headers: Headers) -> None:
    lent = connections.lent_of(app)
    assert client.get(CLOCKS).status_code == 200
    connection = lent.take()
    driver: Any = connection.driver_connection
    lent.give_back(connection)
    lent.engine.dispose()
    assert (driver.closed, lent.idle) == (True, 0)
    assert client.get(CLOCKS).status_code == 200


@pytest.mark.parametrize("path", [CLOCKS, SIGNED_IN, DETAIL])
@pytest.mark.parametrize("loss", [terminate, forget])
def test_a_session_that_is_lost_when_it_is_asked(
    client: FlaskClient, headers: Headers, lose_next: list[Lose], path: str, loss: Lose
) -> None:
    lose_next.append(loss)
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    assert answer.get_json()
    assert not lose_next, "no connection was lost: then this test is about nothing"
    assert client.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize("loss", [terminate, forget])
def test_a_row_that_is_read_when_its_session_is_lost(
    client: FlaskClient, headers: Headers, lose_next: list[Lose], loss: Lose
) -> None:
    asked: list[Any] = []
    lose_next += [asked.append, loss]  # the first look, and then the row
    answer = client.get(DETAIL, headers=headers)
    assert (answer.status_code, len(asked), lose_next) == (200, 1, [])
    assert answer.get_json()["code_1c"] == "A"


@pytest.mark.parametrize("path", [CLOCKS, SIGNED_IN])
def test_it_is_tried_once_more_and_no_more(
    client: FlaskClient, headers: Headers, lose_next: list[Lose], path: str
) -> None:
    lose_next += [terminate] * 3
    answer = client.get(path, headers=headers)
    assert (answer.status_code, len(lose_next)) == (503, 1)
    assert "Retry-After" in answer.headers
    lose_next.clear()
    assert client.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize("loss", [terminate, forget])
def test_a_first_page_that_is_read_when_its_session_is_lost(
    client: FlaskClient, headers: Headers, lose_next: list[Lose], loss: Lose
) -> None:
    for _ in range(2):  # the second page is read without the application
        asked: list[Any] = []
        lose_next += [asked.append, loss]  # the first look, and then the page
        answer = client.get(f"{CLOCKS}?is_active=true&unknown={next(_numbers)}", headers=headers)
        assert (answer.status_code, len(asked), lose_next) == (200, 1, [])
        assert answer.get_json()["count"] == 1


def test_a_page_whose_session_is_lost_answers_503_and_the_next_one_is_whole(
    client: FlaskClient, headers: Headers, lose_next: list[Lose]
) -> None:
    """A search is read in a transaction, whose first statement goes to the driver as it is, too."""
    asked: list[Any] = []
    lose_next += [asked.append, terminate]  # the first look, and then the page
    answer = client.get(f"{CLOCKS}?search=a&ordering=name", headers=headers)
    assert (answer.status_code, len(asked), lose_next) == (503, 1, [])
    assert "Retry-After" in answer.headers
    assert client.get(f"{CLOCKS}?page_size=7", headers=headers).get_json()["count"] == 1


def test_a_page_needs_nothing_that_was_prepared(
    client: FlaskClient, headers: Headers, lose_next: list[Lose]
) -> None:
    """Its transaction begins with a prepared statement, where the session has it."""
    for number in range(3):
        lose_next += [forget] if number else []
        answer = client.get(f"{CLOCKS}?page_size=8&unknown={number}", headers=headers)
        assert (answer.status_code, answer.get_json()["count"], lose_next) == (200, 1, [])
        assert client.get(CLOCKS, headers=headers).status_code == 200


def test_a_connection_comes_back_without_what_was_begun_on_it(engine: sa.Engine) -> None:
    """Whoever takes one for a statement of their own need not end what they began."""
    connection = engine.raw_connection()
    driver: Any = connection.driver_connection
    driver.execute("SET LOCAL application_name = 'half done'")
    assert driver.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
    connection.close()
    assert driver.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert driver.execute("SHOW application_name").fetchone() != ("half done",)
    driver.rollback()


def test_an_answer_survives_the_loss_of_the_session_that_it_was_read_in(
    app: Flask, client: FlaskClient, headers: Headers, engine: sa.Engine
) -> None:
    ended: list[int] = []

    def end_it(_sender: Flask, **_: object) -> None:
        driver: Any = db.session.connection().connection.driver_connection
        ended.append(driver.info.backend_pid)
        terminate(driver)

    with request_finished.connected_to(end_it, app):
        answers = [client.get(f"{CLOCKS}?search=a", headers=headers | {"Origin": "https://a.example"})]
    answers.append(client.get(f"{CLOCKS}?search=b", headers=headers))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(ended) == 1
    pool: Any = engine.pool
    assert pool.checkedout() == connections.lent_of(app).idle
