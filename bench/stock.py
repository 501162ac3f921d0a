"""Three catalogues of the same goods, 10,000, 100,000 and 1,000,000 of them, each with a service on it.

Loading them takes minutes. BENCH_DATABASE_URL, a PostgreSQL server where databases may be created, keeps them
between runs; newer migrations are applied to them. Drop them after a change of what search texts hold.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from bench import data
from bench.house import DURABLE, WORKERS, House, prepare, run_flask, serve
from tests.servers import postgresql_server, redis_server

# What a server of this size is given; the rest is PostgreSQL's default.
SERVER = {**DURABLE, "shared_buffers": "1GB", "max_wal_size": "4GB"}


@dataclass(frozen=True)
class Stock:
    """The services, by the number of their items."""

    ten_thousand: House
    hundred_thousand: House
    million: House


@contextmanager
def open_stock() -> Iterator[Stock]:
    """All three, with one Redis."""
    with _open(10_000, 100_000, 1_000_000) as houses:
        yield Stock(*houses)


@contextmanager
def open_stock_of(items: int) -> Iterator[House]:
    """One of them."""
    with _open(items) as houses:
        yield houses[0]


@contextmanager
def _open(*sizes: int) -> Iterator[list[House]]:
    with ExitStack() as stack:
        server = os.environ.get("BENCH_DATABASE_URL") or stack.enter_context(postgresql_server(**SERVER))
        redis_url = stack.enter_context(redis_server()).url
        yield [stack.enter_context(serve(_service(server, redis_url, items), WORKERS)) for items in sizes]


def _service(server: str, redis_url: str, items: int) -> dict[str, str]:
    """The environment of a service on a filled database, which is made where it is not there yet."""
    name = f"ecatalog_bench_{items}"
    url = make_url(server).set(drivername="postgresql+psycopg", database=name)
    database_url = url.render_as_string(hide_password=False)
    settings = {"REDIS_URL": redis_url}
    if _exists(server, name):
        return prepare(database_url, **settings)
    print(f"bench: loading {items:,} items …", file=sys.stderr)
    _execute(
        server, sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
    )
    try:
        environment = prepare(database_url, **settings)
        data.fill(database_url, items, lambda *command: run_flask(environment, *command))
    except BaseException:
        _execute(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        raise
    return environment


def _connect(server: str) -> psycopg.Connection:
    url = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(url, autocommit=True)


def _exists(server: str, name: str) -> bool:
    with _connect(server) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        return found.fetchone() is not None


def _execute(server: str, statement: sql.Composed) -> None:
    with _connect(server) as connection:
        connection.execute(statement)
