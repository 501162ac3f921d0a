"""What a client may not set stays as the service made it, by every way in."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.catalog.resource import Resource
from ecatalog.extensions import db
from ecatalog.resources import RESOURCES
from tests.conftest import MakeUser

OURS = {
    "id": 999_999,
    "tick": 1,
    "created_at": "2001-01-01T00:00:00Z",
    "updated_at": "2001-01-01T00:00:00Z",
    "search_text": "forged",
    "images": [{"id": 1}],
    "user_id": 1,
    "epoch": "x",
    "__class__": "x",
    "_sa_instance_state": None,
}
Auth = Callable[..., dict[str, str]]


def stored(app: Flask, resource: Resource) -> dict[str, Any]:
    with app.app_context():
        row = db.session.query(resource.model).one()
        return {name: getattr(row, name) for name in ("id", "tick", "search_text", "created_at")}


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
def test_rows(app: Flask, client: FlaskClient, auth: Auth, resource: Resource) -> None:
    base, headers = f"/api/v1/{resource.name}/", auth()
    body = {resource.code: "M", "name": "M", **OURS}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", base, {"json": body}),
        ("PUT", f"{base}M/", {"json": body | {"name": "put"}}),
        ("PATCH", f"{base}M/", {"json": OURS | {"name": "patch"}}),
        ("PATCH", f"{base}by-code/?code=M", {"data": {"name": "form", "id": 999_998, "tick": 5}}),
        ("POST", f"{base}bulk/", {"json": [body | {"name": "bulk"}]}),
        (
            "POST",
            f"{base}bulk/",
            {"data": json.dumps(body | {"name": "line"}), "content_type": "application/x-ndjson"},
        ),
        ("POST", f"{base}import-xlsx/", {"data": sheet(resource)}),
    ]
    ticks = [1]
    for method, address, sent in calls:
        answer = client.open(address, method=method, headers=headers, **sent)
        assert answer.status_code in (200, 201), f"{method} {address}: {answer.text}"
        row = stored(app, resource)
        assert row["id"] not in (OURS["id"], 999_998)
        assert row["tick"] > ticks[-1], f"{method} {address}"
        assert row["created_at"].year > 2020
        assert "forged" not in row["search_text"]
        ticks.append(row["tick"])
    shown = client.get(f"{base}M/", headers=headers).get_json()
    assert shown["name"] == "sheet"
    assert shown["images"] == []
    assert not {"tick", "search_text", "user_id", "epoch"} & shown.keys()


def sheet(resource: Resource) -> dict[str, Any]:
    lines = f"{resource.code};name;id;tick;created_at;search_text\nM;sheet;77;77;2001-01-01;forged"
    return {"file": (io.BytesIO(lines.encode()), "a.csv")}


def test_a_code_never_changes(client: FlaskClient, auth: Auth) -> None:
    headers = auth()
    client.post("/api/v1/project/", json={"code_1c": "K", "name": "K"}, headers=headers)
    client.patch("/api/v1/project/K/", json={"code_1c": "other"}, headers=headers)
    assert client.get("/api/v1/project/K/").status_code == 200
    assert client.get("/api/v1/project/other/").status_code == 404


def test_sign_in_gives_no_other_role(app: Flask, client: FlaskClient, make_user: MakeUser) -> None:
    make_user("Vali", role="viewer", password="olma-daraxti-7")
    body = {"username": "Vali", "password": "olma-daraxti-7", "role": "admin", "user_id": 1, "is_admin": True}
    access = client.post("/api/token/", json=body).get_json()["access"]
    headers = {"Authorization": f"Bearer {access}"}
    assert client.post("/api/v1/project/", json={}, headers=headers).status_code == 403
