"""The OpenAPI document as tests read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from openapi_schema_validator import OAS31Validator, oas31_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

Json = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
_ADDRESS = "urn:document"


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    path: str
    method: str
    doc: Json

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"


class Document:
    """An OpenAPI document whose references are followed."""

    def __init__(self, content: Json) -> None:
        self.content = content

    @cached_property
    def _registry(self) -> Any:
        return Registry().with_resource(_ADDRESS, DRAFT202012.create_resource(self.content))

    @cached_property
    def operations(self) -> list[Operation]:
        return [
            Operation(path, method, item[method])
            for path, item in self.content["paths"].items()
            for method in METHODS
            if method in item
        ]

    def operation(self, method: str, path: str) -> Operation:
        return Operation(path, method, self.content["paths"][path][method])

    def follow(self, node: Json) -> Json:
        """What a node stands for, if it is a reference."""
        while "$ref" in node:
            found: Any = self.content
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def response(self, operation: Operation, status: int) -> Json:
        return self.follow(operation.doc["responses"][str(status)])

    def parameters(self, operation: Operation) -> list[Json]:
        shared = self.content["paths"][operation.path].get("parameters", [])
        return [self.follow(item) for item in [*shared, *operation.doc.get("parameters", [])]]

    def errors(self, value: Any, schema: Json) -> list[str]:
        """What the schema has against the value."""
        # Wherever it stands, a schema refers to components of the document.
        whole = {"$id": "urn:schema", **_absolute(schema)}
        validator = OAS31Validator(whole, registry=self._registry, format_checker=oas31_format_checker)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    def check_answer(self, operation: Operation, answer: Any) -> None:
        """Assert that a real answer is one that the document announces for the operation."""
        assert str(answer.status_code) in operation.doc["responses"], f"{operation} answered {answer.status}"
        response = self.response(operation, answer.status_code)
        if "content" not in response:
            assert answer.data == b""
            return
        content = response["content"][answer.mimetype]
        assert self.errors(answer.get_json(force=True), content["schema"]) == []


def _absolute(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: f"{_ADDRESS}{value}" if key == "$ref" and isinstance(value, str) else _absolute(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_absolute(item) for item in node]
    return node


def examples(content: Json) -> Iterator[Any]:
    """The examples of a media type."""
    if "example" in content:
        yield content["example"]
    for example in content.get("examples", {}).values():
        yield example["value"]
