"""The document costs half of a start: it is made for the first who asks, once, however many ask at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from ecatalog.smorest import Blueprint

pytestmark = pytest.mark.any_database


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the blueprints that were documented."""
    names: list[str] = []
    register = Blueprint.register_views_in_doc

    def counted(self: Any, *args: Any, **options: Any) -> None:
        names.append(self.name)
        register(self, *args, **options)

    monkeypatch.setattr(Blueprint, "register_views_in_doc", counted)
    return names


def test_the_first_who_asks_has_it_made(made: list[str], make_app: Callable[..., Flask]) -> None:
    app = make_app()
    assert app.test_client().get("/api/v1/").status_code == 200
    assert made == []

    def ask(_: int) -> Any:
        return app.test_client().get("/api/schema/").get_json()

    with ThreadPoolExecutor(4) as pool:
        documents = list(pool.map(ask, range(4)))
    assert len(made) == len(set(made)) > 10
    assert all(document == documents[0] for document in documents)
    assert len(documents[0]["paths"]) > 50
