"""The resources of the application, for commands that work on any of them."""

from __future__ import annotations

from typing import cast

import click
from flask import current_app

from ecatalog.catalog.resource import Resource


def declared_resources() -> dict[str, Resource]:
    """The resources of the present application by name."""
    return cast("dict[str, Resource]", current_app.extensions["ecatalog_resources"])


def choose_resource(name: str) -> Resource:
    """The resource of that name; a usage error (exit code 2) that lists the names if there is none."""
    resources = declared_resources()
    if name not in resources:
        names = ", ".join(sorted(resources))
        raise click.BadParameter(
            f'There is no resource "{name}". Choose one of: {names}.', param_hint="RESOURCE"
        )
    return resources[name]
