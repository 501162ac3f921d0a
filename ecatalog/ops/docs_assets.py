"""The files of the documentation pages: which there are, and their bytes.

The scripts are those that two installed packages carry; the packages themselves are not imported, since all
that they would add is another web framework.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Not those of the machine, which can be set to anything.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_OWN = Path(__file__).with_name("docs-files")

# ReDoc shows a logo that it would load from its makers; the same picture is among its files.
_REDOC_LOGOS = {
    b"https://cdn.redoc.ly/redoc/logo-mini-full.svg": b"assets/redoc.svg",
    b"https://cdn.redoc.ly/redoc/logo-mini.svg": b"assets/redoc.svg",
}


@dataclass(frozen=True)
class Asset:
    """A file of a page: where it is, in a package or in ours (None), and what is replaced in it."""

    package: str | None
    path: str
    replaced: dict[bytes, bytes] | None = None


_SWAGGER, _REDOC = "flask_openapi_swagger", "flask_openapi_redoc"

#: What may be asked for, by page and name: nothing else of the packages is served.
ASSETS: dict[str, dict[str, Asset]] = {
    "docs": {
        "swagger-ui-bundle.js": Asset(_SWAGGER, "templates/swagger/js/swagger-ui-bundle.js"),
        "swagger-ui.css": Asset(_SWAGGER, "templates/swagger/css/swagger-ui.css"),
        "swagger.svg": Asset(_SWAGGER, "templates/swagger/images/swagger.svg"),
        "swagger-init.js": Asset(None, "swagger-init.js"),
        "swagger.css": Asset(None, "swagger.css"),
    },
    "redoc": {
        "redoc.standalone.js": Asset(_REDOC, "templates/redoc/js/redoc.standalone.js", _REDOC_LOGOS),
        "redoc.svg": Asset(_REDOC, "templates/redoc/images/redoc.svg"),
        "redoc-init.js": Asset(None, "redoc-init.js"),
        "redoc.css": Asset(None, "redoc.css"),
    },
}


def _folder(package: str | None) -> Path:
    """Where a package's files are; it is found, not imported."""
    if package is None:
        return _OWN
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(f"the package {package} is not installed")
    return Path(found.submodule_search_locations[0])


@cache
def read_asset(page: str, name: str) -> bytes:
    """The bytes of a file of a page. Raises KeyError for a name that is not in the list."""
    return _read(page, name)


def _read(page: str, name: str) -> bytes:
    asset = ASSETS[page][name]
    body = (_folder(asset.package) / asset.path).read_bytes()
    for old, new in (asset.replaced or {}).items():
        body = body.replace(old, new)
    return body


@cache
def digest() -> str:
    """A name for the present content of all files together.

    They are not kept: they have 5 MB, and where a web server gives them out, no worker is asked for them.
    """
    total = hashlib.blake2b(digest_size=8)
    for page, named in ASSETS.items():
        for name in named:
            total.update(f"{page}/{name}".encode() + b"\0" + _read(page, name))
    return total.hexdigest()
