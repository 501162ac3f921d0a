"""What an operator does with backups: keep a copy of a database, and put it back in its place."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url


def save(url: str) -> str:
    """A copy of the database at ``url``, to be put back later; its name or file."""
    database = make_url(url).database or ""
    saved = f"{database}_saved"
    if make_url(url).get_backend_name() == "sqlite":
        _copy_file(database, saved)
    else:
        _copy_postgresql(url, database, saved)
    return saved


def put_back(url: str, saved: str) -> None:
    """Make the database at ``url`` what it was; processes that use it keep running, and reconnect."""
    database = make_url(url).database or ""
    if make_url(url).get_backend_name() == "sqlite":
        _copy_file(saved, database)
    else:
        _copy_postgresql(url, saved, database)


def forget(url: str, saved: str) -> None:
    """Drop the copy."""
    if make_url(url).get_backend_name() == "postgresql":
        _execute(url, _drop(saved))


def _copy_file(source: str, target: str) -> None:
    with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target, timeout=20)) as copy:
        origin.backup(copy)


def _copy_postgresql(url: str, source: str, target: str) -> None:
    """Recreate ``target`` from ``source``, to which nobody may be connected meanwhile."""
    end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = {}"
    create = "CREATE DATABASE {} TEMPLATE {}"
    _execute(
        url,
        sql.SQL(end).format(sql.Literal(source)),
        _drop(target),
        sql.SQL(create).format(sql.Identifier(target), sql.Identifier(source)),
    )


def _drop(name: str) -> sql.Composed:
    return sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))


def _execute(url: str, *statements: sql.Composed) -> None:
    server = make_url(url).set(drivername="postgresql", database="postgres")
    with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
