"""What decorators note on views, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Notes(dict[str, Any]):
    """What decorators note on a view for the document.

    Each of flask-smorest's copies what those before it noted, to the last value of each example. They only
    add to its lists, so that a copy of these will do: it is a tenth of the start, and 2 MB.
    """

    def __deepcopy__(self, memo: Any) -> Notes:
        return Notes((name, _copied(value, 3)) for name, value in self.items())


def _copied(value: Any, levels: int) -> Any:
    """Dicts and lists anew, as far down as decorators add to them."""
    if levels and isinstance(value, dict):
        return {name: _copied(inner, levels - 1) for name, inner in value.items()}
    if levels and isinstance(value, list):
        return [_copied(inner, levels - 1) for inner in value]
    return value


def noting(**notes: Any) -> Decorator:
    """A decorator that leaves notes on a view for the document."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        view._apidoc = Notes(getattr(view, "_apidoc", {}), **notes)  # type: ignore[attr-defined]
        return view

    return decorate


def sharing(decorator: Any) -> Decorator:
    """flask-smorest's decorator, whose notes the next one need not copy."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        decorated: Any = decorator(view)
        decorated._apidoc = Notes(decorated._apidoc)
        return cast(Callable[..., Any], decorated)

    return decorate
