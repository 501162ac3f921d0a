"""E-Catalog: a REST catalogue in front of 1C:Enterprise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Flask

    from ecatalog.catalog.resource import Resource
    from ecatalog.config import Settings

__version__ = "0.1.0"


def create_app(settings: Settings | None = None, resources: Iterable[Resource] | None = None) -> Flask:
    """The application. ``settings`` default to the environment's, ``resources`` to all that there are.

    Raises SettingsError when a setting is missing, malformed or unsafe.
    """
    from ecatalog import factory
    from ecatalog.config import load_settings
    from ecatalog.resources import RESOURCES

    settings = settings or load_settings()
    return factory.assemble(settings, tuple(RESOURCES if resources is None else resources))
