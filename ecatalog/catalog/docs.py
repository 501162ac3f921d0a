"""The OpenAPI text of a resource's operations: summaries, parameters, answers, examples, errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from marshmallow import fields as ma_fields

from ecatalog import fields
from ecatalog.catalog import answers, examples, query, search_parameters
from ecatalog.catalog.changes import DEFAULT_LIMIT, MAX_LIMIT
from ecatalog.catalog.paging import PagingSchema
from ecatalog.catalog.resource import Resource
from ecatalog.openapi.components import header_references
from ecatalog.openapi.notes import Decorator
from ecatalog.smorest import AnswerSchema, Blueprint, Schema

ETAG_HEADER = header_references("ETag")


def _chain(*decorators: Any) -> Decorator:
    def apply(view: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            view = decorator(view)
        return view

    return apply


class ResourceDocs:
    """Schemas of parameters and answers, and a decorator for each operation."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.blueprint = Blueprint("documentation", __name__)  # for its decorators alone
        reading = "Anyone may read" if resource.anonymous_read else "Reading needs a token, too"
        self.description = (
            f"{resource.label}: rows known by `{resource.code}`. {reading}; editors and admins write."
        )

    # What is sent

    @cached_property
    def list_parameters(self) -> type[Schema]:
        name = f"{self.resource.label}ListParameters"
        return type(name, (query.filter_schema(self.resource), PagingSchema), {})

    @cached_property
    def choice_parameters(self) -> type[Schema]:
        declared = {item.name: item.field for item in query.parent_filters(self.resource)}
        return type(f"{self.resource.label}Choice", (Schema,), dict(declared))

    @cached_property
    def suggest_parameters(self) -> type[Schema]:
        declared = {"q": search_parameters.typed(), "fuzzy": search_parameters.fuzzy()}
        return type(f"{self.resource.label}SuggestParameters", (self.choice_parameters,), declared)

    @cached_property
    def by_code_parameters(self) -> type[Schema]:
        described = {
            "description": "The row's code, whatever it contains.",
            "example": examples.code(self.resource),
        }
        code = fields.Text(1000, required=True, metadata=described)
        return type(f"{self.resource.label}ByCode", (self.choice_parameters,), {"code": code})

    @property
    def path_parameters(self) -> list[dict[str, Any]]:
        """The code in a path."""
        described = {
            "name": self.resource.code,
            "in": "path",
            "description": "The row's code; `by-code` reaches those that no path can name.",
            "schema": {"type": "string", "minLength": 1, "maxLength": self.resource.code_length},
            "example": examples.code(self.resource),
        }
        return [described]

    @property
    def history_parameters(self) -> type[Schema]:
        return PagingSchema

    @cached_property
    def changes_parameters(self) -> type[Schema]:
        since = fields.Text(
            1000, metadata={"description": "`next` of the last answer; absent: from the beginning."}
        )
        limit = fields.Count(
            metadata={"description": f"Rows: {DEFAULT_LIMIT}; more than {MAX_LIMIT} counts as that."},
        )
        return type(f"{self.resource.label}ChangesParameters", (Schema,), {"since": since, "limit": limit})

    # What is answered

    def _row(self, status: int, description: str) -> Decorator:
        return self.blueprint.response(
            status,
            self.resource.read_schema,
            description=description,
            example=examples.row(self.resource),
            headers=ETAG_HEADER,
        )

    def _operation(self, name: str, summary: str, description: str) -> Decorator:
        operation_id = f"{self.resource.name}_{name}".replace("-", "_")
        if name.startswith("by-code"):
            summary += ", by ?code="
        return self.blueprint.doc(summary=summary, description=description, operationId=operation_id)

    def _unchanged(self) -> Decorator:
        """Decorator for what can be asked with ``If-None-Match``."""
        return _chain(
            self.blueprint.conditional("If-None-Match"),
            self.blueprint.alt_response(
                304, description="The client's copy is still true.", headers=ETAG_HEADER
            ),
        )

    @property
    def list_rows(self) -> Decorator:
        resource = self.resource
        answer = answers.envelope(f"{resource.label}List", resource.read_schema, fuzzy=answers.fuzzy())
        example = examples.page_of(examples.row(resource))
        return _chain(
            self.blueprint.response(
                200, answer, description="One page.", example=example, headers=ETAG_HEADER
            ),
            self._unchanged(),
            self.blueprint.errors(404, 503),
            self._operation(
                "list",
                f"List {resource.name} rows",
                "Newest first. Page by `page` and `page_size`, by `limit` and `offset`, or by `cursor`; the "
                "filters all hold together. `search` finds words in any script and spelling. Where nothing "
                "matches, it looks for the words that are nearest, and the answer says `fuzzy`.",
            ),
        )

    @property
    def create(self) -> Decorator:
        return _chain(
            self._row(201, "Created."),
            self.blueprint.errors(413, 415, 503),
            self.blueprint.body_examples(row=self.resource.example),
            self._operation(
                "create",
                f"Create a {self.resource.name}",
                f"A code that is taken is refused. {examples.defaults(self.resource)}",
            ),
        )

    def _clashes(self) -> tuple[int, ...]:
        """409 can only happen where codes are unique within a parent."""
        return (409,) if self.resource.parent is not None else ()

    def read(self, name: str) -> Decorator:
        return _chain(
            self._row(200, "The row."),
            self._unchanged(),
            self.blueprint.errors(404, 503, *self._clashes()),
            self._operation(f"{name}_get", f"Read one {self.resource.name}", self._finding()),
        )

    def _finding(self) -> str:
        """How one row is found among those of several parents."""
        if self.resource.parent is None:
            return "Deleted rows are not found."
        parent = self.resource.parent.name
        return f"Where several {parent}s have the code, choose with `{parent}_id` or `{parent}`."

    def _write(self, name: str, summary: str, description: str, *errors: int) -> Decorator:
        return _chain(
            self.blueprint.conditional("If-Match"),
            self.blueprint.errors(404, 412, 503, *self._clashes(), *errors),
            self._operation(name, summary, description),
        )

    def replace(self, name: str) -> Decorator:
        text = "Required fields must be there; fields left out keep their value. A code never changes."
        summary = f"Replace a {self.resource.name}"
        return _chain(
            self._row(200, "The row as it is now."),
            self.blueprint.body_examples(row=self.resource.example),
            self._write(f"{name}_put", summary, text, 413, 415),
        )

    def change(self, name: str) -> Decorator:
        text = "Only the fields in the body change. `is_deleted: true` deletes."
        summary = f"Change a {self.resource.name}"
        return _chain(
            self._row(200, "The row as it is now."),
            self.blueprint.body_examples(**examples.changes(self.resource)),
            self._write(f"{name}_patch", summary, text, 413, 415),
        )

    def delete(self, name: str) -> Decorator:
        text = "Soft: the row leaves lists and detail, its code stays taken, `restore` brings it back."
        return _chain(
            self.blueprint.response(204, description="Deleted."),
            self._write(f"{name}_delete", f"Delete a {self.resource.name}", text),
        )

    def restore(self, name: str) -> Decorator:
        text = "Brings a soft-deleted row back; a row that is not deleted stays as it is."
        return _chain(
            self._row(200, "The row as it is now."),
            self._write(name, f"Restore a {self.resource.name}", text),
        )

    def history(self, name: str) -> Decorator:
        example = examples.page_of(examples.history_entry())
        return _chain(
            self.blueprint.response(200, answers.HistoryList, description="Newest first.", example=example),
            self.blueprint.errors(404, 503, *self._clashes()),
            self._operation(
                name,
                f"History of a {self.resource.name}",
                "Who changed it, when, by which way in, and what; a creation lists no fields. Deleted rows "
                "have their history, too.",
            ),
        )

    @property
    def suggest(self) -> Decorator:
        resource = self.resource
        row = {"code": examples.code(resource), "name": resource.example["name"]}
        return _chain(
            self.blueprint.response(
                200,
                answers.suggestions(resource.label, resource.code_length),
                description="Up to ten rows.",
                example={"results": [row]},
                headers=ETAG_HEADER,
            ),
            self._unchanged(),
            self.blueprint.errors(503),
            self._operation(
                "suggest",
                f"Suggest {resource.name} rows while typing",
                "What was named exactly, then names that begin so, then names with words that begin so, then "
                "anything else that is found; newest first in each. Nothing typed, nothing suggested.",
            ),
        )

    @property
    def changes(self) -> Decorator:
        resource = self.resource
        entry: dict[str, Any] = {
            "id": fields.Integer(required=True, maximum=fields.INT64_MAX),
            "code": fields.Text(resource.code_length, required=True),
            "tick": fields.Integer(
                minimum=1,
                maximum=fields.INT64_MAX,
                required=True,
                metadata={"description": "Grows with each write."},
            ),
            "deleted": fields.Boolean(required=True),
            "row": ma_fields.Nested(
                resource.read_schema,
                required=True,
                allow_none=True,
                metadata={"description": "The row as it is now; null when it is deleted."},
            ),
        }
        answer: dict[str, Any] = {
            "results": ma_fields.List(
                ma_fields.Nested(type(f"{resource.label}Change", (AnswerSchema,), entry)), required=True
            ),
            "next": ma_fields.String(required=True, metadata={"description": "Cursor for the next call."}),
            "more": fields.Boolean(required=True, metadata={"description": "More is there already."}),
        }
        row = examples.row(resource)
        known = {"id": row["id"], "code": row[resource.code], "tick": 1769851800123456}
        change = known | {"deleted": False, "row": row}
        example = {"results": [change], "next": "WyI1ZjBjIiwxLDFd", "more": False}
        text = "Every row written after the cursor, in commit order, deleted rows as tombstones. Keep `next`."
        return _chain(
            self.blueprint.response(
                200,
                type(f"{resource.label}Changes", (AnswerSchema,), answer),
                description="Changes.",
                example=example,
            ),
            self.blueprint.errors(410, 503),
            self._operation("changes", f"Changes of {resource.name} rows", text),
        )
