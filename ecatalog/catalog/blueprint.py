"""All routes of a resource and their OpenAPI text, from its declaration. Views parse, call and return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from flask import Response, g, request
from flask.views import MethodView

from ecatalog.auth.access import Access, access
from ecatalog.auth.permissions import current_user, require_user
from ecatalog.catalog import changes, etag, history, listing, service, suggestions
from ecatalog.catalog.asking import ListsAtHand, base_url, list_request
from ecatalog.catalog.docs import ResourceDocs
from ecatalog.catalog.listing import KEPT, TRIED_AT_ONCE, Kept
from ecatalog.catalog.lookup import Among, Lookup, find
from ecatalog.catalog.nested import render_row
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.service import Origin
from ecatalog.catalog.shown import RowsAtHand, reader_of
from ecatalog.database import write_transaction
from ecatalog.openapi.notes import Decorator
from ecatalog.smorest import Blueprint, Schema

Values = dict[str, Any]


def build_blueprint(resource: Resource) -> Blueprint:
    """The blueprint that serves ``resource`` below ``/api/v1/<name>/``."""
    docs = ResourceDocs(resource)
    blueprint = Blueprint(
        resource.name, __name__, url_prefix=f"/api/v1/{resource.name}", description=docs.description
    )
    routes = Routes(resource, docs, blueprint)
    row = f"/<code:{resource.code}>/"
    blueprint.add_url_rule("/", "list", routes.collection())
    blueprint.add_url_rule("/changes/", "changes", routes.changes())
    blueprint.add_url_rule("/suggest/", "suggest", routes.suggest())
    blueprint.add_url_rule("/by-code/", "by-code", routes.detail("by-code", by_query=True))
    blueprint.add_url_rule("/by-code/restore/", "by-code-restore", routes.restore(by_query=True))
    blueprint.add_url_rule("/by-code/history/", "by-code-history", routes.history(by_query=True))
    in_path = {"parameters": docs.path_parameters}
    blueprint.add_url_rule(f"{row}restore/", "restore", routes.restore(by_query=False), **in_path)
    blueprint.add_url_rule(f"{row}history/", "history", routes.history(by_query=False), **in_path)
    blueprint.add_url_rule(row, "detail", routes.detail("detail", by_query=False), **in_path)
    return blueprint


def origin() -> Origin:
    """Who makes the present request."""
    user = current_user()
    return Origin(
        source="api",
        user_id=user.id if user else None,
        user_name=user.name if user else None,
        request_id=g.get("request_id"),
    )


def if_match() -> frozenset[str] | None:
    return etag.tags_of(request.headers.get("If-Match"))


def if_none_match() -> frozenset[str] | None:
    return etag.tags_of(request.headers.get("If-None-Match"))


def json_answer(body: bytes | None, tag: str | None, *, shared: bool = True, status: int = 200) -> Response:
    """``body`` with its entity tag; None means that the client's copy is still true (304)."""
    answer = Response(body, status=304 if body is None else status, content_type="application/json")
    if tag is not None:
        answer.headers["ETag"] = f'"{tag}"'
        answer.headers["Cache-Control"] = "no-cache" if shared else "private, no-cache"
    return answer


def list_answer(
    resource: Resource, answer: listing.Answer, parameters: type[Schema] | None = None
) -> Response:
    """A list; one that lay ready, or was told at once, is shown to whoever can do so without us.

    ``parameters``: how the queries of such lists are loaded.
    """
    rule = request.url_rule
    if rule is not None and answer.is_kept:
        request.environ[KEPT] = Kept(answer.vouched, rule.rule, resource.anonymous_read)
    elif rule is not None and answer.is_at_once and parameters is not None:
        lists = ListsAtHand(resource, parameters, rule.rule, resource.anonymous_read)
        request.environ[KEPT] = lists
    return json_answer(answer.body, answer.etag, shared=resource.anonymous_read)


class Routes:
    """Makes the views of one resource."""

    def __init__(self, resource: Resource, docs: ResourceDocs, blueprint: Blueprint) -> None:
        self.resource = resource
        self.docs = docs
        self.blueprint = blueprint
        self.read_access = Access.ANYONE if resource.anonymous_read else Access.USER

    def read_answer(self, lookup: Lookup) -> Response:
        """The live row that a code names."""
        resource = self.resource
        if all(value is None for value in lookup.parent.values()):
            reader = reader_of(resource)
            found = reader.answer(lookup.code, if_none_match())
            if found is not None:
                if request.url_rule is not None:
                    rows = RowsAtHand(reader, request.url_rule.rule, resource.anonymous_read)
                    request.environ[KEPT] = rows
                return json_answer(found[1], found[0], shared=resource.anonymous_read)
        return self.row_answer(find(resource, lookup))

    def row_answer(
        self, row: Any, status: int = 200, render: Callable[[Any], dict[str, Any]] | None = None
    ) -> Response:
        """A row with its tag; 304 when a GET already knows it."""
        resource = self.resource
        tag = etag.row_etag(resource, row)
        known = if_none_match() if request.method in ("GET", "HEAD") else None
        body = None
        if not known or not etag.holds(known, tag):
            body = orjson.dumps(render(row) if render else render_row(resource, row))
        return json_answer(body, tag, shared=resource.anonymous_read, status=status)

    def collection(self) -> type[MethodView]:
        resource, docs, blueprint = self.resource, self.docs, self.blueprint

        class Collection(MethodView):
            @access(self.read_access)
            @docs.list_rows
            @blueprint.arguments(docs.list_parameters, location="query")
            def get(_view, values: Values) -> Response:
                asked, known = list_request(request, values), if_none_match()
                at_once = TRIED_AT_ONCE not in request.environ
                answer = listing.list_rows(resource, asked, known, at_once=at_once)
                return list_answer(resource, answer, docs.list_parameters)

            @access(Access.WRITER)
            @docs.create
            @blueprint.arguments(resource.write_schema)
            def post(_view, values: Values) -> Response:
                made_by = origin()
                with write_transaction():
                    row = service.create(resource, values, made_by)
                # Others need not wait for this. A new row has no children yet.
                return self.row_answer(row, status=201, render=resource.render_bare)

        return Collection

    def detail(self, name: str, *, by_query: bool) -> type[MethodView]:
        resource, docs, blueprint = self.resource, self.docs, self.blueprint
        located = self._located(by_query)

        def write(action: Callable[[Origin], Any]) -> Response:
            made_by = origin()
            with write_transaction():
                answer = self.row_answer(action(made_by))
            return answer

        class Detail(MethodView):
            @access(self.read_access)
            @docs.read(name)
            @located
            def get(_view, lookup: Lookup) -> Response:
                return self.read_answer(lookup)

            @access(Access.WRITER)
            @docs.replace(name)
            @located
            @blueprint.arguments(resource.write_schema)
            def put(_view, values: Values, lookup: Lookup) -> Response:
                return write(lambda who: service.change(resource, lookup, values, who, if_match=if_match()))

            @access(Access.WRITER)
            @docs.change(name)
            @located
            @blueprint.arguments(resource.patch_schema)
            def patch(_view, values: Values, lookup: Lookup) -> Response:
                return write(lambda who: service.change(resource, lookup, values, who, if_match=if_match()))

            @access(Access.WRITER)
            @docs.delete(name)
            @located
            def delete(_view, lookup: Lookup) -> Response:
                answer = write(lambda who: service.delete(resource, lookup, who, if_match=if_match()))
                # The tag of the deleted row, for an If-Match of its restoring.
                return Response(status=204, headers={"ETag": answer.headers["ETag"]})

        return Detail

    def restore(self, *, by_query: bool) -> type[MethodView]:
        resource, docs = self.resource, self.docs

        class Restore(MethodView):
            @access(Access.WRITER)
            @docs.restore("by-code-restore" if by_query else "restore")
            @self._located(by_query)
            def post(_view, lookup: Lookup) -> Response:
                made_by = origin()
                with write_transaction():
                    answer = self.row_answer(service.restore(resource, lookup, made_by, if_match=if_match()))
                return answer

        return Restore

    def history(self, *, by_query: bool) -> type[MethodView]:
        resource, docs, blueprint = self.resource, self.docs, self.blueprint

        class History(MethodView):
            @access(Access.USER)
            @docs.history("by-code-history" if by_query else "history")
            @self._located(by_query)
            @blueprint.arguments(docs.history_parameters, location="query")
            def get(_view, values: Values, lookup: Lookup) -> Response:
                row = find(resource, lookup, Among.LIVE_THEN_DELETED)
                query = list(request.args.items(multi=True))
                body = history.page(resource, row.id, values, base_url(request), query, require_user())
                return json_answer(orjson.dumps(body), None)

        return History

    def changes(self) -> type[MethodView]:
        resource, docs, blueprint = self.resource, self.docs, self.blueprint

        class Changes(MethodView):
            @access(self.read_access)
            @docs.changes
            @blueprint.arguments(docs.changes_parameters, location="query")
            def get(_view, values: Values) -> Response:
                body = changes.changes(resource, values.get("since"), values.get("limit"))
                return json_answer(orjson.dumps(body), None)

        return Changes

    def suggest(self) -> type[MethodView]:
        resource, docs, blueprint = self.resource, self.docs, self.blueprint

        class Suggest(MethodView):
            @access(self.read_access)
            @docs.suggest
            @blueprint.arguments(docs.suggest_parameters, location="query")
            def get(_view, values: Values) -> Response:
                asked, known = list_request(request, values), if_none_match()
                return list_answer(resource, suggestions.suggest(resource, asked, known))

        return Suggest

    def _located(self, by_query: bool) -> Decorator:
        """Decorator: turns the path's code, or ``?code=``, and the choice of a parent into a Lookup."""
        resource, docs, blueprint = self.resource, self.docs, self.blueprint
        parameters = docs.by_code_parameters if by_query else docs.choice_parameters

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            def located(view_object: Any, choice: Values, **path: str) -> Any:
                code = choice.pop("code") if by_query else path[resource.code]
                return view(view_object, lookup=Lookup(code, choice))

            located._apidoc = getattr(view, "_apidoc", {})  # type: ignore[attr-defined]
            located.__name__ = view.__name__
            return blueprint.arguments(parameters, location="query")(located)

        return decorate
