"""Fixtures: real databases, a real Redis, real commits.

``--database sqlite`` (the default) or ``--database postgresql`` chooses the run's database. It is migrated
once; between tests every table is emptied, so that several connections, rollbacks and the resource clock
behave as in production.
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

import ecatalog
from ecatalog.auth.models import Role, User, name_key
from ecatalog.auth.passwords import hash_password
from ecatalog.auth.tokens import start_family
from ecatalog.config import Settings
from ecatalog.database import write_transaction
from ecatalog.extensions import db
from tests.databases import (
    Applications,
    Databases,
    PooledDatabases,
    PostgreSQLDatabases,
    SQLiteDatabases,
    Template,
    migrate,
)
from tests.pooler import Pooler, pooler
from tests.servers import RedisServer, postgresql_server, redis_server
from tests.serving import gunicorn

NO_LIMIT = "1000000/second"
HOSTS = ("localhost", "127.0.0.1", "[::1]")


_DATABASE = {"databases", "database_kind"}  # fixtures: who has neither, works without the run's database


class MakeUser(Protocol):
    def __call__(self, name: str | None = ..., role: str = ..., password: str | None = ...) -> User: ...


class Serve(Protocol):
    def __call__(
        self, environment: dict[str, str] | None = ..., workers: int = ..., threads: int = ...
    ) -> str: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.addoption(
        "--pooler", action="store_true", help="put PgBouncer in transaction mode before PostgreSQL"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL leave out what was tried with SQLite and cannot come out otherwise."""
    if config.getoption("--database") == "sqlite":
        return
    left_out = [item for item in items if not _asks_the_database(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = filter(_asks_the_database, items)


def _asks_the_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return item.get_closest_marker("any_database") is None and bool(_DATABASE.intersection(fixtures))


def pytest_report_header(config: pytest.Config) -> str:
    through = ", through PgBouncer in transaction mode" if config.getoption("--pooler") else ""
    return f"database: {config.getoption('--database')}{through}"


@pytest.fixture(scope="session")
def database_kind(pytestconfig: pytest.Config) -> str:
    """``sqlite`` or ``postgresql``."""
    return str(pytestconfig.getoption("--database"))


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server on which the run may create databases: TEST_DATABASE_URL, or a private one."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with postgresql_server() as url:
        yield url


@pytest.fixture(scope="session")
def run_pooler(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Iterator[Pooler | None]:
    """The pooler of a run with ``--pooler``."""
    if not pytestconfig.getoption("--pooler"):
        yield None
        return
    with pooler(request.getfixturevalue("postgresql_url")) as made:
        yield made


@pytest.fixture(scope="session")
def databases(
    database_kind: str,
    run_pooler: Pooler | None,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Databases]:
    if database_kind == "sqlite":
        yield SQLiteDatabases(tmp_path_factory.mktemp("databases"))
        return
    server = request.getfixturevalue("postgresql_url")
    scratch = PooledDatabases(server, pooler=run_pooler) if run_pooler else PostgreSQLDatabases(server)
    yield scratch
    scratch.drop_all()


@pytest.fixture(scope="session")
def base_settings(tmp_path_factory: pytest.TempPathFactory, run_pooler: Pooler | None) -> Settings:
    """What every application of the run has in common; the database is filled in below."""
    return Settings(
        secret_key=secrets.token_urlsafe(64),
        allowed_hosts=HOSTS,
        media_storage=str(tmp_path_factory.mktemp("media")),
        ratelimit_anon=NO_LIMIT,
        ratelimit_user=NO_LIMIT,
        ratelimit_signin=NO_LIMIT,
        ratelimit_signin_address=NO_LIMIT,
        database_pooler="transaction" if run_pooler else "",
    )


@pytest.fixture(scope="session")
def template(databases: Databases, base_settings: Settings) -> Template:
    """A migrated database to copy from; nobody stays connected to it."""
    url = databases.make_empty()
    return Template(url, migrate(ecatalog.create_app(replace(base_settings, database_url=url))))


@pytest.fixture(scope="session")
def applications(databases: Databases, base_settings: Settings, template: Template) -> Iterator[Applications]:
    settings = replace(base_settings, database_url=databases.copy(template.url))
    house = Applications(ecatalog.create_app, settings, template.seeds)
    yield house
    house.close()


@pytest.fixture
def settings(applications: Applications) -> Settings:
    """The settings of ``app``."""
    return applications.settings


@pytest.fixture
def app(applications: Applications) -> Flask:
    """The application on the run's migrated database, whose tables are empty."""
    return applications.usual()


@pytest.fixture
def make_app(applications: Applications) -> Callable[..., Flask]:
    """A factory of applications with other settings on the same database: ``make_app(debug=True)``.

    Extensions serve the application that was made last: use that one.
    """
    applications.emptied()
    return applications.other


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def new_database(databases: Databases, template: Template) -> Iterator[Callable[[], str]]:
    """A factory of URLs of fresh, migrated databases of the run's kind, dropped after the test."""
    made: list[str] = []

    def make() -> str:
        made.append(databases.copy(template.url))
        return made[-1]

    yield make
    for url in made:
        databases.drop(url)


@pytest.fixture
def serve(new_database: Callable[[], str], settings: Settings, tmp_path: Path) -> Iterator[Serve]:
    """Start gunicorn: ``serve({"RATELIMIT_ANON": "100/hour"}, workers=4)`` gives its base URL.

    The dictionary holds settings as environment variables; without DATABASE_URL the server gets a fresh
    migrated database. Its log is shown when the test fails.
    """
    numbers = itertools.count()
    with ExitStack() as stack:

        def start(environment: dict[str, str] | None = None, workers: int = 1, threads: int = 4) -> str:
            folder = tmp_path / f"gunicorn-{next(numbers)}"
            folder.mkdir()
            complete = {
                "SECRET_KEY": settings.secret_key,
                "ALLOWED_HOSTS": ",".join(HOSTS),
                "RATELIMIT_ANON": NO_LIMIT,
                "RATELIMIT_USER": NO_LIMIT,
                "RATELIMIT_SIGNIN": NO_LIMIT,
                "RATELIMIT_SIGNIN_ADDRESS": NO_LIMIT,
                "DATABASE_POOLER": settings.database_pooler,
                **(environment or {}),
            }
            if "DATABASE_URL" not in complete:
                complete["DATABASE_URL"] = new_database()
            return stack.enter_context(gunicorn(complete, folder, workers, threads))

        yield start


@pytest.fixture(scope="session")
def _redis_url() -> Iterator[str]:
    """The run's Redis: TEST_REDIS_URL, or a private one. Each pytest-xdist worker has its own database."""
    given = os.environ.get("TEST_REDIS_URL")
    if not given:
        with redis_server() as server:
            yield server.url
        return
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    with redis.Redis.from_url(given) as client:
        base = int(client.get_connection_kwargs().get("db", 0))
    yield given if number == 0 else given.rsplit("/", 1)[0] + f"/{base + number}"


@pytest.fixture
def redis_url(_redis_url: str) -> str:
    """A real Redis whose database is empty."""
    with redis.Redis.from_url(_redis_url) as client:
        client.flushdb()
    return _redis_url


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis of the test's own, which it may ``stop()`` and ``start()`` again."""
    with redis_server() as server:
        yield server


@pytest.fixture
def make_user(app: Flask) -> MakeUser:
    """A factory of users: ``make_user("Anvar", role="admin", password="…")``; no password, no sign-in."""
    numbers = itertools.count(1)

    def make(name: str | None = None, role: str = "editor", password: str | None = None) -> User:
        name = name or f"{role}-{next(numbers)}"
        password_hash = hash_password(password) if password else "!"
        with app.app_context():
            user = User(
                name=name, name_key=name_key(name), role=Role(role).value, password_hash=password_hash
            )
            with write_transaction():
                db.session.add(user)
            db.session.refresh(user)
            db.session.expunge(user)
        return user

    return make


@pytest.fixture
def auth(app: Flask, make_user: MakeUser) -> Callable[..., dict[str, str]]:
    """A factory of headers with a valid access token: ``auth()``, ``auth("viewer")``, ``auth(user=user)``."""

    def headers(role: str = "editor", user: User | None = None) -> dict[str, str]:
        user = user or make_user(role=role)
        with app.app_context(), write_transaction():
            token = start_family(user).access
        return {"Authorization": f"Bearer {token}"}

    return headers
