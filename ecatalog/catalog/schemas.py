"""Schemas: a resource declares its stored fields once; what is written and read is derived from that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import marshmallow as ma
from marshmallow import fields as ma_fields
from marshmallow.fields import Field

from ecatalog import fields
from ecatalog.smorest import AnswerSchema, Schema

if TYPE_CHECKING:
    from ecatalog.catalog.resource import Resource

# orjson writes these as they are.
_NATIVE = (fields.Text, fields.Boolean, fields.Integer, fields.JSONObject, fields.JSONList, ma_fields.Date)


class CatalogSchema(Schema):
    """Base of a resource's schema: every field here is a column that clients may write."""

    is_active = fields.Boolean(metadata={"description": "Off: the row stays visible but is out of use."})
    is_deleted = fields.Boolean(metadata={"description": "`true` soft-deletes the row, as DELETE does."})


class ParentCode(fields.Text):
    """A parent named by its code; the object that reading answers is accepted as well."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, dict) and "code_1c" in value:
            value = value["code_1c"]
        return super()._deserialize(value, attr, data, **kwargs)


def write_fields(resource: Resource) -> dict[str, Field[Any]]:
    """The writable fields, the link to the parent included."""
    declared = dict(resource.fields)
    if resource.parent is not None:
        parent = resource.parent
        declared[resource.link_column] = fields.Integer(
            minimum=1,
            maximum=fields.INT64_MAX,
            metadata={
                "description": f"Id of the {parent.name} that the row belongs to; it counts where "
                f"`{parent.name}` is given, too."
            },
        )
        declared[parent.name] = ParentCode(
            parent.code_length,
            metadata={
                "description": f"The {parent.name} by its `{parent.code}`, instead of its id; an object as "
                "answers show it is taken, too.",
                "anyOf": [
                    {"type": ["string", "number"], "maxLength": parent.code_length},
                    {
                        "type": "object",
                        "required": [parent.code],
                        "properties": {
                            parent.code: {"type": ["string", "number"], "maxLength": parent.code_length}
                        },
                    },
                ],
            },
        )
    return declared


def build_write_schema(resource: Resource, *, partial: bool) -> type[Schema]:
    """``ProjectWrite`` (POST, PUT) or ``ProjectPatch`` (nothing required)."""
    declared = {key: _with_example(resource, key, field) for key, field in write_fields(resource).items()}
    name = f"{resource.label}{'Patch' if partial else 'Write'}"
    if not partial:
        return _schema_class(name, declared)
    return _schema_class(
        name, {key: fields.variant(field, required=False) for key, field in declared.items()}
    )


def _with_example(resource: Resource, key: str, field: Field[Any]) -> Field[Any]:
    """A copy of a field that shows its value in the declared example."""
    twin = fields.variant(field)
    name = field.data_key or key
    if name in resource.example:
        twin.metadata = {"example": resource.example[name], **field.metadata}
    return twin


def build_read_schema(resource: Resource) -> type[Schema]:
    """What answers show; used for the document, and by :func:`build_renderer`."""
    shown: dict[str, Field[Any]] = {
        "id": fields.Integer(required=True, dump_only=True, minimum=1, maximum=fields.INT64_MAX)
    }
    for key, field in resource.fields.items():
        shown[key] = fields.variant(_with_example(resource, key, field), required=True)
    if resource.parent is not None:
        shown[resource.parent.name] = ma_fields.Nested(
            resource.parent.link_schema, allow_none=True, required=True
        )
    for nested in resource.nested:
        shown[nested.name] = ma_fields.List(
            ma_fields.Nested(nested.schema(resource)), required=True, dump_only=True
        )
    for key in ("created_at", "updated_at"):
        shown[key] = fields.Timestamp(required=True, dump_only=True)
    return _schema_class(resource.label, shown, AnswerSchema)


def build_link_schema(parent: Resource) -> type[Schema]:
    """A parent as its rows show it."""
    return _schema_class(
        f"{parent.label}Link",
        {
            "id": fields.Integer(required=True, minimum=1, maximum=fields.INT64_MAX),
            parent.code: fields.Text(parent.code_length, required=True),
            "name": fields.Text(255, required=True),
        },
        AnswerSchema,
    )


def _schema_class(name: str, declared: dict[str, Field[Any]], base: type[Schema] = Schema) -> type[Schema]:
    return type(name, (base,), dict(declared))


def build_renderer(resource: Resource) -> Callable[[Any], dict[str, Any]]:
    """A function from a model instance to what the API answers, ready for orjson.

    The parent must be loaded, and it costs no query here. Lists of children stay empty: filling them takes
    one query for any number of rows (:mod:`ecatalog.catalog.nested`).
    """
    converters: list[tuple[str, str, Callable[[Any], Any] | None]] = [
        (key, field.data_key or key, None if isinstance(field, _NATIVE) else _converter(field))
        for key, field in resource.fields.items()
    ]
    parent = resource.parent
    children = [nested.name for nested in resource.nested]

    def render(row: Any) -> dict[str, Any]:
        shown: dict[str, Any] = {"id": row.id}
        for key, name, convert in converters:
            value = getattr(row, key)
            shown[name] = value if convert is None or value is None else convert(value)
        if parent is not None:
            shown[parent.name] = render_link(parent, getattr(row, parent.name))
        for name in children:
            shown[name] = []
        shown["created_at"] = fields.format_timestamp(row.created_at)
        shown["updated_at"] = fields.format_timestamp(row.updated_at)
        return shown

    return render


def render_link(parent: Resource, row: Any) -> dict[str, Any] | None:
    """A parent as its rows show it."""
    return None if row is None else {"id": row.id, parent.code: getattr(row, parent.code), "name": row.name}


def _converter(field: Field[Any]) -> Callable[[Any], Any]:
    return lambda value: field._serialize(value, None, None)


def load(schema: ma.Schema, values: Any) -> dict[str, Any]:
    """Validated values of a plain mapping; raises marshmallow's ValidationError."""
    loaded: dict[str, Any] = schema.load(values)
    return loaded
