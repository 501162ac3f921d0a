"""Probes for operators (``/livez``, ``/readyz``) and the index of the API (``GET /api/v1/``).

They tell strangers which part fails, never how: driver messages and addresses go to the log.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, current_app, jsonify, request
from flask.views import MethodView
from marshmallow import fields
from sqlalchemy.pool import NullPool

import ecatalog
from ecatalog.auth.access import Access, access
from ecatalog.config import Settings
from ecatalog.connections import most_connections
from ecatalog.database import migrations_folder
from ecatalog.extensions import api, db
from ecatalog.fields import Choice
from ecatalog.migrating import Revisions, read_revisions
from ecatalog.ops.checks import Check
from ecatalog.ops.counting import Counter
from ecatalog.ops.limits import current_limits
from ecatalog.smorest import AnswerSchema, Blueprint

CHECK_SECONDS = 2
_EXTENSION = "ecatalog_checks"

blp = Blueprint(
    "health", __name__, url_prefix="/api/v1", description="Is the service up, and what does it have?"
)


class Probes(Blueprint):
    """Probes look neither at the host nor at the limits."""

    EVERYWHERE = (405, 500)


probes = Probes("probes", __name__, description="For operators and load balancers.")


class IndexSchema(AnswerSchema):
    """The service in short."""

    status = fields.String(required=True, metadata={"description": "`ok`: the service answers."})
    version = fields.String(required=True)
    resources = fields.Dict(
        keys=fields.String(),
        values=fields.Url(metadata={"format": "uri"}),
        required=True,
        metadata={"description": "List URL by resource."},
    )


_INDEX_EXAMPLE = {
    "status": "ok",
    "version": ecatalog.__version__,
    "resources": {"project": "https://catalog.example.com/api/v1/project/"},
}


@blp.route("/")
class Index(MethodView):
    @access(Access.PUBLIC)
    @blp.uncounted()
    @blp.doc(operationId="index")
    @blp.response(200, IndexSchema, description="The service answers.", example=_INDEX_EXAMPLE)
    def get(self) -> dict[str, Any]:
        """Health and index

        Tells that the service answers, its version, and where each resource is. Does not count against the
        limits.
        """
        names = current_app.extensions.get("ecatalog_resources", {})
        return {
            "status": "ok",
            "version": ecatalog.__version__,
            "resources": {name: f"{request.url_root}api/v1/{name}/" for name in names},
        }


class AliveSchema(AnswerSchema):
    """The process runs."""

    status = Choice(("ok",), required=True)


class ReadySchema(AnswerSchema):
    """Whether the process can serve, and each part that it needs."""

    status = Choice(("ok", "degraded", "unavailable"), required=True)
    checks = fields.Dict(
        keys=fields.String(),
        values=Choice(("ok", "unavailable", "migrations behind", "max_connections too low"), required=True),
        required=True,
        metadata={"description": "State by part."},
    )
    degraded = fields.List(
        fields.String(),
        metadata={"description": "With `degraded`: parts that it can do without for a while."},
    )
    failed = fields.List(fields.String(), metadata={"description": "With `unavailable`: parts that fail."})


_READY = {
    "ready": {"value": {"status": "ok", "checks": {"database": "ok", "redis": "ok"}}},
    "degraded": {
        "value": {
            "status": "degraded",
            "degraded": ["redis"],
            "checks": {"database": "ok", "redis": "unavailable"},
        }
    },
}
_NOT_READY = {
    "status": "unavailable",
    "failed": ["database"],
    "checks": {"database": "unavailable", "redis": "ok"},
}


class MigrationsBehindError(RuntimeError):
    """The database lacks migrations that this release needs."""


class TooFewConnectionsError(RuntimeError):
    """PostgreSQL allows fewer connections than the workers may open."""


@cache
def _revisions() -> Revisions:
    return read_revisions(migrations_folder())


def check_database(engine: sa.Engine) -> None:
    """Raise when the database does not answer, or lacks a migration of this release.

    A revision that this release does not know belongs to a newer one, which can be on its way in: fine.
    """
    with engine.connect() as connection:
        present = _present_revisions(connection)
    revisions = _revisions()
    missing = revisions.heads - present
    if missing and present <= revisions.known:
        raise MigrationsBehindError(f"the database lacks {', '.join(sorted(missing))}")


def _present_revisions(connection: sa.Connection) -> set[str]:
    """What Alembic noted in the database. Its own MigrationContext would log two lines at every probe."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return set()
    return set(connection.scalars(sa.text("SELECT version_num FROM alembic_version")))


def check_connections(engine: sa.Engine, needed: int) -> None:
    """Raise when PostgreSQL allows fewer connections than one instance may open."""
    with engine.connect() as connection:
        most, reserved = connection.execute(
            sa.text(
                "SELECT current_setting('max_connections')::int,"
                " current_setting('superuser_reserved_connections')::int"
            )
        ).one()
    if most - reserved < needed:
        raise TooFewConnectionsError(
            f"max_connections = {most} is too low for {needed} connections of this instance: "
            "raise it, or lower WEB_CONCURRENCY or WEB_THREADS"
        )


def check_redis(counter: Counter) -> None:
    """Raise when the limits are not shared."""
    if not counter.check():
        raise RuntimeError("Redis does not count")


def _probe_engine(url: sa.URL) -> sa.Engine:
    """Connections of its own, opened anew: a pool that is in full use is not a database that is away."""
    connect_args: dict[str, Any] = {"timeout": CHECK_SECONDS}
    if url.get_backend_name() == "postgresql":
        connect_args = {
            "connect_timeout": CHECK_SECONDS,
            "tcp_user_timeout": CHECK_SECONDS * 1000,
            "application_name": "ecatalog-readyz",
            "prepare_threshold": None,
        }
    return sa.create_engine(url, poolclass=NullPool, connect_args=connect_args)


def _database_state(check: Check) -> str:
    error = check.run(CHECK_SECONDS)
    if error is None:
        return "ok"
    return "migrations behind" if isinstance(error, MigrationsBehindError) else "unavailable"


def _has_too_few_connections(checks: dict[str, Check]) -> bool:
    check = checks.get("connections")
    return check is not None and isinstance(check.run(CHECK_SECONDS), TooFewConnectionsError)


@probes.route("/livez")
@access(Access.PUBLIC)
@probes.uncounted()
@probes.doc(operationId="livez")
@probes.response(200, AliveSchema, description="The process runs.", example={"status": "ok"})
def livez() -> Response:
    """Does the process run?

    Asks no other part.
    """
    return jsonify(status="ok")


@probes.route("/readyz")
@access(Access.PUBLIC)
@probes.uncounted()
@probes.doc(operationId="readyz")
@probes.response(200, ReadySchema, description="It can, perhaps `degraded`.", examples=_READY)
@probes.alt_response(503, schema=ReadySchema, description="It cannot.", example=_NOT_READY)
def readyz() -> tuple[Response, int]:
    """Can the process serve?

    Looks at the database, its migrations, and Redis where it is used; each check has a time-out.
    """
    checks: dict[str, Check] = current_app.extensions[_EXTENSION]
    states = {"database": _database_state(checks["database"])}
    if "redis" in checks:
        states["redis"] = "ok" if checks["redis"].run(CHECK_SECONDS) is None else "unavailable"
    if states["database"] == "ok" and _has_too_few_connections(checks):
        states["connections"] = "max_connections too low"
    bad = [name for name, state in states.items() if state != "ok"]
    if "database" in bad:
        return jsonify(status="unavailable", failed=bad, checks=states), 503
    if bad:
        return jsonify(status="degraded", degraded=bad, checks=states), 200
    return jsonify(status="ok", checks=states), 200


def init_health(app: Flask, settings: Settings) -> None:
    """Add the probes. Comes after the database, the limits and the API."""
    with app.app_context():
        engine = _probe_engine(db.engine.url)
        counter = current_limits().counter
    checks = {"database": Check("database", lambda: check_database(engine))}
    if engine.dialect.name == "postgresql" and not settings.database_pooler:
        needed = most_connections(settings)
        checks["connections"] = Check("connections", lambda: check_connections(engine, needed))
    if settings.redis_url:
        checks["redis"] = Check("redis", lambda: check_redis(counter), logs=False)  # the counter logs
    app.extensions[_EXTENSION] = checks
    api.register_blueprint(probes)
