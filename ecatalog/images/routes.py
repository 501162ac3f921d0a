"""The routes of a resource's images, and those of thumbnails. Views parse, call and return."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from flask import Response, request
from flask.views import MethodView

from ecatalog import fields
from ecatalog.auth.access import Access, access
from ecatalog.auth.permissions import current_user
from ecatalog.catalog import etag
from ecatalog.catalog.asking import list_request
from ecatalog.catalog.blueprint import if_match, if_none_match, json_answer, origin
from ecatalog.catalog.listing import Answer
from ecatalog.catalog.resource import Resource
from ecatalog.database import write_transaction
from ecatalog.images import listing, service
from ecatalog.images.declaration import images_of
from ecatalog.images.docs import ImageDocs
from ecatalog.images.docs_thumbnails import ThumbnailDocs
from ecatalog.images.forms import open_bulk, open_change, open_upload
from ecatalog.images.models import ImageRow
from ecatalog.images.presentation import image_renderer
from ecatalog.images.uploads import discard
from ecatalog.smorest import Blueprint

Values = dict[str, Any]


def build_image_blueprint(resource: Resource) -> Blueprint:
    """The blueprint below ``/api/v1/<name>-image/`` of a resource that declares images."""
    docs = ImageDocs(resource)
    name = f"{resource.name}-image"
    blueprint = Blueprint(name, __name__, url_prefix=f"/api/v1/{name}", description=docs.description)
    routes = _Routes(resource, docs, blueprint)
    blueprint.add_url_rule("/", "list", routes.collection())
    blueprint.add_url_rule("/bulk-upload/", "bulk-upload", routes.bulk_upload())
    blueprint.add_url_rule(
        f"/<int(max={fields.INT64_MAX}):id>/", "detail", routes.detail(), parameters=docs.path_parameters
    )
    return blueprint


class _Routes:
    """Makes the views of one resource's images."""

    def __init__(self, resource: Resource, docs: ImageDocs, blueprint: Blueprint) -> None:
        self.resource = resource
        self.docs = docs
        self.blueprint = blueprint
        self.read_access = Access.ANYONE if resource.anonymous_read else Access.USER

    def _page(self, answer: Answer) -> Response:
        return json_answer(answer.body, answer.etag, shared=self.resource.anonymous_read)

    def _image(self, image: ImageRow, status: int = 200) -> Response:
        """An image with its tag; 304 when a GET already knows it."""
        resource = self.resource
        tag = service.image_etag(resource, image)
        known = if_none_match() if request.method in ("GET", "HEAD") else None
        body = None
        if not (known and etag.holds(known, tag)):
            body = orjson.dumps(image_renderer(resource)(image, image.owner))
        return json_answer(body, tag, shared=resource.anonymous_read, status=status)

    def collection(self) -> type[MethodView]:
        resource, docs, blueprint = self.resource, self.docs, self.blueprint

        class Collection(MethodView):
            @access(self.read_access)
            @docs.list_images
            @blueprint.arguments(listing.list_schema(resource), location="query")
            def get(_view, values: Values) -> Response:
                return self._page(
                    listing.list_images(resource, list_request(request, values), if_none_match())
                )

            @access(Access.WRITER)
            @docs.upload
            def post(_view) -> Response:
                made_by = origin()
                with open_upload(resource) as (values, files), write_transaction():
                    (image,) = service.add(resource, files, values, made_by)
                    answer = self._image(image, status=201)
                return answer

        return Collection

    def bulk_upload(self) -> type[MethodView]:
        resource, docs = self.resource, self.docs

        class BulkUpload(MethodView):
            @access(Access.WRITER)
            @docs.bulk_upload
            def post(_view) -> Response:
                made_by = origin()
                with open_bulk(resource) as (values, files), write_transaction():
                    images = service.add(resource, files, values, made_by)
                    render = image_renderer(resource)
                    shown = [render(image, image.owner) for image in images]
                message = f"{len(shown)} {'image' if len(shown) == 1 else 'images'} uploaded."
                return json_answer(orjson.dumps({"message": message, "images": shown}), None, status=201)

        return BulkUpload

    def detail(self) -> type[MethodView]:
        resource, docs = self.resource, self.docs

        def change(image_id: int, *, partial: bool) -> Response:
            made_by = origin()
            with open_change(resource, partial=partial) as (values, file), write_transaction():
                image, replaced = service.change(
                    resource, image_id, values, made_by, file=file, if_match=if_match()
                )
                answer = self._image(image)
            if replaced is not None:
                discard(replaced)
            return answer

        class Detail(MethodView):
            @access(self.read_access)
            @docs.read
            def get(_view, id: int) -> Response:
                return self._image(service.find(resource, id))

            @access(Access.WRITER)
            @docs.replace
            def put(_view, id: int) -> Response:
                return change(id, partial=False)

            @access(Access.WRITER)
            @docs.change
            def patch(_view, id: int) -> Response:
                return change(id, partial=True)

            @access(Access.WRITER)
            @docs.delete
            def delete(_view, id: int) -> Response:
                made_by = origin()
                with write_transaction():
                    service.delete(resource, id, made_by, if_match=if_match())
                return Response(status=204)

        return Detail


def build_thumbnails_blueprint(resources: Sequence[Resource]) -> Blueprint:
    """``/api/v1/thumbnails/``: of all resources that declare images, and of each of them."""
    shown = listing.with_images(resources)
    docs = ThumbnailDocs(shown)
    blueprint = Blueprint(
        "thumbnails", __name__, url_prefix="/api/v1/thumbnails", description=docs.description
    )
    blueprint.add_url_rule("/", "all", _mixed(shown, docs, blueprint))
    for resource in shown:
        images = images_of(resource)
        assert images is not None
        view = _of_one(resource, docs, blueprint, images.plural)
        blueprint.add_url_rule(f"/{images.plural}/", images.plural, view)
    return blueprint


def _mixed(resources: Sequence[Resource], docs: ThumbnailDocs, blueprint: Blueprint) -> type[MethodView]:
    class Thumbnails(MethodView):
        @access(Access.ANYONE)
        @docs.of_all
        @blueprint.arguments(docs.mixed_parameters, location="query")
        def get(_view, values: Values) -> Response:
            chosen = listing.visible(
                resources, values.get("entity_type"), signed_in=current_user() is not None
            )
            answer = listing.thumbnails(chosen, list_request(request, values), if_none_match())
            return json_answer(answer.body, answer.etag, shared=False)

    return Thumbnails


def _of_one(resource: Resource, docs: ThumbnailDocs, blueprint: Blueprint, plural: str) -> type[MethodView]:
    class ThumbnailsOfOne(MethodView):
        @access(Access.ANYONE if resource.anonymous_read else Access.USER)
        @docs.of_one(resource, plural)
        @blueprint.arguments(docs.parameters, location="query")
        def get(_view, values: Values) -> Response:
            answer = listing.thumbnails([resource], list_request(request, values), if_none_match())
            return json_answer(answer.body, answer.etag, shared=resource.anonymous_read)

    return ThumbnailsOfOne
