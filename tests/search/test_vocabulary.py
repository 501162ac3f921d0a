"""The vocabulary that mistyped words are looked up in follows commits, not attempts."""

from __future__ import annotations

import pytest
from flask import Flask

from ecatalog.catalog import service
from ecatalog.catalog.service import Origin
from ecatalog.database import write_transaction
from ecatalog.project.resource import PROJECT


def test_words_of_a_write_that_was_rolled_back_are_learned_by_the_next(app: Flask) -> None:
    values = {"code_1c": "1", "name": "Шоколад"}
    with app.app_context():
        with pytest.raises(ZeroDivisionError), write_transaction():
            service.create(PROJECT, values, Origin("test"))
            raise ZeroDivisionError
        with write_transaction():
            service.create(PROJECT, {"code_1c": "2", "name": "Чой"}, Origin("test"))
        with write_transaction():
            service.create(PROJECT, values, Origin("test"))
    page = app.test_client().get("/api/v1/project/?search=shakalad").get_json()
    assert (page["count"], page["fuzzy"]) == (1, True)
