"""A database with two gunicorn workers on it, and an application of the test's own process beside them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from ecatalog.auth.models import Role, User, name_key
from ecatalog.auth.tokens import start_family
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.schemas import load
from ecatalog.catalog.service import Origin
from ecatalog.config import Settings
from ecatalog.database import write_transaction
from ecatalog.extensions import db
from tests.concurrency.together import Caller
from tests.conftest import HOSTS, NO_LIMIT
from tests.databases import Applications, Databases, Template, empty
from tests.serving import gunicorn

OWN_PROCESS = Origin(source="test")
THREADS = 10  # of each worker


@dataclass
class World:
    """One database with three processes on it: two workers, and the test's own application."""

    app: Flask
    url: str
    servers: tuple[str, str]  # base URLs; each has one worker, with a cache of its own
    stack: ExitStack
    tokens: dict[str, str] = field(default_factory=dict)
    _turns: Iterator[int] = field(default_factory=itertools.count)

    def caller(self, user: str = "writer", server: int | None = None) -> Caller:
        """A new connection, signed in as an editor of that name, to the workers by turns."""
        if user not in self.tokens:
            self.tokens[user] = self._token(user)
        base_url = self.servers[next(self._turns) % 2 if server is None else server]
        headers = {"Authorization": f"Bearer {self.tokens[user]}"}
        return self.stack.enter_context(closing(Caller(base_url, headers)))

    def callers(self, count: int) -> list[Caller]:
        return [self.caller() for _ in range(count)]

    def _token(self, user: str) -> str:
        with self.transaction():
            row = User(name=user, name_key=name_key(user), role=Role.EDITOR.value, password_hash="!")
            db.session.add(row)
            db.session.flush()
            return start_family(row).access

    def resource(self, name: str) -> Resource:
        found: Resource = self.app.extensions["ecatalog_resources"][name]
        return found

    def values(self, resource: str, **values: Any) -> dict[str, Any]:
        """Values as the write path takes them, of what a client would send."""
        return load(self.resource(resource).patch_schema(), values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A write transaction of the test's own process."""
        with self.app.app_context(), write_transaction():
            yield

    def query(self, statement: str, **values: Any) -> list[Any]:
        """Rows of a plain SELECT, in a transaction of its own."""
        with self.app.app_context(), db.engine.connect() as connection:
            return list(connection.execute(sa.text(statement), values))

    def value(self, statement: str, **values: Any) -> Any:
        """The one value of a plain SELECT."""
        return self.query(statement, **values)[0][0]

    def execute(self, statement: str, **values: Any) -> None:
        """A write around the application."""
        with self.app.app_context(), db.engine.begin() as connection:
            connection.execute(sa.text(statement), values)

    def tick(self, resource: str) -> int:
        """What the resource's clock shows."""
        return int(self.value("SELECT tick FROM resource_clock WHERE resource = :name", name=resource))

    def check_live_rows(self) -> None:
        """The clocks' counts are what counting gives."""
        for name in ("client", "nomenklatura", "project"):
            told = self.value("SELECT live_rows FROM resource_clock WHERE resource = :name", name=name)
            assert told == self.value(f"SELECT count(*) FROM {name} WHERE NOT is_deleted"), name


@dataclass(frozen=True)
class House:
    """What all tests of this folder share, since workers take seconds to start."""

    url: str
    app: Flask
    servers: tuple[str, str]


@pytest.fixture(scope="package")
def house(
    databases: Databases,
    template: Template,
    base_settings: Settings,
    applications: Applications,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    url = databases.copy(template.url)
    environment = {
        "DATABASE_URL": url,
        "DATABASE_POOLER": base_settings.database_pooler,
        "SECRET_KEY": base_settings.secret_key,
        "ALLOWED_HOSTS": ",".join(HOSTS),
        "RATELIMIT_ANON": NO_LIMIT,
        "RATELIMIT_USER": NO_LIMIT,
        "LOG_LEVEL": "WARNING",
    }
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(
                gunicorn(environment, tmp_path_factory.mktemp("gunicorn"), workers=1, threads=THREADS)
            )
            for _ in range(2)
        )
        app = applications.other(database_url=url)
        yield House(url, app, (first, second))
        with app.app_context():
            db.engine.dispose()
    databases.drop(url)


@pytest.fixture
def world(house: House, template: Template) -> Iterator[World]:
    """The database, with empty tables, and the processes on it."""
    empty(house.app, template.seeds)
    with ExitStack() as stack:
        yield World(house.app, house.url, house.servers, stack)
