"""Files under STATIC_URL: served from here, or collected into a folder that a web server serves.

Their addresses carry a digest of their content, so that browsers may keep them for ever:
``/static/<digest>/redoc/redoc.css``.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

from flask import Flask, Response

from ecatalog.auth.access import Access, access
from ecatalog.config import Settings, current_settings
from ecatalog.errors import RowNotFound
from ecatalog.ops.docs_assets import ASSETS, MEDIA_TYPES, digest, read_asset

FOR_EVER = "public, max-age=31536000, immutable"


def asset_url(page: str, name: str) -> str:
    """The address of a file of a page."""
    return f"{current_settings().static_url}{digest()}/{page}/{name}"


@access(Access.PUBLIC)
def static(version: str, page: str, name: str) -> Response:
    """A file; where a web server has them collected, nobody asks for it here."""
    if version != digest() or name not in ASSETS[page]:
        raise RowNotFound
    answer = Response(read_asset(page, name), content_type=MEDIA_TYPES[Path(name).suffix])
    answer.headers["Cache-Control"] = FOR_EVER
    return answer


def collect(folder: Path) -> list[Path]:
    """Write all files, each also compressed for ``gzip_static``, as they stand under STATIC_URL.

    What is there already stays: pages of the release before still name it. Returns the new files; raises
    OSError when one cannot be written.
    """
    made = []
    for page, named in ASSETS.items():
        for name in named:
            body = read_asset(page, name)
            path = folder / digest() / page / name
            if not path.exists():
                _write(path.with_name(f"{name}.gz"), gzip.compress(body, mtime=0))
                _write(path, body)
                made.append(path)
    return made


def _write(target: Path, content: bytes) -> None:
    """Whole or not at all; readable by the web server, whatever the umask."""
    for folder in (target.parent.parent, target.parent):
        if not folder.is_dir():
            folder.mkdir(parents=True)
            folder.chmod(0o755)
    new = target.with_name(f".{target.name}.{os.getpid()}")
    new.write_bytes(content)
    new.chmod(0o644)
    new.replace(target)


def init_static(app: Flask, settings: Settings) -> None:
    """Serve the files, unless STATIC_URL is on another host."""
    if settings.static_url.startswith("/"):
        rule = f"{settings.static_url}<version>/<any({','.join(ASSETS)}):page>/<name>"
        app.add_url_rule(rule, "static", static)
