"""The routes of a resource that take and give many rows. Views parse, call and return."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from ecatalog.auth.access import Access, access
from ecatalog.catalog import query
from ecatalog.catalog.resource import Resource
from ecatalog.smorest import Blueprint
from ecatalog.transfer import export, receive
from ecatalog.transfer.docs import TransferDocs
from ecatalog.transfer.parameters import KeyHeader

Values = dict[str, Any]


def build_transfer_blueprint(resource: Resource) -> Blueprint:
    """The blueprint of ``bulk``, ``import-xlsx``, ``template-xlsx`` and the exports of ``resource``."""
    docs = TransferDocs(resource)
    blueprint = Blueprint(
        f"{resource.name}-transfer",
        __name__,
        url_prefix=f"/api/v1/{resource.name}",
        description=docs.description,
    )
    blueprint.add_url_rule("/bulk/", "bulk", _bulk(resource, docs, blueprint))
    blueprint.add_url_rule("/import-xlsx/", "import-xlsx", _import_xlsx(resource, docs, blueprint))
    blueprint.add_url_rule("/template-xlsx/", "template-xlsx", _template(resource, docs))
    for form, send in (
        ("xlsx", export.send_xlsx),
        ("csv", export.stream_csv),
        ("ndjson", export.stream_ndjson),
    ):
        view = _export(resource, docs, blueprint, form, send)
        blueprint.add_url_rule(f"/export-{form}/", f"export-{form}", view)
    return blueprint


def _bulk(resource: Resource, docs: TransferDocs, blueprint: Blueprint) -> type[MethodView]:
    class Bulk(MethodView):
        @access(Access.WRITER)
        @docs.bulk
        @blueprint.arguments(docs.bulk_parameters, location="query")
        @blueprint.arguments(KeyHeader, location="headers")
        def post(_view, values: Values, headers: Values) -> Response:
            return receive.receive_rows(resource, values, headers.get("idempotency_key"))

    return Bulk


def _import_xlsx(resource: Resource, docs: TransferDocs, blueprint: Blueprint) -> type[MethodView]:
    class ImportXlsx(MethodView):
        @access(Access.WRITER)
        @docs.import_xlsx
        @blueprint.arguments(docs.sheet_parameters, location="query")
        @blueprint.arguments(KeyHeader, location="headers")
        def post(_view, values: Values, headers: Values) -> Response:
            load = docs.sheet_parameters().load
            return receive.receive_sheet(resource, headers.get("idempotency_key"), load)

    return ImportXlsx


def _template(resource: Resource, docs: TransferDocs) -> type[MethodView]:
    class Template(MethodView):
        @access(Access.USER)
        @docs.template
        def get(_view) -> Response:
            return export.send_template(resource)

    return Template


def _export(
    resource: Resource, docs: TransferDocs, blueprint: Blueprint, form: str, send: Any
) -> type[MethodView]:
    class Export(MethodView):
        @access(Access.USER)
        @docs.export(form)
        @blueprint.arguments(query.filter_schema(resource), location="query")
        def get(_view, values: Values) -> Response:
            answer: Response = send(resource, values)
            return answer

    return Export
