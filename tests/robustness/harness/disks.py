"""Small disks that can be filled to the last byte: tmpfs mounts, gone with the block."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BLOCK = bytes(256 * 1024)
KEPT_FULL_BYTES = 512  # what is freed under way is taken again in blocks of this size


class NoDiskError(RuntimeError):
    """Disks cannot be mounted here; the message says why."""


@dataclass(frozen=True)
class Disk:
    folder: Path

    def fill(self) -> int:
        """Take every byte that is left; how many they were."""
        taken = 0
        with (self.folder / "filler").open("ab", buffering=0) as file:
            for size in (len(BLOCK), KEPT_FULL_BYTES):
                try:
                    while written := file.write(BLOCK[:size]):
                        taken += written
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
        return taken

    def free(self) -> None:
        (self.folder / "filler").unlink(missing_ok=True)


@contextmanager
def small_disk(megabytes: int) -> Iterator[Disk]:
    """An empty disk. Raises NoDiskError without root."""
    if os.geteuid() != 0:
        raise NoDiskError("mounting a disk needs root")
    with tempfile.TemporaryDirectory(prefix="ecatalog-disk-") as name:
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "ecatalog", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoDiskError(done.stderr.strip())
        try:
            yield Disk(Path(name))
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)
