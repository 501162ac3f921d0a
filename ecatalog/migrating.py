"""What a process that serves has to know of migrations, without Alembic.

Alembic brings template engines and lexers along: 9 MB and a tenth of the start, for commands alone.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask_sqlalchemy import SQLAlchemy

if TYPE_CHECKING:
    from flask_migrate import Migrate

_NAMED = ("revision", "down_revision")


@dataclass(frozen=True)
class Migrations:
    """What Flask-Migrate and ``migrations/env.py`` look for in ``app.extensions["migrate"]``."""

    db: SQLAlchemy
    directory: str
    configure_args: dict[str, Any] = field(
        default_factory=lambda: {"compare_type": True, "render_as_batch": False}
    )

    @cached_property
    def migrate(self) -> Migrate:
        """Made by the first command that asks."""
        from flask_migrate import Migrate

        return Migrate(db=self.db, directory=self.directory, **self.configure_args)


@dataclass(frozen=True)
class Revisions:
    """The newest migrations of this release, and all that it knows."""

    heads: frozenset[str]
    known: frozenset[str]


def read_revisions(folder: Path) -> Revisions:
    """As the migrations in ``folder`` name themselves and those before them; none of them is run."""
    known: set[str] = set()
    followed: set[str] = set()
    for path in (folder / "versions").glob("*.py"):
        names = _names(path)
        if "revision" not in names:
            continue
        known.add(names["revision"])
        before = names.get("down_revision")
        followed.update((before,) if isinstance(before, str) else before or ())
    return Revisions(frozenset(known - followed), frozenset(known))


def _names(path: Path) -> dict[str, Any]:
    """What is assigned to ``revision`` and ``down_revision``: a name, several, or None."""
    found: dict[str, Any] = {}
    for statement in ast.parse(path.read_bytes()).body:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and target.id in _NAMED and statement.value is not None:
                found[target.id] = ast.literal_eval(statement.value)
    return found
