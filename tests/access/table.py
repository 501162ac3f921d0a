"""Who may call what: every route times every kind of caller, each called for real.

``make access-table`` (``python -m tests.access.table``) writes ``docs/access.md``; a test holds it true.
"""

from __future__ import annotations

import base64
import json
import secrets
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import jwt
from flask import Flask
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token
from werkzeug.routing import Rule

import ecatalog
from ecatalog.auth import users
from ecatalog.auth.models import Role, User
from ecatalog.auth.tokens import start_family
from ecatalog.config import Settings
from ecatalog.database import write_transaction
from tests.databases import SQLiteDatabases, migrate

PAGE = Path(__file__).resolve().parents[2] / "docs" / "access.md"
PASSWORD = "olma-daraxti-7"
SECRET_KEY = secrets.token_urlsafe(64)

# By who may call a view: the callers that get in, and what the others are answered.
GOOD = ("anonymous", "viewer", "editor", "admin")
BAD_TOKENS = ("disabled", "expired", "wrong kind", "alg none", "other key", "tampered")
CALLERS = (*GOOD, *BAD_TOKENS)
IN = "yes"
_REFUSED = dict.fromkeys(BAD_TOKENS, "401")
EXPECTED: dict[str, dict[str, str]] = {
    "public": dict.fromkeys(CALLERS, IN),
    "anyone": dict.fromkeys(GOOD, IN) | _REFUSED,
    "user": dict.fromkeys(GOOD, IN) | {"anonymous": "401"} | _REFUSED,
    "writer": {"anonymous": "401", "viewer": "403", "editor": IN, "admin": IN} | _REFUSED,
    "admin": {"anonymous": "401", "viewer": "403", "editor": "403", "admin": IN} | _REFUSED,
}

Table = dict[tuple[str, str], dict[str, str]]  # by rule and method: the answer by caller


def tokens(app: Flask) -> dict[str, str | None]:
    """A token by caller, of users that are made for it; None for the one who has none."""
    with app.app_context():
        made = {role.value: _user(role.value, role) for role in Role}
        made["disabled"] = _user("disabled", Role.ADMIN)
        with write_transaction():
            good = {name: start_family(user) for name, user in made.items()}
        with write_transaction():
            users.disable("disabled")
        admin = made["admin"]
        claims = {"user_id": admin.id, "gen": admin.token_generation, "token_type": "access"}
        life = timedelta(seconds=-1)
        expired = create_access_token(str(admin.id), additional_claims=claims, expires_delta=life)
    access = {name: pair.access for name, pair in good.items()}
    said = jwt.decode(access["admin"], options={"verify_signature": False})
    return {
        "anonymous": None,
        **access,
        "expired": expired,
        "wrong kind": good["admin"].refresh,
        "alg none": jwt.encode(said, "", algorithm="none"),
        "other key": jwt.encode(said, secrets.token_urlsafe(64), algorithm="HS256"),
        "tampered": _tampered(access["viewer"], admin.id),
    }


def _user(name: str, role: Role) -> User:
    with write_transaction():
        return users.create_user(name, PASSWORD, role)


def _tampered(token: str, user_id: int) -> str:
    """A viewer's token that says it is the admin's, under the signature that it had."""
    head, body, signature = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    said |= {"user_id": user_id, "sub": str(user_id)}
    forged = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    return f"{head}.{forged}.{signature}"


def routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every route and method, but HEAD, which is GET, and OPTIONS, which runs no view."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method


def decided(app: Flask, rule: Rule, method: str) -> str | None:
    """Who may call, as it stands at the view; None where nobody has decided."""
    view = app.view_functions[rule.endpoint]
    handler = getattr(getattr(view, "view_class", None), method.lower(), view)
    level = getattr(handler, "access_level", None)
    return None if level is None else str(level)


def address(rule: Rule) -> str:
    """An address of the route. What it names need not be there: the door comes first."""
    parts = []
    for is_dynamic, data in rule._trace:
        if not is_dynamic:
            parts.append(data)
        elif data in rule.arguments:
            choices = getattr(rule._converters[data], "items", None)  # of "any": one of these words
            parts.append(sorted(choices)[0] if choices else "1")
    return "".join(parts).partition("|")[2]


def measured(app: Flask) -> Table:
    """What each caller is answered at each route: ``yes``, or 401 or 403."""
    client = app.test_client()
    headers = {
        name: {} if token is None else {"Authorization": f"Bearer {token}"}
        for name, token in tokens(app).items()
    }
    return {
        (rule.rule, method): {
            name: _answer(client, method, address(rule), sent) for name, sent in headers.items()
        }
        for rule, method in routes(app)
    }


def _answer(client: FlaskClient, method: str, path: str, headers: dict[str, str]) -> str:
    answer = client.open(path, method=method, headers=headers)
    refused = answer.status_code in (401, 403)
    answer.close()
    # Sign-in and refreshing refuse with 401, too, but what is in the body.
    return str(answer.status_code) if refused else IN


def page(table: Table) -> str:
    """The table as Markdown."""
    lines = [
        "# Who may call what",
        "",
        "Every route times every kind of caller, each called for real. `make access-table` writes this",
        "page, and a test holds it to be true. `yes`: the request gets in (what becomes of it is another",
        "matter); 401 and 403: it does not. The bad tokens are those of an admin, but for the last, one that",
        "a viewer made to say that it is an admin's. Where the header is not read at all, bad tokens do no",
        "harm: sign-in, probes, pages, files. `HEAD` is as `GET`; `OPTIONS` runs no view.",
        "",
        f"| route | method | {' | '.join(CALLERS)} |",
        f"|---|---|{'---|' * len(CALLERS)}",
    ]
    for (rule, method), answers in table.items():
        escaped = rule.replace("|", "\\|")
        lines.append(f"| `{escaped}` | {method} | {' | '.join(answers[name] for name in CALLERS)} |")
    return "\n".join(lines) + "\n"


def scratch(work: Callable[[Flask], Table]) -> Table:
    """``work`` done on an application with an empty database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            secret_key=SECRET_KEY,
            allowed_hosts=("localhost",),
            database_url=SQLiteDatabases(Path(folder)).make_empty(),
            media_storage=f"{folder}/media",
            ratelimit_anon="1000000/second",
            ratelimit_user="1000000/second",
            log_level="ERROR",
        )
        app = ecatalog.create_app(settings)
        migrate(app)
        return work(app)


if __name__ == "__main__":
    PAGE.write_text(page(scratch(measured)), "utf-8")
