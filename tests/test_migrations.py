"""Migrations: from empty to head they make exactly what the models declare."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from ecatalog.database import migrations_folder
from ecatalog.extensions import db
from ecatalog.migrating import Revisions, read_revisions
from ecatalog.resources import RESOURCES
from tests.databases import Databases

Facts = dict[str, Any]


@pytest.fixture
def empty_app(make_app: Callable[..., Flask], databases: Databases) -> Iterator[Callable[[], Flask]]:
    """A factory of applications, each on a database of its own with nothing in it."""
    made: list[tuple[str, Flask]] = []

    def make() -> Flask:
        url = databases.make_empty()
        made.append((url, make_app(database_url=url)))
        return made[-1][1]

    yield make
    for url, app in made:
        with app.app_context():
            db.engine.dispose()
        databases.drop(url)


@pytest.fixture
def migrated(empty_app: Callable[[], Flask]) -> Flask:
    """An application on a database that has gone from empty to head."""
    app = empty_app()
    with app.app_context():
        flask_migrate.upgrade()
    return app


def test_one_head() -> None:
    scripts = ScriptDirectory(str(migrations_folder()))
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1


def test_revisions_are_those_that_alembic_finds() -> None:
    scripts = ScriptDirectory(str(migrations_folder()))
    assert read_revisions(migrations_folder()) == Revisions(
        heads=frozenset(scripts.get_heads()),
        known=frozenset(script.revision for script in scripts.walk_revisions()),
    )


def test_revisions_of_branches_that_meet_again(tmp_path: Path) -> None:
    folder = tmp_path / "versions"
    folder.mkdir()
    for name, before in (("a", None), ("b", "a"), ("c", "a"), ("d", ("b", "c")), ("e", "d"), ("f", "d")):
        written = f"revision: str = {name!r}\ndown_revision = {before!r}\nraise SystemExit('was run')\n"
        (folder / f"{name}.py").write_text(written, encoding="utf-8")
    assert read_revisions(tmp_path) == Revisions(frozenset("ef"), frozenset("abcdef"))


# SQLite cannot tell SQLAlchemy about those; the test below compares them.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping")
def test_models_equal_head(migrated: Flask) -> None:
    with migrated.app_context():
        with db.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"include_name": without_trigrams})
            assert compare_metadata(context, db.metadata) == []
        flask_migrate.check()


def without_trigrams(name: str | None, _kind: str, _parents: object) -> bool:
    """Their indexes are beyond what the models can say; the test below sees them."""
    return name is None or "_trigrams" not in name


def test_tables_are_those_that_the_models_would_make(migrated: Flask, empty_app: Callable[[], Flask]) -> None:
    """The comparison above stands on reflection, which does not see all of an index or a constraint."""
    by_migrations = facts(migrated)
    declared = empty_app()
    with declared.app_context():
        db.metadata.create_all(db.engine)
    by_models = facts(declared)
    assert by_migrations.keys() == by_models.keys()
    for name, what in by_models.items():
        assert by_migrations[name] == what, name
    assert len([name for name in by_models if name.startswith("index uq_")]) >= len(RESOURCES)


def test_upgrading_again_changes_nothing(migrated: Flask) -> None:
    before = facts(migrated), contents(migrated)
    with migrated.app_context():
        flask_migrate.upgrade()
    assert (facts(migrated), contents(migrated)) == before


def test_head_is_recorded(migrated: Flask) -> None:
    heads = ScriptDirectory(str(migrations_folder())).get_heads()
    with migrated.app_context(), db.engine.connect() as connection:
        assert list(MigrationContext.configure(connection).get_current_heads()) == heads


def test_every_resource_has_its_clock(migrated: Flask) -> None:
    clocks = contents(migrated)["resource_clock"]
    assert {row["resource"] for row in clocks} == {resource.name for resource in RESOURCES}
    assert {(row["tick"], row["live_rows"]) for row in clocks} == {(0, 0)}
    assert len({row["epoch"] for row in clocks}) == len(RESOURCES)


def test_a_migrated_database_serves(migrated: Flask) -> None:
    client = migrated.test_client()
    assert client.get("/readyz").status_code == 200
    for name in ("project", "nomenklatura"):
        assert client.get(f"/api/v1/{name}/").get_json()["count"] == 0


def test_an_empty_database_is_not_ready(empty_app: Callable[[], Flask]) -> None:
    assert empty_app().test_client().get("/readyz").status_code == 503


def contents(app: Flask) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table of ours."""
    with app.app_context(), db.engine.connect() as connection:
        return {
            table.name: [dict(row._mapping) for row in connection.execute(sa.select(table))]
            for table in db.metadata.sorted_tables
        }


def facts(app: Flask) -> Facts:
    """What the database itself says of its columns, constraints and indexes, by kind and name."""
    with app.app_context(), db.engine.connect() as connection:
        found = READERS[connection.dialect.name](connection)
    return {name: what for name, what in found.items() if "alembic_version" not in name}


def sqlite_facts(connection: sa.Connection) -> Facts:
    found: Facts = {}
    rows = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_master").all()
    for kind, name, table, statement in rows:
        if kind == "table":
            for column in connection.exec_driver_sql(f"PRAGMA table_xinfo({name})").mappings():
                found[f"column {name}.{column['name']}"] = dict(column)
            # names and texts of constraints are in the statement alone
            constraints = re.findall(r"CONSTRAINT\s.*", statement or "")
            found[f"constraints {name}"] = sorted(text.rstrip(" ,)") for text in constraints)
        elif kind == "trigger":
            found[f"trigger {name}"] = (table, re.sub(r"\s+", " ", statement))
        elif statement is not None:  # those that constraints bring have no statement
            found[f"index {name}"] = (table, re.sub(r"\s+", " ", statement))
    return found


POSTGRESQL_FACTS = {
    "column": """
        SELECT table_name || '.' || column_name, ordinal_position, column_default, is_nullable, data_type,
               character_maximum_length, numeric_precision, numeric_scale, datetime_precision
        FROM information_schema.columns WHERE table_schema = 'public'""",
    "index": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "constraint": """
        SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "trigger": """
        SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal""",
    "function": """
        SELECT proname, prosrc FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND prokind = 'f' AND prorettype = 'trigger'::regtype""",
    "sequence": "SELECT sequencename, data_type::text FROM pg_sequences WHERE schemaname = 'public'",
}


def postgresql_facts(connection: sa.Connection) -> Facts:
    return {
        f"{kind} {name}": tuple(what)
        for kind, query in POSTGRESQL_FACTS.items()
        for name, *what in connection.exec_driver_sql(query)
    }


READERS = {"sqlite": sqlite_facts, "postgresql": postgresql_facts}
