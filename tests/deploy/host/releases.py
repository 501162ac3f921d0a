"""Other releases than the present one, made from its tar: a newer one, and one that does not work."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from alembic.script import ScriptDirectory

from tests.deploy.host.playbooks import PROGRAMS
from tests.serving import ROOT

NEW_VERSION = "9.9.9"
MIGRATION = '''"""Make a table that the release before knows nothing of."""

from alembic import op
import sqlalchemy as sa

revision = "deploytest"
down_revision = {head!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("deploy_test", sa.Column("id", sa.Integer(), primary_key=True))
'''
BROKEN = """

def post_fork(server, worker):
    raise RuntimeError("broken on purpose")
"""
BROKEN_BEHIND_NGINX = """

def pre_request(worker, request):
    if any(name == "X-FORWARDED-FOR" for name, _ in request.headers):
        raise RuntimeError("broken on purpose")
"""


def present(folder: Path) -> Path:
    """The release of this checkout."""
    command: list[str | Path] = [
        PROGRAMS / "python",
        ROOT / "ansible" / "build_release.py",
        "--output",
        folder,
    ]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Path(done.stdout.splitlines()[-1])


def _variant(release: Path, name: str, change: Callable[[Path], None]) -> Path:
    with tempfile.TemporaryDirectory(dir=release.parent) as made:
        folder = Path(made)
        shutil.unpack_archive(release, folder)
        change(folder)
        target = release.parent / f"ecatalog-{name}.tar"
        with tarfile.open(target, "w") as archive:
            for path in sorted(folder.iterdir()):
                archive.add(path, path.name)
    return target


def newer(release: Path) -> Path:
    """With a version and a migration of its own."""

    def change(folder: Path) -> None:
        wheel = next(folder.glob("ecatalog-*.whl"))
        with zipfile.ZipFile(wheel) as old:
            files = {name: old.read(name) for name in old.namelist()}
        text = files["ecatalog/__init__.py"].decode()
        files["ecatalog/__init__.py"] = re.sub(
            r'__version__ = ".+"', f'__version__ = "{NEW_VERSION}"', text
        ).encode()
        head = ScriptDirectory(str(ROOT / "migrations")).get_current_head()
        files["ecatalog/migrations/versions/deploytest.py"] = MIGRATION.format(head=head).encode()
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as new:
            for name, content in files.items():
                new.writestr(name, content)

    return _variant(release, f"{NEW_VERSION}-newer", change)


def broken(release: Path) -> Path:
    """Its commands run, but none of its workers does."""
    return _with_settings(release, "9.9.8-broken", BROKEN)


def broken_behind_nginx(release: Path) -> Path:
    """It answers on its own host, but nobody whose address nginx passes on."""
    return _with_settings(release, "9.9.7-broken", BROKEN_BEHIND_NGINX)


def _with_settings(release: Path, name: str, more: str) -> Path:
    def change(folder: Path) -> None:
        settings = folder / "gunicorn.conf.py"
        settings.write_text(settings.read_text() + more)

    return _variant(release, name, change)
