"""What the README tells a newcomer to type works as it stands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecatalog.config import Settings
from tests.conftest import Serve
from tests.images.pictures import phone_photo

pytestmark = pytest.mark.any_database

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "qovun-va-tarvuz-12"


def commands() -> str:
    """The blocks of the README that are marked for this test, one after the other."""
    blocks = re.findall(
        r"<!-- tests/test_readme.py .*?-->\n```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    assert len(blocks) == 3
    return "\n".join(blocks)


def flask(database_url: str, settings: Settings, *arguments: str, entered: str = "") -> None:
    environment = {
        **os.environ,
        "FLASK_APP": str(ROOT / "wsgi.py"),
        "SECRET_KEY": settings.secret_key,
        "ALLOWED_HOSTS": "localhost",
        "DATABASE_URL": database_url,
    }
    command = [sys.executable, "-m", "flask", *arguments]
    subprocess.run(command, env=environment, input=entered, text=True, check=True, timeout=60)


def test_the_commands_of_the_readme_work(
    serve: Serve, new_database: Callable[[], str], settings: Settings, tmp_path: Path
) -> None:
    database_url = new_database()
    flask(
        database_url,
        settings,
        "user",
        "create",
        "demo",
        "--role",
        "admin",
        "--password-stdin",
        entered=PASSWORD,
    )
    url = serve({"DATABASE_URL": database_url})
    photo = tmp_path / "photo of mine.jpg"
    photo.write_bytes(phone_photo())
    finished = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands()],
        env={**os.environ, "URL": url, "PASSWORD": PASSWORD, "PHOTO": str(photo)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answers: list[dict[str, Any]] = [
        json.loads(line) for line in finished.stdout.splitlines() if line.strip()
    ]
    project, client, item, items, clients, latin, near, suggested, *answers = answers
    _page, _offset, cursor, changed, restored, history, *many = answers
    assert project["name"] == "Тошкент савдо уйи"
    assert client["project"]["code_1c"] == item["project"]["code_1c"] == "README-1"
    assert [row["id"] for row in items["results"]] == [item["id"]]
    assert [row["id"] for row in clients["results"]] == [client["id"]]
    assert latin["results"] == near["results"] == items["results"]
    assert (near["fuzzy"], "fuzzy" in latin) == (True, False)
    assert suggested["results"] == [{"code": item["code_1c"], "name": item["name"]}]
    assert cursor["count"] == 1
    assert changed["base_price"] == restored["base_price"] == "12500.00"
    assert restored["is_deleted"] is False
    assert [entry["action"] for entry in history["results"]] == ["restore", "delete", "update", "create"]
    bulk, streamed, first, second, sheet, *pictures = many
    assert (bulk["created"], bulk["updated"], bulk["failed"]) == (1, 1, 0)
    assert streamed["report"]["unchanged"] == 2
    assert [first["outcome"], second["outcome"]] == ["unchanged", "unchanged"]
    assert (sheet["unchanged"], sheet["errors"]) == (2, [])
    assert {path.name for path in tmp_path.iterdir()} >= {"template.xlsx", "items.xlsx", "items.ndjson"}
    image, images, main, without, thumbnails = pictures
    assert (image["code_1c"], image["is_main"], len(image["sources"])) == ("A/1 №7", True, 8)
    assert images["message"] == "2 images uploaded."
    assert [found["id"] for found in main["results"]] == [images["images"][0]["id"]]
    assert without["count"] == 0
    assert thumbnails["total_count"] == 3
