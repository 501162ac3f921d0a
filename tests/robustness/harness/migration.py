"""A migration that does what migrations of a table in use do: a column, and an index beside the writers."""

from __future__ import annotations

import shutil
from pathlib import Path
from textwrap import dedent

from tests.serving import ROOT

REVISION = "9999_robustness"


def add_migration(folder: Path) -> None:
    """A copy of the project's migrations with one more: a column and an index on a table that is in use."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "migrations", folder)
    known = {path.stem for path in (folder / "versions").glob("*.py")}
    text = "".join(path.read_text() for path in (folder / "versions").glob("*.py"))
    heads = [name for name in known if f'down_revision = "{_revision(folder, name)}"' not in text]
    (folder / "versions" / f"{REVISION}.py").write_text(
        dedent(
            f'''\
            import sqlalchemy as sa
            from alembic import op

            revision = "{REVISION}"
            down_revision = "{_revision(folder, heads[0])}"


            def upgrade() -> None:
                op.add_column("nomenklatura", sa.Column("robustness", sa.String(10)))
                with op.get_context().autocommit_block():
                    op.create_index("ix_robustness", "nomenklatura", ["robustness"],
                                    postgresql_concurrently=True)
            '''
        )
    )


def _revision(folder: Path, name: str) -> str:
    for line in (folder / "versions" / f"{name}.py").read_text().splitlines():
        if line.startswith("revision"):
            return line.partition("=")[2].strip().strip('"')
    raise ValueError(f"{name} has no revision")
