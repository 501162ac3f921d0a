"""A PostgreSQL that is cut off in the middle must not hold a thread for the minutes that TCP would wait."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from psycopg import pq
from psycopg.conninfo import make_conninfo

from ecatalog.extensions import db

LONGEST_SECONDS = 20


class Stop(Exception):
    """Raised in place of connecting, once it is known how."""


def connection_parameters(engine: sa.Engine) -> dict[str, Any]:
    """What the engine asks of libpq."""
    found: dict[str, Any] = {}

    @sa.event.listens_for(engine, "do_connect")
    def remember(_dialect: object, _record: object, _arguments: object, parameters: dict[str, Any]) -> None:
        found.update(parameters)
        raise Stop

    with pytest.raises(Stop):
        engine.connect()
    for name in ("context", "prepare_threshold"):  # psycopg's own
        found.pop(name, None)
    return found


@pytest.mark.parametrize("pooler", ["", "transaction"])
def test_a_connection_is_given_up_in_seconds(
    make_app: Callable[..., Flask], silent_server: str, pooler: str
) -> None:
    url = f"postgresql+psycopg://ecatalog@{silent_server}/ecatalog"
    with make_app(database_url=url, database_pooler=pooler).app_context():
        parameters = connection_parameters(db.engine)
    link = pq.PGconn.connect_start(make_conninfo(**parameters).encode())
    try:
        with socket.socket(fileno=os.dup(link.socket)) as connection:
            options = {
                name: connection.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
                for name in ("TCP_USER_TIMEOUT", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
            }
            assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    finally:
        link.finish()
    assert options["TCP_USER_TIMEOUT"] == 10_000
    silence = options["TCP_KEEPIDLE"] + options["TCP_KEEPINTVL"] * options["TCP_KEEPCNT"]
    assert silence <= LONGEST_SECONDS
