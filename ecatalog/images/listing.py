"""Lists of images, and the thumbnails of several resources together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from marshmallow.fields import Field

from ecatalog import fields, search
from ecatalog.catalog import paging, query
from ecatalog.catalog.building import ListRequest
from ecatalog.catalog.listing import Answer, by_clock
from ecatalog.catalog.paging import PagingSchema
from ecatalog.catalog.query import NEWEST_FIRST
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.search_parameters import MAX_LENGTH, SearchText
from ecatalog.errors import NotAuthenticated
from ecatalog.extensions import db
from ecatalog.images.declaration import image_model, images_of
from ecatalog.images.owners import check_unambiguous, owner_conditions, owner_fields
from ecatalog.images.presentation import (
    image_renderer,
    media_root,
    original_dimensions,
    thumbnail_dimensions,
)
from ecatalog.images.service import live_images, owner_loader
from ecatalog.images.sizes import readable_size
from ecatalog.smorest import Schema

DEFAULT_THUMBNAILS = 60
MAX_THUMBNAILS = 200


def list_schema(resource: Resource) -> type[Schema]:
    """The query parameters of a list of images."""
    searched = f"Every word must occur in the category, the note, or what {resource.name} is searched by."
    own: dict[str, Field[Any]] = {
        "is_main": fields.Boolean(metadata={"description": "Main images of their rows, or the others."}),
        "is_active": fields.Boolean(metadata={"description": "`is_active` is exactly this."}),
        "category": fields.Text(120, metadata={"description": "`category` is exactly this."}),
        "search": SearchText(MAX_LENGTH, metadata={"description": searched}),
    }
    declared = {**owner_fields(resource), **own}
    return type(f"{resource.label}ImageListParameters", (PagingSchema,), declared)


def list_images(resource: Resource, asked: ListRequest, known_tags: frozenset[str] | None) -> Answer:
    """One page of a resource's images, newest first. Raises RowNotFound, and Conflict for an unclear row."""
    return by_clock(
        ("images", resource.name), resource.clock_names, asked, known_tags, lambda _: _build(resource, asked)
    )


def _build(resource: Resource, asked: ListRequest) -> bytes:
    check_unambiguous(resource, asked.values)
    model = image_model(resource)
    statement = live_images(resource).where(*_conditions(resource, asked.values))
    count = db.session.scalar(statement.with_only_columns(sa.func.count())) or 0
    run = paging.entities(model, statement.options(*owner_loader(resource)))
    page = paging.fetch(model, NEWEST_FIRST, dict(asked.values), count, run)
    render = image_renderer(resource)
    return orjson.dumps(
        {
            "count": count,
            "next": paging.link(asked.base_url, asked.query, page.next),
            "previous": paging.link(asked.base_url, asked.query, page.previous),
            "results": [render(image, image.owner) for image in page.rows],
        }
    )


def _conditions(resource: Resource, values: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    model: Any = image_model(resource)
    conditions = owner_conditions(resource, values)
    for name in ("is_main", "is_active", "category"):
        if values.get(name) is not None:
            conditions.append(getattr(model, name) == values[name])
    for word in (values.get("search") or "").split():
        of_row = sa.and_(*query.conditions(resource, {"search": word}))
        conditions.append(sa.or_(of_row, _occurs(model.search_text, word)))
    return conditions


def _occurs(column: Any, word: str) -> sa.ColumnElement[bool]:
    """The word occurs in folded text, in one of its spellings."""
    return sa.and_(
        sa.true(),
        *(
            sa.or_(*(column.contains(spelling, autoescape=True) for spelling in spelled))
            for spelled in search.words(word)
        ),
    )


def visible(resources: Sequence[Resource], name: str | None, *, signed_in: bool) -> list[Resource]:
    """The resources whose thumbnails a caller gets: that of ``name``, or all that the caller may read.

    Raises NotAuthenticated where the one that is asked for needs a token.
    """
    chosen = [resource for resource in resources if name in (None, resource.name)]
    allowed = [resource for resource in chosen if signed_in or resource.anonymous_read]
    if name is not None and not allowed:
        raise NotAuthenticated
    return allowed


def thumbnails(
    resources: Sequence[Resource], asked: ListRequest, known_tags: frozenset[str] | None
) -> Answer:
    """The newest thumbnails of rows of ``resources``, and the size of all that there are."""
    names = sorted({name for resource in resources for name in resource.clock_names})
    # At one address, callers who may see more get more.
    seen = ",".join(resource.name for resource in resources)
    return by_clock(
        ("thumbnails", seen), names, asked, known_tags, lambda _: _build_thumbnails(resources, asked.values)
    )


def _build_thumbnails(resources: Sequence[Resource], values: Mapping[str, Any]) -> bytes:
    limit = min(values.get("limit") or DEFAULT_THUMBNAILS, MAX_THUMBNAILS)
    count = thumbnail_bytes = original_bytes = 0
    newest: list[tuple[Any, Resource, Any]] = []
    for resource in resources:
        model: Any = image_model(resource)
        statement = live_images(resource)
        if values.get("is_main") is not None:
            statement = statement.where(model.is_main == values["is_main"])
        sums = (sa.func.count(), sa.func.sum(model.thumbnail_bytes), sa.func.sum(model.size_bytes))
        row = db.session.execute(statement.with_only_columns(*sums)).one()
        count += row[0]
        thumbnail_bytes += int(row[1] or 0)
        original_bytes += int(row[2] or 0)
        statement = statement.order_by(*query.order_by(model, NEWEST_FIRST)).limit(limit)
        found = db.session.scalars(statement.options(*owner_loader(resource)))
        newest += [((image.created_at, image.id), resource, image) for image in found]
    newest.sort(key=lambda entry: entry[0], reverse=True)
    root = media_root()
    return orjson.dumps(
        {
            "results": [_thumbnail(resource, image, root) for _, resource, image in newest[:limit]],
            "total_count": count,
            "total_size": {"thumbnail": _size(thumbnail_bytes), "original": _size(original_bytes)},
        }
    )


def _size(count: int) -> dict[str, Any]:
    return {"size_bytes": count, "size": readable_size(count)}


def _thumbnail(resource: Resource, image: Any, root: str) -> dict[str, Any]:
    owner = image.owner
    return {
        "entity_type": resource.name,
        "entity_id": owner.id,
        "code_1c": getattr(owner, resource.code),
        "entity_name": owner.name,
        "image_id": image.id,
        "thumbnail_url": f"{root}{image.folder}/thumbnail.jpg",
        "thumbnail_dimensions": thumbnail_dimensions(image),
        "original_dimensions": original_dimensions(image),
        "is_main": image.is_main,
        "category": image.category,
        "note": image.note,
        "created_at": fields.format_timestamp(image.created_at),
    }


def with_images(resources: Sequence[Resource]) -> list[Resource]:
    """Those of the resources that declare images."""
    return [resource for resource in resources if images_of(resource) is not None]
