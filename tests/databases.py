"""Scratch databases of the run's kind: migrated once, copied as often as tests ask, emptied between tests."""

from __future__ import annotations

import secrets
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import flask_migrate
import psycopg
import sqlalchemy as sa
from flask import Flask
from psycopg import sql
from sqlalchemy.engine import make_url

from ecatalog.catalog import crowded, vocabulary
from ecatalog.config import Settings
from ecatalog.extensions import db
from tests.pooler import Pooler

PREFIX = "ecatalog_test_"


class Databases(ABC):
    """Makes databases; the first one, the template, is migrated by the caller."""

    @abstractmethod
    def make_empty(self) -> str:
        """The URL of a new database with nothing in it."""

    @abstractmethod
    def copy(self, url: str) -> str:
        """The URL of a new database like the one at ``url``, to which nobody may be connected."""

    @abstractmethod
    def drop(self, url: str) -> None: ...


@dataclass
class SQLiteDatabases(Databases):
    folder: Path

    def make_empty(self) -> str:
        return f"sqlite:///{self.folder / f'{PREFIX}{secrets.token_hex(4)}.sqlite3'}"

    def copy(self, url: str) -> str:
        target = self.make_empty()
        with closing(sqlite3.connect(_path(url))) as source, closing(sqlite3.connect(_path(target))) as copy:
            source.backup(copy)
        return target

    def drop(self, url: str) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(_path(url) + suffix).unlink(missing_ok=True)


@dataclass
class PostgreSQLDatabases(Databases):
    """Databases on a server where the role of ``server_url`` may create some."""

    server_url: str  # as libpq takes it, or with SQLAlchemy's +psycopg
    _made: list[str] = field(default_factory=list)

    def make_empty(self) -> str:
        # template0: what an administrator put into template1 is no part of our schema
        return self._create("template0")

    def copy(self, url: str) -> str:
        return self._create(_path(url))

    def drop(self, url: str) -> None:
        name = _path(url)
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self._made.remove(name)

    def drop_all(self) -> None:
        for name in list(self._made):
            self.drop(self._url(name))

    def _create(self, template: str) -> str:
        name = PREFIX + secrets.token_hex(6)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8'")
        self._execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        self._made.append(name)
        return self._url(name)

    def _url(self, name: str) -> str:
        url = make_url(self.server_url).set(drivername="postgresql+psycopg", database=name)
        return url.render_as_string(hide_password=False)

    def _execute(self, statement: sql.Composed) -> None:
        url = make_url(self.server_url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)


@dataclass
class PooledDatabases(PostgreSQLDatabases):
    """Databases reached through a pooler, but for the template, to which nobody may stay connected."""

    pooler: Pooler | None = None

    def copy(self, url: str) -> str:
        assert self.pooler is not None
        direct = super().copy(url)
        self.pooler.copy_settings(direct)
        return self.pooler.url(direct)


def _path(url: str) -> str:
    """What follows the host in a database URL: a file, or the name of a database."""
    return make_url(url).database or ""


Seeds = dict[str, list[dict[str, Any]]]  # by table, the rows that the migrations themselves put there


@dataclass(frozen=True)
class Template:
    """A migrated database that others are copied from."""

    url: str
    seeds: Seeds


def migrate(app: Flask) -> Seeds:
    """Bring the application's database from empty to the newest schema; nobody stays connected."""
    with app.app_context():
        flask_migrate.upgrade()
        with db.engine.connect() as connection:
            rows = {
                table.name: [dict(row._mapping) for row in connection.execute(sa.select(table))]
                for table in db.metadata.sorted_tables
            }
        db.engine.dispose()
    return {name: seeded for name, seeded in rows.items() if seeded}


def empty(app: Flask, seeds: Seeds) -> None:
    """Delete every row, children first, and put back what the migrations seeded (the resource clock)."""
    with app.app_context(), db.engine.begin() as connection:
        for table in reversed(db.metadata.sorted_tables):
            connection.execute(sa.delete(table))
        for table in db.metadata.sorted_tables:
            if table.name in seeds:
                connection.execute(sa.insert(table), seeds[table.name])
    vocabulary.forget()
    crowded.forget()


@dataclass
class Applications:
    """The applications of a test process, all on one database.

    Extensions are bound to the application that was made last, so the usual one is made again after a
    test that made others.
    """

    make: Callable[[Settings], Flask]
    settings: Settings
    seeds: Seeds
    _usual: Flask | None = None
    _others: list[Flask] = field(default_factory=list)
    _was_displaced: bool = False  # another application was made after the usual one

    def usual(self) -> Flask:
        """The application with the run's settings, on an empty database."""
        if self._was_displaced or self._usual is None:
            self.close()
            self._usual = self.make(self.settings)
            self._was_displaced = False
        empty(self._usual, self.seeds)
        return self._usual

    def emptied(self) -> None:
        """Empty the database for a test that makes applications itself; the usual one may stay displaced."""
        if self._usual is None:
            self.usual()
            return
        self._close_others()
        empty(self._usual, self.seeds)

    def other(self, **overrides: Any) -> Flask:
        """One with other settings, on the same database as it is."""
        app = self.make(replace(self.settings, **overrides))
        self._others.append(app)
        self._was_displaced = True
        return app

    def close(self) -> None:
        self._close_others()
        if self._usual is not None:
            _disconnect(self._usual)
        self._usual = None

    def _close_others(self) -> None:
        for app in self._others:
            _disconnect(app)
        self._others.clear()


def _disconnect(app: Flask) -> None:
    with app.app_context():
        db.engine.dispose()
