"""Where images are decoded, so that a worker's memory grows by little, whatever is sent.

One image at a time in a process; one that takes much memory goes into a child process with a bound.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from threading import BoundedSemaphore

from ecatalog.errors import ServiceUnavailable
from ecatalog.images.facts import BAD_IMAGE, BadImage, Facts

IN_PROCESS_BYTES = 120 * 1024**2  # what takes more to decode goes into a child
CHILD_SECONDS = 60
WAIT_SECONDS = 60

_turn = BoundedSemaphore()


def render(path: Path, folder: Path) -> Facts:
    """Write the renditions of the file at ``path`` into ``folder``, when it is this image's turn.

    Raises BadImage, OSError, and ServiceUnavailable when others take too long.
    """
    from ecatalog.images.renditions import make_renditions, read_header

    heavy = read_header(path).memory > IN_PROCESS_BYTES
    if not _turn.acquire(timeout=WAIT_SECONDS):
        raise ServiceUnavailable("Too many images are being uploaded, try again later.")
    try:
        return _render_in_child(path, folder) if heavy else make_renditions(path, folder)
    finally:
        _turn.release()


def _render_in_child(path: Path, folder: Path) -> Facts:
    # A new interpreter that knows no setting and no secret of this one.
    environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "ecatalog.images.child", str(path), str(folder)]
    try:
        done = subprocess.run(  # noqa: S603  # our own module; the paths are ours, too
            command, env=environment, capture_output=True, timeout=CHILD_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BadImage("decoding takes too long") from error
    if done.returncode == 0:
        return Facts(**json.loads(done.stdout))
    told = done.stderr.decode(errors="replace").strip()[-500:]
    if done.returncode == BAD_IMAGE or done.returncode < 0:  # a decoder that crashes: the file's doing
        raise BadImage(told or f"signal {-done.returncode}")
    raise OSError(f"the process that decodes images failed: {told}")
