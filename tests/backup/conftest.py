"""Fixtures of the backup tests: a real repository, and applications on databases of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from ecatalog.catalog import service
from ecatalog.catalog.schemas import load
from ecatalog.catalog.service import Origin
from ecatalog.config import Settings
from ecatalog.database import write_transaction
from tests.servers import postgresql_programs

PASSWORD = "kalit-so'z-100%"


@dataclass
class House:
    """An installation with a database of its own."""

    app: Flask
    settings: Settings

    def run(self, *arguments: str) -> Result:
        return self.app.test_cli_runner().invoke(args=list(arguments))

    def succeed(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def fail(self, *arguments: str) -> str:
        """The last line on stderr of a command that ends with exit code 1."""
        result = self.run(*arguments)
        assert result.exit_code == 1, result.output
        assert isinstance(result.exception, SystemExit)
        return result.stderr.strip().splitlines()[-1]

    def write(self, resource_name: str, *rows: dict[str, Any]) -> None:
        resource = self.app.extensions["ecatalog_resources"][resource_name]
        with self.app.app_context(), write_transaction():
            for row in rows:
                service.create(resource, load(resource.write_schema(), row), Origin(source="test"))

    def codes(self) -> list[str]:
        answer = self.app.test_client().get("/api/v1/project/?page_size=100&ordering=code_1c")
        assert answer.status_code == 200, answer.text
        return [row["code_1c"] for row in answer.get_json()["results"]]


@pytest.fixture(autouse=True)
def programs_of_the_server(database_kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """pg_dump must not be older than the server: both are taken from one place."""
    if database_kind == "postgresql":
        monkeypatch.setenv("PATH", f"{postgresql_programs()}:{os.environ['PATH']}")


MakeHouse = Callable[..., House]


@pytest.fixture
def make_house(make_app: Callable[..., Flask], new_database: Callable[[], str], tmp_path: Path) -> MakeHouse:
    """A factory of installations that share a repository."""
    password_file = tmp_path / "password"
    password_file.write_text(PASSWORD)

    def make(**overrides: Any) -> House:
        media = tmp_path / "media"
        media.mkdir(exist_ok=True)
        app = make_app(
            **{
                "database_url": new_database(),
                "media_storage": str(media),
                "backup_repository": str(tmp_path / "repository"),
                "backup_password_file": str(password_file),
                "backup_state_file": str(tmp_path / "state" / "backup.json"),
                "public_url": "https://api.example.uz",
                **overrides,
            }
        )
        return House(app, app.extensions["ecatalog_settings"])

    return make


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    """An installation whose repository is made."""
    made = make_house()
    made.succeed("backup", "init")
    return made
