from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from ecatalog.catalog.resource import Resource
from ecatalog.config import Settings
from ecatalog.nomenklatura.resource import NOMENKLATURA
from ecatalog.resources import RESOURCES
from tests.images.album import Album


@pytest.fixture
def editor(auth: Callable[..., dict[str, str]]) -> dict[str, str]:
    """Headers of a user who may write."""
    return auth("editor")


@pytest.fixture
def media(settings: Settings) -> Path:
    """The folder of images, empty."""
    root = Path(settings.media_storage)
    for folder in (*(resource.name for resource in RESOURCES), ".incoming"):
        shutil.rmtree(root / folder, ignore_errors=True)
    return root


@pytest.fixture(params=RESOURCES, ids=lambda resource: resource.name)
def album(request: pytest.FixtureRequest, client: FlaskClient, editor: dict[str, str], media: Path) -> Album:
    """The images of each resource in turn."""
    declared: Resource = request.param
    return Album(client, declared, editor, media)


@pytest.fixture
def items(client: FlaskClient, editor: dict[str, str], media: Path) -> Album:
    """The images of items."""
    return Album(client, NOMENKLATURA, editor, media)


@pytest.fixture
def album_of(client: FlaskClient, editor: dict[str, str], media: Path) -> Callable[[str], Album]:
    """The images of the resource of a name."""
    by_name = {resource.name: resource for resource in RESOURCES}
    return lambda name: Album(client, by_name[name], editor, media)
