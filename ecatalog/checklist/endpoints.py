"""Every endpoint of the API answers: tokens, all that can be read, and creating by a dry run."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import sqlalchemy as sa

from ecatalog.auth import users
from ecatalog.auth.models import Role, User
from ecatalog.catalog.resource import Resource
from ecatalog.checklist.context import Context
from ecatalog.checklist.registry import Finding, bad, check, good
from ecatalog.database import write_transaction
from ecatalog.extensions import db

SECTION = "endpoints"
_LOG = "Look for the path in the service's log."
# Lists of one row, exports of none: nothing here shall be a load.
_SMALL = {"page_size": "1", "limit": "1"}
_NONE = {"created_from": "9998-12-31"}
_OPERATORS = ("/metrics",)


@contextmanager
def _visitor(context: Context) -> Iterator[dict[str, str]]:
    """The credentials of a user who may write, for the length of the block."""
    name, password = f"checklist-{secrets.token_hex(6)}", secrets.token_urlsafe(24)
    with write_transaction():
        user_id = users.create_user(name, password, Role.EDITOR).id
    try:
        yield {"username": name, "password": password}
    finally:
        with write_transaction():
            db.session.execute(sa.delete(User).where(User.id == user_id))


@check(SECTION, "tokens")
def tokens(context: Context) -> Finding:
    """Get, refresh, verify, and end them."""
    with _visitor(context) as credentials:
        pair = _expect(context, "/api/token/", credentials)
        fresh = _expect(context, "/api/token/refresh/", {"refresh": pair["refresh"]})
        _expect(context, "/api/token/verify/", {"token": fresh["access"]})
        _expect(context, "/api/token/logout/", {"refresh": fresh["refresh"]})
        answer = context.call("/api/token/verify/", "POST", body={"token": fresh["refresh"]})
    if answer.status != 401:
        return bad(f"a token that was ended is answered {answer.status}", "Look at the clocks of all hosts.")
    return good("got, refreshed, verified and ended")


class _Unexpected(Exception):
    """An answer that is none of those that were to come."""


def _expect(context: Context, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
    answer = context.call(path, "POST", body=body, headers=headers)
    if answer.status != 200:
        raise _Unexpected(f"{path} answers {answer.status} {answer.body[:200].decode(errors='replace')}")
    return answer.data


@contextmanager
def _signed_in(context: Context) -> Iterator[dict[str, str]]:
    """Headers with a token."""
    with _visitor(context) as credentials:
        pair = _expect(context, "/api/token/", credentials)
        yield {"Authorization": f"Bearer {pair['access']}"}


def _resources(context: Context) -> dict[str, Resource]:
    found: dict[str, Resource] = context.app.extensions["ecatalog_resources"]
    return found


@check(SECTION, "reading")
def reading(context: Context) -> Finding:
    """Every path that the document says can be read."""
    with _signed_in(context) as headers:
        tour = _Tour(context, headers)
        tour.run()
    if tour.problems:
        return bad("; ".join(tour.problems[:5]), _LOG)
    return good(
        f"{tour.count} addresses answer" + (f"; no row to try {tour.skipped} with" if tour.skipped else "")
    )


class _Tour:
    """Calls every GET of the OpenAPI document, with codes of rows that there are."""

    def __init__(self, context: Context, headers: dict[str, str]) -> None:
        self.context = context
        self.headers = headers
        self.problems: list[str] = []
        self.count = 0
        self.skipped = 0
        self._rows: dict[str, dict[str, Any] | None] = {}

    def run(self) -> None:
        paths: dict[str, dict[str, Any]] = self.context.call("/api/schema/").data["paths"]
        for path, item in sorted(paths.items()):
            if "get" in item and path not in _OPERATORS:
                self._visit(path, [*item.get("parameters", ()), *item["get"].get("parameters", ())])

    def _visit(self, path: str, parameters: list[dict[str, Any]]) -> None:
        needed = {item["name"]: item["in"] for item in parameters if item.get("required") and "name" in item}
        query = dict(_NONE if "export" in path else _SMALL)
        address = path
        for name, place in needed.items():
            value = self._value(path, name, place)
            if value is None:
                self.skipped += 1
                return
            if place == "path":
                address = address.replace(f"{{{name}}}", quote(value))
            elif place == "query":
                query[name] = value
        answer = self.context.call(f"{address}?{urlencode(query)}", headers=self.headers)
        self.count += 1
        # 409: the code exists in several projects, which is an answer, too
        if answer.status not in (200, 409):
            self.problems.append(f"{address} answers {answer.status}")

    def _value(self, path: str, name: str, place: str) -> str | None:
        """A value that exists: of the first row of the list above the path."""
        collection = "/".join(path.split("/")[:4]) + "/"
        row = self._first_row(collection)
        resource = _resources(self.context).get(path.split("/")[3])
        field = resource.code if resource is not None and name in (resource.code, "code") else name
        if row is not None and field in row:
            return str(row[field])
        return None if place == "path" or name == "code" else "a"

    def _first_row(self, collection: str) -> dict[str, Any] | None:
        if collection not in self._rows:
            answer = self.context.call(f"{collection}?{urlencode(_SMALL)}", headers=self.headers)
            found = answer.data.get("results") if answer.status == 200 else None
            self._rows[collection] = found[0] if found else None
        return self._rows[collection]


@check(SECTION, "personal data is shut")
def shut(context: Context) -> Finding:
    shut_names = [name for name, resource in _resources(context).items() if not resource.anonymous_read]
    for name in shut_names:
        status = context.call(f"/api/v1/{name}/").status
        if status != 401:
            return bad(
                f"/api/v1/{name}/ answers {status} without a token", "Is this the release it should be?"
            )
    return good(f"{', '.join(shut_names)}: 401 without a token")


@check(SECTION, "creating (dry run)")
def creating(context: Context) -> Finding:
    """A row of each resource goes through everything but the commit."""
    code = f"checklist-{secrets.token_hex(6)}"
    with _signed_in(context) as headers:
        for name, resource in _resources(context).items():
            row = [{resource.code: code, "name": "Checklist"}]
            report = _expect(context, f"/api/v1/{name}/bulk/?dry_run=true", row, headers)
            if report["created"] != 1 or not report["dry_run"]:
                return bad(f"{name}: {report}", _LOG)
            status = context.call(f"/api/v1/{name}/{code}/", headers=headers).status
            if status != 404:
                return bad(f"{name}: the dry run left a row ({status})", f"Delete {code}.")
    return good(f"{', '.join(_resources(context))} would be created")
