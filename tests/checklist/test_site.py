"""The checklist against real sites: a good one passes, and each fault of a careless one is found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.checklist.context import Context
from ecatalog.checklist.registry import Result, Status, run_all
from ecatalog.config import Settings
from ecatalog.extensions import db
from ecatalog.ops import static_files
from tests.checklist.site import Site, sites
from tests.conftest import Serve

ORIGIN = "https://shop.example.uz"
OVER_THE_NAME = ("security", "CORS", "files", "endpoints")


@pytest.fixture
def site(
    serve: Serve, settings: Settings, tmp_path: Path, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    upstream = serve(
        {
            "DATABASE_URL": settings.database_url,
            "MEDIA_STORAGE": settings.media_storage,
            "CORS_ALLOWED_ORIGINS": ORIGIN,
            "TRUSTED_PROXIES": "127.0.0.1",
        }
    )
    folder = tmp_path / "nginx"
    folder.mkdir()
    static_files.collect(tmp_path / "static")
    with sites(upstream, folder, tmp_path / "static", Path(settings.media_storage)) as made:
        monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
        yield made


Look = Callable[[str, int], dict[str, Result]]


@pytest.fixture
def look(make_app: Callable[..., Flask]) -> Look:
    """The results by "section: check" for a public address."""

    def run(public_url: str, http_port: int) -> dict[str, Result]:
        app = make_app(public_url=public_url, cors_allowed_origins=(ORIGIN,))
        context = Context(app, app.extensions["ecatalog_settings"], http_port=http_port)
        with app.app_context():
            results = run_all(context, OVER_THE_NAME)
            db.engine.dispose()
        return {f"{result.section}: {result.name}": result for result in results}

    return run


def test_a_good_site_passes_and_a_careless_one_does_not(
    site: Site, look: Look, client: FlaskClient, auth: Callable[..., dict[str, str]], settings: Settings
) -> None:
    headers = auth()
    assert (
        client.post("/api/v1/project/", json={"code_1c": "P/1", "name": "One"}, headers=headers).status_code
        == 201
    )
    item = {"code_1c": "I 1", "name": "Item", "project": "P/1"}
    assert client.post("/api/v1/nomenklatura/", json=item, headers=headers).status_code == 201

    results = look(site.good, site.good_http)

    imperfect = {
        name: result.finding for name, result in results.items() if result.finding.status != Status.GOOD
    }
    assert imperfect == {}
    assert len(results) == 18
    assert not list(Path(settings.media_storage, "checklist").rglob("*.jpg"))
    assert client.get("/api/v1/project/").get_json()["count"] == 1

    careless = look(site.careless, site.careless_http)

    found = {name for name, result in careless.items() if result.finding.status == Status.BAD}
    assert found == {
        "security: HSTS",
        "security: HTTP redirects",
        "security: cookies",
        "security: TLS versions",
        "security: headers",
        "security: foreign host",
        "security: metrics are shut",
        "CORS: allowed origin",
        "CORS: foreign origin",
        "files: static",
        "files: media served",
    }
    assert all(result.finding.cure for result in careless.values() if result.finding.status != Status.GOOD)


def test_a_store_on_another_host_cannot_send_every_header(site: Site, make_app: Callable[..., Flask]) -> None:
    store = f"http://localhost:{site.careless_http}/store/"
    app = make_app(public_url=site.good, media_url=store)
    with app.app_context():
        results = run_all(Context(app, app.extensions["ecatalog_settings"]), ["files"])
        db.engine.dispose()
    found = {result.name: result.finding for result in results}
    assert found["media served"].status is Status.NOTE
    assert "nosniff" in found["media served"].seen
    assert found["static"].status is Status.GOOD


def test_a_certificate_of_a_stranger_is_not_valid(
    site: Site, look: Look, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    results = look(site.good, site.good_http)
    assert "not valid" in results["security: certificate"].finding.seen
    for name in ("security: HTTPS answers", "endpoints: tokens", "files: static"):
        assert results[name].finding.status == Status.BAD


def test_the_command_tells_people_and_programs(
    site: Site, make_app: Callable[..., Flask], settings: Settings
) -> None:
    app = make_app(public_url=site.good, cors_allowed_origins=(ORIGIN,))
    well = ["checklist", "--only", "CORS", "--only", "security", "--http-port", str(site.good_http)]
    result = app.test_cli_runner().invoke(args=well)
    assert result.exit_code == 0, result.output
    assert re.search(r"^ *✓ +security +HSTS ", result.stdout, re.MULTILINE)
    assert result.stdout.splitlines()[-1] == "11 ✓, 0 ✗, 0 !"

    app = make_app(public_url=site.careless, cors_allowed_origins=(ORIGIN,))
    result = app.test_cli_runner().invoke(args=["checklist", "--json", "--only", "security"])
    assert result.exit_code == 1
    facts = {fact["check"]: fact for fact in json.loads(result.stdout)}
    assert facts["HSTS"]["status"] == "bad"
    assert "Strict-Transport-Security" in facts["HSTS"]["cure"]
    assert facts["certificate"]["status"] == "good"
