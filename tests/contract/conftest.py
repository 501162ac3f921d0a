"""The contract's tests run over every resource, two of which exist in the tests alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

import ecatalog
from ecatalog.catalog.resource import Resource
from ecatalog.config import Settings
from ecatalog.extensions import db
from ecatalog.project.resource import PROJECT
from tests.contract.catalogue import Catalogue
from tests.contract.extra import CHILDREN, EVERY_RESOURCE, EXTRA_TABLES
from tests.databases import Applications, Databases, Template, empty


@pytest.fixture(scope="package")
def extended_app(
    databases: Databases, template: Template, base_settings: Settings, applications: Applications
) -> Iterator[Flask]:
    """An application with two resources more, on a database of its own that has their tables, too."""
    url = databases.copy(template.url)
    app = ecatalog.create_app(replace(base_settings, database_url=url), EVERY_RESOURCE)
    with app.app_context():
        EXTRA_TABLES.create_all(db.engine)
    yield app
    with app.app_context():
        db.engine.dispose()
    databases.drop(url)
    applications.close()  # what the others use is made anew: extensions serve the application made last


@pytest.fixture
def app(extended_app: Flask, template: Template) -> Flask:
    """The application with every resource, on an empty database."""
    with extended_app.app_context(), db.engine.begin() as connection:
        for table in reversed(EXTRA_TABLES.sorted_tables):
            connection.execute(table.delete())
    empty(extended_app, template.seeds)
    return extended_app


@pytest.fixture
def editor(auth: Callable[..., dict[str, str]]) -> dict[str, str]:
    """Headers of a user who may write."""
    return auth("editor")


@pytest.fixture(params=EVERY_RESOURCE, ids=lambda resource: resource.name)
def resource(request: pytest.FixtureRequest) -> Resource:
    declared: Resource = request.param
    return declared


@pytest.fixture(params=CHILDREN, ids=lambda resource: resource.name)
def child(request: pytest.FixtureRequest) -> Resource:
    """A resource whose rows belong to a project."""
    declared: Resource = request.param
    return declared


@pytest.fixture
def rows(client: FlaskClient, resource: Resource, editor: dict[str, str]) -> Catalogue:
    """Each resource in turn, called by an editor."""
    return Catalogue(client, resource, editor)


@pytest.fixture
def children(client: FlaskClient, child: Resource, editor: dict[str, str]) -> Catalogue:
    """Each resource that has a project in turn, called by an editor."""
    return Catalogue(client, child, editor)


@pytest.fixture
def projects(client: FlaskClient, editor: dict[str, str]) -> Catalogue:
    """The projects, called by an editor."""
    return Catalogue(client, PROJECT, editor)
