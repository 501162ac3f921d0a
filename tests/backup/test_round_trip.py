"""A backup, and the way back from it."""

from __future__ import annotations

import json
import re
import threading
import warnings
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
import sqlalchemy as sa

from ecatalog.database import write_transaction
from ecatalog.extensions import db
from tests.backup.conftest import House, MakeHouse


def lose_everything(house: House) -> None:
    with house.app.app_context(), write_transaction():
        for table in reversed(db.metadata.sorted_tables):
            db.session.execute(sa.delete(table))


def run_id(output: str) -> str:
    match = re.search(r"\d{8}T\d{6}Z-[0-9a-f]{4}", output)
    assert match, output
    return match[0]


def listed(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(house.succeed("backup", "list", "--json"))
    return found


def test_all_comes_back(house: House) -> None:
    media = Path(house.settings.media_storage)
    house.write("project", {"code_1c": "Д-1", "name": "Дўкон"}, {"code_1c": "P2", "name": "Склад"})
    house.write("nomenklatura", {"code_1c": "7", "name": "Мёд", "project": "Д-1", "base_price": "12000.50"})
    (media / "aa").mkdir()
    (media / "aa" / "original.jpg").write_bytes(b"\x00picture")
    client = house.app.test_client()
    before = client.get("/api/v1/nomenklatura/7/").get_json()
    cursor = client.get("/api/v1/project/changes/").get_json()["next"]

    made = run_id(house.succeed("backup", "create", "--keep-all"))
    verified = json.loads(house.succeed("backup", "verify", "--json"))
    assert verified["backup"] == made
    assert (verified["rows"]["project"], verified["rows"]["nomenklatura"]) == (2, 1)
    assert verified["ticks"].keys() >= {"project", "nomenklatura"}

    house.write("project", {"code_1c": "later", "name": "After the backup"})
    lose_everything(house)
    (media / "aa" / "original.jpg").unlink()
    (media / "new.jpg").write_bytes(b"made after the backup")
    output = house.succeed("backup", "restore", "--yes")

    assert "Restored 1 media files." in output
    assert house.codes() == ["P2", "Д-1"]
    assert client.get("/api/v1/nomenklatura/7/").get_json() == before
    assert (media / "aa" / "original.jpg").read_bytes() == b"\x00picture"
    assert (media / "new.jpg").exists()
    assert not [path for path in media.iterdir() if path.name.startswith(".")]
    # Consumers of the feed may be ahead of what came back: they begin again.
    assert client.get("/api/v1/project/changes/", query_string={"since": cursor}).status_code == 410
    assert len(client.get("/api/v1/project/changes/").get_json()["results"]) == 2
    house.write("project", {"code_1c": "P3", "name": "Writing goes on"})
    assert house.codes() == ["P2", "P3", "Д-1"]


def test_a_new_server_gets_its_data_back(house: House, make_house: MakeHouse) -> None:
    house.write("project", {"code_1c": "P1", "name": "One"})
    house.succeed("backup", "create", "--keep-all")
    other = make_house()
    assert other.codes() == []
    other.succeed("backup", "restore", "--yes")
    assert other.codes() == ["P1"]
    with other.app.app_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLite does not tell of all its indexes
        flask_migrate.check()  # raises when a table is not as the models have it


def test_a_backup_made_under_writers_is_one_moment(house: House) -> None:
    """The manifest counts what the dump holds, whatever is written meanwhile."""
    stop = threading.Event()
    written: list[str] = []

    def write() -> None:
        while not stop.is_set():
            code = f"W{len(written):04}"
            house.write("project", {"code_1c": code, "name": code})
            written.append(code)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        house.succeed("backup", "create", "--keep-all")
    finally:
        stop.set()
        writer.join()
    verified = json.loads(house.succeed("backup", "verify", "--json"))
    assert 0 < verified["rows"]["project"] <= len(written)


def test_settings_and_other_files_come_along(make_house: MakeHouse, tmp_path: Path) -> None:
    settings = tmp_path / "etc" / "ecatalog.env"
    settings.parent.mkdir()
    settings.write_text("KEY=value")
    house = make_house(backup_paths=(str(settings.parent),))
    house.succeed("backup", "init")
    house.succeed("backup", "create", "--keep-all")
    target = tmp_path / "out"
    house.succeed("backup", "restore", "--no-database", "--no-media", "--files-to", str(target))
    assert (target / str(settings).lstrip("/")).read_text() == "KEY=value"


@pytest.mark.any_database
def test_only_as_many_are_kept_as_asked_for(make_house: MakeHouse) -> None:
    house = make_house(backup_keep_daily=1, backup_keep_weekly=1, backup_keep_monthly=1)
    house.succeed("backup", "init")
    stranger = make_house(database_url=house.settings.database_url, public_url="https://other.example.uz")
    theirs = run_id(stranger.succeed("backup", "create", "--keep-all"))
    house = make_house(
        database_url=house.settings.database_url,
        backup_keep_daily=1,
        backup_keep_weekly=1,
        backup_keep_monthly=1,
    )
    first = run_id(house.succeed("backup", "create", "--keep-all"))
    second = run_id(house.succeed("backup", "create"))
    assert {fact["backup"] for fact in listed(house)} == {theirs, second} - {first}
    assert {fact["installation"] for fact in listed(house)} == {"api.example.uz", "other.example.uz"}
    house.succeed("backup", "check", "--percent", "100")
