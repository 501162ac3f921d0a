"""The application, put together step by step. The order matters where a line says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from flask import Flask

from ecatalog.auth.models import SIGNED_IN_COLUMNS
from ecatalog.auth.permissions import init_auth
from ecatalog.catalog.models import CLOCK_COLUMNS
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.routing import init_routing
from ecatalog.cli.late import LateGroups
from ecatalog.config import Settings
from ecatalog.database import init_database
from ecatalog.errors import init_errors
from ecatalog.first_look import init_first_look
from ecatalog.images.media import init_media
from ecatalog.kept_answers import init_kept_answers
from ecatalog.ops.cors import init_cors
from ecatalog.ops.docs import init_docs
from ecatalog.ops.error_reports import init_error_reports
from ecatalog.ops.gate import init_gate
from ecatalog.ops.headers import init_headers
from ecatalog.ops.health import init_health
from ecatalog.ops.hosts import init_hosts
from ecatalog.ops.limits import init_limits
from ecatalog.ops.logging import init_logging
from ecatalog.ops.metrics import init_metrics
from ecatalog.ops.proxy import init_proxy
from ecatalog.ops.request_id import init_request_id
from ecatalog.ops.security_txt import init_security_txt
from ecatalog.ops.static_files import init_static
from ecatalog.ops.tracing import init_tracing
from ecatalog.request import NoSessions, Request
from ecatalog.smorest import Blueprint, init_api

MAX_BODY_BYTES = 10 * 1024 * 1024


class Application(Flask):
    """Flask, for views that are all synchronous: it would look at each step of each request anew."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def assemble(settings: Settings, resources: Sequence[Resource]) -> Flask:
    """A new application that offers ``resources``."""
    app = Application("ecatalog", static_folder=None)
    app.request_class = Request
    _configure(app, settings, resources)
    init_request_id(app, settings)  # the first to look at a request
    init_logging(app, settings)
    init_kept_answers(app, settings)
    init_gate(app, settings)  # around them
    init_proxy(app, settings)  # the outermost layer
    init_error_reports(settings)
    init_database(app, settings)
    init_first_look(app, settings, small=CLOCK_COLUMNS, keyed=SIGNED_IN_COLUMNS)
    init_hosts(app, settings)  # the first that may refuse one
    init_routing(app)
    init_auth(app, settings)  # who asks, before the limits count
    init_limits(app, settings)
    init_cors(app, settings)
    init_headers(app, settings)
    init_api(app)
    init_routes(app, resources)
    init_media(app, settings)
    init_docs(app)
    init_static(app, settings)
    init_health(app, settings)
    init_metrics(app)
    init_tracing(app, settings)
    init_security_txt(app, settings)
    init_errors(app)  # after the extensions, which bring handlers of their own
    init_commands(app)
    return app


def _configure(app: Flask, settings: Settings, resources: Sequence[Resource]) -> None:
    app.extensions["ecatalog_settings"] = settings
    app.extensions["ecatalog_resources"] = {resource.name: resource for resource in resources}
    app.session_interface = NoSessions()
    app.config.update(SECRET_KEY=settings.secret_key, MAX_CONTENT_LENGTH=MAX_BODY_BYTES)


def init_routes(app: Flask, resources: Sequence[Resource]) -> None:
    """Every blueprint, those of the resources made from their declarations."""
    from ecatalog.auth import routes as auth_routes
    from ecatalog.extensions import api
    from ecatalog.ops import docs, health

    for blueprint in (auth_routes.blp, health.blp, *_blueprints_of(tuple(resources)), docs.blueprint):
        api.register_blueprint(blueprint)


@cache
def _blueprints_of(resources: tuple[Resource, ...]) -> list[Blueprint]:
    """Made once: they know nothing of the application, of which a process of tests has many."""
    from ecatalog.catalog.blueprint import build_blueprint
    from ecatalog.images.declaration import images_of
    from ecatalog.images.routes import build_image_blueprint, build_thumbnails_blueprint
    from ecatalog.transfer.routes import build_transfer_blueprint

    made: list[Blueprint] = []
    for resource in resources:
        made += [build_blueprint(resource), build_transfer_blueprint(resource)]
        if images_of(resource) is not None:
            made.append(build_image_blueprint(resource))
    return [*made, build_thumbnails_blueprint(resources)]


def init_commands(app: Flask) -> None:
    """Every group of commands of ``flask``."""
    groups = LateGroups(app.cli.name)
    groups.commands.update(app.cli.commands)  # of extensions
    app.cli = groups
