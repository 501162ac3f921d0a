"""Decorators share what they note on views; no view, and no document, may change another's."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from flask import Flask

from ecatalog.openapi.notes import Notes, noting
from ecatalog.smorest import Blueprint


def view() -> str:
    """Answer."""
    return ""


def notes_of(decorated: Any) -> dict[str, Any]:
    found: dict[str, Any] = decorated._apidoc
    return found


def test_a_decorator_adds_nothing_to_the_view_below_it() -> None:
    blueprint = Blueprint("some", __name__)
    below = blueprint.response(200, example={"a": [1]})(view)
    before = deepcopy(dict(notes_of(below)))
    above = blueprint.alt_response(200, content_type="text/plain")(below)
    above = blueprint.arguments({}, location="query")(
        noting(errors=(404,))(blueprint.doc(summary="S")(above))
    )
    assert notes_of(below) == before
    assert notes_of(above)["success_status_codes"] == [200]
    assert [len(told) for told in notes_of(above)["response"]["responses"].values()] == [2]
    assert not hasattr(view, "_apidoc")


def test_examples_are_not_copied_from_decorator_to_decorator() -> None:
    example = {"a": [1]}
    blueprint = Blueprint("some", __name__)
    decorated = blueprint.doc(summary="S")(blueprint.response(200, example=example)(view))
    assert isinstance(notes_of(decorated), Notes)
    assert notes_of(decorated)["response"]["responses"][200][0]["example"] is example


def test_documents_of_several_applications_are_alike(make_app: Callable[..., Flask]) -> None:
    first, second = (make_app().test_client().get("/api/schema/").get_data() for _ in range(2))
    assert first == second
    assert len(first) > 100_000
