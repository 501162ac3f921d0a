from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.docs.document import Document


@pytest.fixture
def document(client: FlaskClient) -> Document:
    """The document as the service gives it out."""
    answer = client.get("/api/schema/")
    assert answer.status_code == 200
    return Document(answer.get_json())


@pytest.fixture
def editor(auth: Callable[..., dict[str, str]]) -> dict[str, str]:
    """Headers of a user who may write."""
    return auth("editor")
