"""Other programs as ends of a stream of bytes: each failure is an error, and nothing half done stays."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

BLOCK_BYTES = 1024 * 1024
_PATIENCE_SECONDS = 20  # for a program that was told to stop


class BackupError(Exception):
    """What stopped a backup or a restore, in a sentence that may be shown and sent on."""


@contextmanager
def _started(
    command: Sequence[str], environment: Mapping[str, str], *, reads: bool = False
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """The running program and the file of its complaints; it is stopped if the block raises."""
    with tempfile.TemporaryFile(prefix="ecatalog-backup-") as complaints:
        try:
            process = subprocess.Popen(  # noqa: S603  # our own commands, and no shell
                command,
                stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
                stdout=complaints if reads else subprocess.PIPE,
                stderr=complaints,
                env={**os.environ, **environment},
                start_new_session=True,  # Ctrl-C reaches us alone, and we stop it in order
            )
        except OSError as error:
            raise BackupError(f"{command[0]} cannot be run ({error.strerror}); is it installed?") from error
        try:
            yield process, complaints
        except BaseException:
            _stop(process)
            raise
        finally:
            for end in (process.stdin, process.stdout):
                if end is not None:
                    with suppress(OSError):
                        end.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """By SIGINT, upon which restic and PostgreSQL's programs undo what they began."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _finish(process: subprocess.Popen[bytes], command: Sequence[str], complaints: IO[bytes]) -> str:
    """Wait for the end; returns what it wrote beside its output. Raises BackupError when it failed."""
    status = process.wait()
    complaints.seek(0)
    text = complaints.read().decode(errors="replace").strip()
    if status != 0:
        last = " ".join(" ".join(text.splitlines()[-3:]).split())[-500:]
        name = Path(command[0]).name
        raise BackupError(f"{name} failed with status {status}: {last or 'no message'}")
    return text


def output(command: Sequence[str], environment: Mapping[str, str]) -> bytes:
    """All that the program writes. Raises BackupError."""
    return b"".join(stream(command, environment))


def stream(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[bytes]:
    """What the program writes, block by block; at the end raises BackupError when it failed."""
    with _started(command, environment) as (process, complaints):
        assert process.stdout is not None
        while block := process.stdout.read(BLOCK_BYTES):
            yield block
        _finish(process, command, complaints)


def feed(command: Sequence[str], environment: Mapping[str, str], blocks: Iterable[bytes]) -> str:
    """Give ``blocks`` to the program; returns what it wrote.

    When ``blocks`` raises, the program is stopped before it could take what it has for the whole.
    """
    with _started(command, environment, reads=True) as (process, complaints):
        assert process.stdin is not None
        try:
            for block in blocks:
                process.stdin.write(block)
            process.stdin.close()
        except BrokenPipeError:  # it has ended by itself: its own words say why
            _finish(process, command, complaints)
            raise BackupError(f"{command[0]} ended before it had read everything") from None
        return _finish(process, command, complaints)
