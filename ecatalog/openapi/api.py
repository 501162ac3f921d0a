"""flask-smorest's Api, subclassed once: the document is made when somebody asks for it."""

from __future__ import annotations

import threading
from typing import Any

import flask_smorest
from flask import Flask

from ecatalog.openapi.components import register_components
from ecatalog.openapi.fields import describe_field, describe_parameter


class Api(flask_smorest.Api):  # type: ignore[misc]  # flask-smorest publishes no types
    """OpenAPI document and blueprints; errors are ours (see ecatalog.errors)."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self) -> None:
        self._spec: Any = None
        self._undocumented: list[tuple[Any, str]] = []
        self._documenting = threading.RLock()
        super().__init__()

    def init_app(self, app: Flask, *, spec_kwargs: dict[str, Any] | None = None) -> None:
        self._undocumented = []
        super().init_app(app, spec_kwargs=spec_kwargs)

    def register_blueprint(self, blueprint: Any, **options: Any) -> None:
        """Its routes; what the document says of them waits until somebody asks for the document.

        That is half of what starting takes, and most commands and workers are never asked.
        """
        name = options.get("name", blueprint.name)
        self._app.extensions["flask-smorest"]["blp_name_to_api"][name] = self
        self._app.register_blueprint(blueprint, **options)
        self._undocumented.append((blueprint, name))

    @property
    def spec(self) -> Any:
        """The document, complete."""
        with self._documenting:
            waiting, self._undocumented = self._undocumented, []
            for blueprint, name in waiting:
                blueprint.register_views_in_doc(self, self._app, self._spec, name=name, parameters=None)
                self._spec.tag({"name": name, "description": blueprint.description})
            return self._spec

    @spec.setter
    def spec(self, empty: Any) -> None:
        self._spec = empty

    def _register_error_handlers(self) -> None:
        """Left out: ecatalog.errors has the one table."""

    def _register_responses(self) -> None:
        register_components(self.spec.components)
        self.ma_plugin.converter.add_attribute_function(describe_field)
        self.ma_plugin.converter.add_parameter_attribute_function(describe_parameter)

    def _register_etag_headers(self) -> None:
        """Left out: ecatalog.openapi describes them."""

    def _register_pagination_header(self) -> None:
        """Left out: lists tell their pages in the body."""
