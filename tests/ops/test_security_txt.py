"""/.well-known/security.txt, by setting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

pytestmark = pytest.mark.any_database

PATH = "/.well-known/security.txt"
CONTACTS = ("mailto:security@example.uz", "https://example.uz/report")


def fields(text: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (line.partition(": ") for line in text.splitlines())]


def test_it_names_the_contacts_and_when_it_ends(make_app: Callable[..., Flask]) -> None:
    client = make_app(security_contact=CONTACTS).test_client()
    answer = client.get(PATH, base_url="https://localhost")
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; charset=utf-8"
    told = fields(answer.text)
    assert [value for name, value in told if name == "Contact"] == list(CONTACTS)
    others = dict(told)
    left = datetime.fromisoformat(others["Expires"]) - datetime.now(UTC)
    assert timedelta(days=80) < left < timedelta(days=366)
    assert others["Preferred-Languages"] == "en, ru, uz"
    assert others["Canonical"] == f"https://localhost{PATH}"
    assert "Canonical" not in client.get(PATH).text  # http may not stand there


def test_it_is_not_there_without_a_contact(client: FlaskClient) -> None:
    answer = client.get(PATH)
    assert answer.status_code == 404
    assert answer.content_type == "application/json"
