"""What people forget: which way imports point, who may call a route, how long files grow."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from flask import Flask

import ecatalog
from ecatalog.resources import RESOURCES

PACKAGE = Path(ecatalog.__file__).parent
CHECKOUT = PACKAGE.parent

# By part of the package: the parts that it may import. The factory, which composes all, is not listed.
FOUNDATION = {"", "config", "database", "errors", "extensions", "fields", "metrics", "openapi", "smorest"}
RESOURCE_PACKAGE = {"", "catalog", "database", "fields", "images", "project"}
MAY_IMPORT: dict[str, set[str]] = {
    "": {"factory", "config", "resources", "catalog"},
    "errors": set(),
    "metrics": set(),
    "memory": set(),
    "request": {"errors", "ops"},
    "fields": set(),
    "search": set(),
    "openapi": {"", "errors", "fields"},
    "config": {"", "config_checks"},
    "config_checks": {"", "config"},
    "extensions": {"ops", "openapi"},
    "connections": {"", "config"},
    "migrating": set(),
    "database": {"", "config", "connections", "errors", "extensions", "migrating"},
    "single_read": {"connections"},
    "session_read": {"connections", "extensions", "single_read"},
    "first_look": {"", "config", "connections", "single_read"},
    "loading": {"errors", "memory"},
    "smorest": {"", "errors", "extensions", "fields", "loading", "memory", "openapi"},
    "auth": {*FOUNDATION, "ops", "first_look", "memory", "single_read"},
    "ops": {*FOUNDATION, "auth", "connections", "migrating"},
    "catalog": {
        *FOUNDATION,
        "auth",
        "connections",
        "search",
        "first_look",
        "memory",
        "session_read",
        "single_read",
    },
    "kept_answers": {*FOUNDATION, "auth", "catalog", "first_look", "memory", "ops", "single_read"},
    "backup": {*FOUNDATION, "catalog", "migrating", "ops"},
    "checklist": {*FOUNDATION, "config_checks", "auth", "catalog", "images", "ops"},
    "transfer": {*FOUNDATION, "auth", "search", "catalog"},
    "audit": {*FOUNDATION, "auth", "catalog"},
    "images": {*FOUNDATION, "auth", "catalog", "search"},
    "project": RESOURCE_PACKAGE - {"project"},
    "client": RESOURCE_PACKAGE,
    "nomenklatura": RESOURCE_PACKAGE,
    "resources": {"catalog", "project", "client", "nomenklatura"},
    "cli": {
        *FOUNDATION,
        *("auth", "ops", "search", "catalog", "transfer", "images", "audit", "backup", "checklist", "cli"),
    },
}
# Single imports that go against the grain, and why.
EXCEPTIONS = {
    # the document has to know how codes in paths are described
    ("ecatalog.smorest", "ecatalog.catalog.routing"),
}

LONGEST = 300
READ, WRITE = "read", "writer"
OF_A_RESOURCE = {
    "/": {"GET": READ, "POST": WRITE},
    "/<code:{code}>/": {"GET": READ, "PUT": WRITE, "PATCH": WRITE, "DELETE": WRITE},
    "/<code:{code}>/restore/": {"POST": WRITE},
    "/<code:{code}>/history/": {"GET": "user"},
    "/by-code/": {"GET": READ, "PUT": WRITE, "PATCH": WRITE, "DELETE": WRITE},
    "/by-code/restore/": {"POST": WRITE},
    "/by-code/history/": {"GET": "user"},
    "/changes/": {"GET": READ},
    "/suggest/": {"GET": READ},
    "/bulk/": {"POST": WRITE},
    "/import-xlsx/": {"POST": WRITE},
    "/template-xlsx/": {"GET": "user"},
    "/export-xlsx/": {"GET": "user"},
    "/export-csv/": {"GET": "user"},
    "/export-ndjson/": {"GET": "user"},
}
OF_ITS_IMAGES = {
    "/": {"GET": READ, "POST": WRITE},
    "/bulk-upload/": {"POST": WRITE},
    "/<int(max=9223372036854775807):id>/": {"GET": READ, "PUT": WRITE, "PATCH": WRITE, "DELETE": WRITE},
}
READING = {"project": "anyone", "client": "user", "nomenklatura": "anyone"}
CODES = {"project": "code_1c", "client": "client_code_1c", "nomenklatura": "code_1c"}
OTHER_ROUTES = {
    ("/api/v1/thumbnails/", "GET"): "anyone",
    ("/api/v1/thumbnails/projects/", "GET"): "anyone",
    ("/api/v1/thumbnails/clients/", "GET"): "user",
    ("/api/v1/thumbnails/nomenklatura/", "GET"): "anyone",
    ("/media/<path:name>", "GET"): "public",
    ("/api/token/", "POST"): "public",
    ("/api/token/refresh/", "POST"): "public",
    ("/api/token/verify/", "POST"): "public",
    ("/api/token/logout/", "POST"): "public",
    ("/api/v1/", "GET"): "public",
    ("/api/schema/", "GET"): "public",
    ("/api/docs/", "GET"): "public",
    ("/api/redoc/", "GET"): "public",
    ("/api/<any(docs,redoc):page>/assets/<name>", "GET"): "public",
    ("/static/<version>/<any(docs,redoc):page>/<name>", "GET"): "public",
    ("/", "GET"): "public",
    ("/.well-known/security.txt", "GET"): "public",
    ("/livez", "GET"): "public",
    ("/readyz", "GET"): "public",
    ("/metrics", "GET"): "public",  # who may is decided inside: those on this machine, and a token
}


@cache
def modules() -> list[tuple[str, Path]]:
    """(dotted name, file) of every module of the package."""
    return [(dotted(path), path) for path in sorted(PACKAGE.rglob("*.py"))]


def dotted(path: Path) -> str:
    parts = path.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(name: str, path: Path) -> set[str]:
    """The modules of ours that a module imports, wherever in it, for type checkers alone included."""
    known = {module for module, _ in modules()}
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: write imports in full"
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in known else node.module)
    return {module for module in found if module == "ecatalog" or module.startswith("ecatalog.")}


def part(module: str) -> str:
    """``catalog`` for ``ecatalog.catalog.query``; nothing for the package itself."""
    return [*module.split("."), ""][1]


def test_imports_point_one_way() -> None:
    against = [
        f"{name} imports {imported}"
        for name, path in modules()
        for imported in imports(name, path)
        if part(name) not in ("factory", part(imported))
        and part(imported) not in MAY_IMPORT[part(name)]
        and (name, imported) not in EXCEPTIONS
    ]
    assert against == []


def test_the_table_of_imports_has_every_part() -> None:
    assert {part(name) for name, _ in modules()} - {"factory"} == set(MAY_IMPORT)


def test_the_engine_names_no_resource() -> None:
    packages = {resource.model.__module__.rsplit(".", 1)[0] for resource in RESOURCES}
    assert packages == {"ecatalog.project", "ecatalog.client", "ecatalog.nomenklatura"}
    engine = tuple(f"ecatalog.{name}" for name in ("catalog", "search", "transfer", "images", "auth", "ops"))
    for name, path in modules():
        if name.startswith(engine):
            named = {module for module in imports(name, path) if module.startswith(tuple(packages))}
            assert not named, f"{name} imports {named}"


def test_only_the_front_door_imports_the_factory() -> None:
    importers = {name for name, path in modules() if "ecatalog.factory" in imports(name, path)}
    assert importers == {"ecatalog"}


def test_the_exceptions_are_still_needed() -> None:
    found = {(name, imported) for name, path in modules() for imported in imports(name, path)}
    assert found >= EXCEPTIONS


def decisions(app: Flask) -> dict[tuple[str, str], str | None]:
    """By rule and method: who may call it, as it stands at the view."""
    found: dict[tuple[str, str], str | None] = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        for method in methods:
            handler = getattr(getattr(view, "view_class", None), method.lower(), view)
            level = getattr(handler, "access_level", None)
            found[rule.rule, method] = None if level is None else str(level)
    return found


def expected_decisions() -> dict[tuple[str, str], str]:
    expected = dict(OTHER_ROUTES)
    for name, reading in READING.items():
        rules = {f"{name}{suffix.format(code=CODES[name])}": ways for suffix, ways in OF_A_RESOURCE.items()}
        rules |= {f"{name}-image{suffix}": ways for suffix, ways in OF_ITS_IMAGES.items()}
        for rule, methods in rules.items():
            for method, level in methods.items():
                expected[f"/api/v1/{rule}", method] = reading if level == READ else level
    return expected


def test_who_may_call_is_decided_for_every_route(app: Flask) -> None:
    assert decisions(app) == expected_decisions()


def ours() -> list[Path]:
    """Every Python file of the checkout."""
    folders = [CHECKOUT / name for name in ("ecatalog", "tests", "migrations", "bench")]
    return [*CHECKOUT.glob("*.py"), *(path for folder in folders for path in folder.rglob("*.py"))]


def test_files_are_short() -> None:
    lengths = {
        path.relative_to(CHECKOUT).as_posix(): len(path.read_text("utf-8").splitlines()) for path in ours()
    }
    too_long = {name: length for name, length in lengths.items() if length > LONGEST}
    assert too_long == {}
