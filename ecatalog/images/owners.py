"""Which row an image belongs to: named by its id or its code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from marshmallow.fields import Field

from ecatalog import fields
from ecatalog.catalog import query
from ecatalog.catalog.lookup import ambiguous, parent_loader
from ecatalog.catalog.resource import Resource
from ecatalog.errors import Conflict, InvalidInput
from ecatalog.extensions import db
from ecatalog.images.presentation import owner_key

Values = Mapping[str, Any]


def id_key(resource: Resource) -> str:
    """The name of the parameter that takes the row's id alone."""
    return f"{owner_key(resource)}_id"


def owner_fields(resource: Resource) -> dict[str, Field[Any]]:
    """The fields of a form, and parameters of a list, that name a row; those given must all fit."""
    key = owner_key(resource)
    named: dict[str, Field[Any]] = {
        key: fields.Text(
            255,
            metadata={
                "description": f"The {resource.name} by its id or its `{resource.code}`.",
                "anyOf": [
                    {"type": "integer", "minimum": 1, "format": "int64"},
                    {"type": "string", "maxLength": 255},
                ],
            },
        ),
        id_key(resource): fields.Integer(
            minimum=1,
            maximum=fields.INT64_MAX,
            metadata={"description": f"The {resource.name} by its id alone."},
        ),
        resource.code: fields.Text(
            resource.code_length, metadata={"description": f"The {resource.name} by its code alone."}
        ),
    }
    return named | {item.name: item.field for item in query.parent_filters(resource)}


def names_owner(resource: Resource, values: Values) -> bool:
    """Whether the values name a row (a parent alone does not)."""
    return any(values.get(name) is not None for name in _names(resource))


def _names(resource: Resource) -> tuple[str, str, str]:
    return owner_key(resource), id_key(resource), resource.code


def owner_conditions(resource: Resource, values: Values) -> list[sa.ColumnElement[bool]]:
    """Conditions on the row's table: one for each name that is given."""
    model: Any = resource.model
    code = getattr(model, resource.code)
    either, row_id, row_code = (values.get(name) for name in _names(resource))
    conditions: list[sa.ColumnElement[bool]] = []
    if either is not None:
        number = _as_id(either)
        conditions.append(code == either if number is None else sa.or_(model.id == number, code == either))
    if row_id is not None:
        conditions.append(model.id == row_id)
    if row_code is not None:
        conditions.append(code == row_code)
    chosen = [item for item in query.parent_filters(resource) if values.get(item.name) is not None]
    return conditions + [item.clause(model, values[item.name]) for item in chosen]


def _as_id(text: str) -> int | None:
    """The number, if the text is one as ids are written: ``007`` is a code."""
    if text.isascii() and text.isdigit() and str(int(text)) == text and int(text) <= fields.INT64_MAX:
        return int(text)
    return None


def check_unambiguous(resource: Resource, values: Values) -> None:
    """Raises Conflict where one text is the id of a row and the code of another."""
    either = values.get(owner_key(resource))
    if either is None or _as_id(either) is None:
        return
    model: Any = resource.model
    conditions = owner_conditions(resource, values)
    ids = db.session.scalars(sa.select(model.id).where(~model.is_deleted, *conditions).limit(10)).all()
    if _as_id(either) in ids and len(ids) > 1:
        raise Conflict(
            f'"{either}" is the id of one {resource.name} and the code of another: '
            f"name it by {id_key(resource)} or by {resource.code}."
        )


def find_owner(resource: Resource, values: Values) -> Any:
    """The one live row that the values name, its parent loaded.

    Raises InvalidInput where there is none, and Conflict where there are several.
    """
    key = owner_key(resource)
    if not names_owner(resource, values):
        raise InvalidInput({key: ["This field is required."]})
    check_unambiguous(resource, values)
    model: Any = resource.model
    statement = sa.select(model).where(~model.is_deleted, *owner_conditions(resource, values))
    statement = statement.options(*parent_loader(resource)).order_by(model.id).limit(100)
    found = db.session.scalars(statement.execution_options(populate_existing=True)).all()
    if not found:
        named = next(str(values[name]) for name in _names(resource) if values.get(name) is not None)
        raise InvalidInput({key: [f'No {resource.name} matches "{named[:100]}".']})
    if len(found) > 1:
        raise ambiguous(resource, found)
    return found[0]
