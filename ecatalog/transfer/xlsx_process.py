"""The process that reads a workbook for us, and what it costs it to be hostile."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from ecatalog.transfer.rows import SourceError

CHILD = Path(__file__).with_name("xlsx_child.py")
BLOCK_BYTES = 256 * 1024
MAX_ROW_BYTES = 4 * 1024 * 1024
MAX_MESSAGE_BYTES = 4 * MAX_ROW_BYTES * 21  # the first rows of a sheet come in one message
MAX_CELL_CHARACTERS = 200_000
OLE = b"\xd0\xcf\x11\xe0"

SheetRow = tuple[int, list[Any]]


@dataclass(frozen=True)
class Limits:
    """What reading a workbook may cost.

    memory_bytes    address space on top of the bare interpreter's. calamine holds one sheet at a time, some
                    80 bytes a cell: 1 GiB is 300,000 rows of 40 columns, more than fits into an upload, and
                    two imports at once still leave room on a server of 4 GB
    cpu_seconds     processor time in all
    silent_seconds  time on the clock in which it has to say something
    unpacked_bytes  what the archive may unpack to, as declared and as found
    """

    memory_bytes: int = 1024**3
    cpu_seconds: int = 120
    silent_seconds: float = 150.0
    unpacked_bytes: int = 2 * 1024**3


# For files that an operator names on the command line: a million rows of all columns.
GENEROUS = Limits(8 * 1024**3, 3600, 3600.0, 32 * 1024**3)

TOO_BIG = (
    "The workbook takes too much memory to read. Is there a cell far away from the table? "
    "Delete the empty rows and columns around it, or split it into several files."
)
MESSAGES = {
    "memory": TOO_BIG,
    "bomb": "The workbook unpacks to far more than a workbook may.",
    "time": "The workbook takes too long to read.",
    "encrypted": "The workbook is encrypted. Save it without a password.",
    "damaged": "The file is not a whole .xlsx workbook: it is damaged or cut off.",
    "not_xlsx": "The file is not an .xlsx workbook.",
    "errors": "The workbook holds more than 100,000 cells with errors such as #N/A.",
}


def check_kind(path: Path) -> None:
    """Refuse by its first bytes what is no .xlsx at all."""
    with path.open("rb") as stream:
        start = stream.read(4)
    if start == OLE:
        raise SourceError(
            "The workbook is encrypted, or an old .xls workbook. Save it as .xlsx without a password."
        )
    if not start.startswith(b"PK"):
        raise SourceError(MESSAGES["not_xlsx"] if start else "The file is empty.")


@dataclass
class Sheet:
    """A sheet that the process offers: its name, its height, its first rows that hold anything."""

    name: str
    rows: int
    first: list[SheetRow]


class WorkbookProcess:
    """Reads a workbook in a process of its own: ``with WorkbookProcess(path, limits) as workbook``.

    Go through :meth:`sheets`; for each one call :meth:`rows_behind` and exhaust it, or do not call it. Rows
    come as they are asked for. Raises SourceError. Leaving the block ends the process.
    """

    def __init__(self, path: Path, limits: Limits = Limits(), first: Sequence[str] = ()) -> None:
        check_kind(path)
        self._limits = limits
        # A whole new interpreter: it shares no memory, no connection and no setting with this one.
        kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ}
        self._process = subprocess.Popen(  # noqa: S603  # our own script
            [sys.executable, "-I", str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=kept | {"LC_ALL": "C.UTF-8"},
        )
        self._held = bytearray()
        self._selector = selectors.DefaultSelector()
        assert self._process.stdout is not None
        self._output = self._process.stdout.fileno()
        self._selector.register(self._output, selectors.EVENT_READ)
        self._say(
            {
                "path": str(path.absolute()),
                "first": list(first),
                "memory_bytes": limits.memory_bytes,
                "cpu_seconds": limits.cpu_seconds,
                "unpacked_bytes": limits.unpacked_bytes,
                "cell_characters": MAX_CELL_CHARACTERS,
                "row_bytes": MAX_ROW_BYTES,
            }
        )
        self._next: dict[str, Any] | None = None
        self._waits = False  # for what to do with the sheet it has offered

    def __enter__(self) -> WorkbookProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._process.wait()

    def sheets(self) -> Iterator[Sheet]:
        """The visible sheets: those named ``first``, then the others in the workbook's order."""
        while True:
            if self._waits:
                self._waits = False
                self._say(None)
            message = self._next or self._message()
            self._next = None
            if not isinstance(message, dict):
                raise SourceError(MESSAGES["damaged"])
            if message.get("end"):
                return
            self._waits = True
            yield Sheet(message["sheet"], message["rows"], [(n, cells) for n, cells in message["first"]])

    def rows_behind(self, number: int, columns: Sequence[int] | None = None) -> Iterator[SheetRow]:
        """The present sheet's rows behind row ``number`` that hold anything; of these columns, or of all."""
        self._waits = False
        self._say([number, columns])
        while isinstance(message := self._message(), list):
            yield from message
        self._next = message

    def _say(self, value: Any) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # reading tells why it is gone
            self._process.stdin.write(orjson.dumps(value) + b"\n")
            self._process.stdin.flush()

    def _message(self) -> Any:
        message = orjson.loads(self._line())
        if isinstance(message, dict) and "failed" in message:
            raise SourceError(MESSAGES.get(str(message["failed"]), MESSAGES["damaged"]))
        return message

    def _line(self) -> bytes:
        deadline = time.monotonic() + self._limits.silent_seconds
        searched = 0
        while (end := self._held.find(b"\n", searched)) < 0:
            searched = len(self._held)
            if searched > MAX_MESSAGE_BYTES:
                raise SourceError(TOO_BIG)
            if not self._selector.select(max(deadline - time.monotonic(), 0)):
                raise SourceError(MESSAGES["time"])
            block = os.read(self._output, BLOCK_BYTES)
            if not block:
                raise self._death()
            self._held += block
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        return line

    def _death(self) -> SourceError:
        """Why the process is gone without a word."""
        code = self._process.wait()
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            return SourceError(MESSAGES["time"])
        # Rust ends the process when it gets no memory.
        return SourceError(TOO_BIG if code in (-signal.SIGABRT, -signal.SIGSEGV) else MESSAGES["damaged"])
