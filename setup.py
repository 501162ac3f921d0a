"""Installs the package; the lists in ``requirements/*.in`` are the one place that names dependencies."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def requirements(name: str) -> list[str]:
    """The requirements that the list ``requirements/NAME.in`` itself states, without those it includes."""
    lines = (line.partition("#")[0].strip() for line in read(f"requirements/{name}.in").splitlines())
    return [line for line in lines if line and not line.startswith("-")]


def chosen(name: str, *packages: str) -> list[str]:
    """The requirements of the list that are about these packages."""
    return [line for line in requirements(name) if re.match(r"[\w.-]+", line)[0] in packages]  # type: ignore[index]


PACKAGES = [
    *find_packages(include=["ecatalog", "ecatalog.*"]),
    "ecatalog.migrations",
    "ecatalog.migrations.versions",
]

setup(
    name="ecatalog",
    version=re.search(r'^__version__ = "(.+)"$', read("ecatalog/__init__.py"), re.MULTILINE)[1],  # type: ignore[index]
    description="A fast, safe REST catalogue in front of 1C:Enterprise",
    license="MIT",
    python_requires=">=3.11",
    # The migrations stand at the top of the repository; installed, they are a part of the package.
    package_dir={name: name.removeprefix("ecatalog.").replace(".", "/") for name in PACKAGES[-2:]},
    packages=PACKAGES,
    package_data={
        "ecatalog.migrations": ["alembic.ini", "script.py.mako"],
        "ecatalog.ops": ["docs-files/*"],
    },
    include_package_data=True,
    py_modules=["wsgi"],
    install_requires=requirements("base"),
    extras_require={
        "postgres": chosen("prod", "psycopg"),
        "redis": chosen("prod", "redis"),
        "s3": requirements("s3"),
        "otel": requirements("otel"),
        "dev": [*requirements("prod"), *requirements("dev"), *requirements("uv")],
    },
)
