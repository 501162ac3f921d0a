"""What the commands share: tables and JSON on stdout, messages on stderr, errors in one line.

Every group of commands is a :class:`Commands`: what none of them can help ends them without a trace.
"""

from __future__ import annotations

import io
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import click
import orjson
from flask.cli import AppGroup
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ecatalog.errors import ApiError

# In a pipe nothing needs folding, and a program that reads lines is better off without.
PIPE_COLUMNS = 10_000
PIPE = "-"  # in place of a file's name


class Commands(AppGroup):
    """A group of commands, each of which ends with exit code 1 and a line where others show a trace.

    That is: the database is away or refuses, and nobody takes the output (a full disk, a closed pipe).
    """

    def invoke(self, ctx: click.Context) -> Any:
        with _written_output(), plain_errors():
            return super().invoke(ctx)


@contextmanager
def _written_output() -> Iterator[None]:
    if isinstance(sys.stdout, io.TextIOWrapper):  # it can be told to know ASCII alone: spell out the rest
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:  # as "| head" does: it has seen enough
        _drop_output()
        raise click.exceptions.Exit(1) from None
    except OSError as error:
        _drop_output()
        place = error.filename or "the output"
        raise click.ClickException(f"Cannot read or write {place}: {error.strerror or error}.") from error


def _drop_output() -> None:
    """What could not be written must not be tried again when Python ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def console() -> Console:
    """Standard output as it is now: colours on a terminal, plain text in a pipe."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_COLUMNS
    return Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)


def messages() -> Console:
    """Standard error, for what is not the answer: progress, warnings, hints."""
    return Console(file=sys.stderr, markup=False, highlight=False, emoji=False)


def print_json(value: Any) -> None:
    """UTF-8 JSON and nothing else; dates and decimals must be text already."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[str] = ()
) -> None:
    """A table; columns in ``numbers`` stand to the right. Long values are folded, never cut."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in numbers else "left")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console().print(table)


def printable(value: object) -> str:
    """A value as a person reads it.

    Control characters are spelled out: text from the catalogue must not be able to steer the terminal.
    """
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = orjson.dumps(value).decode() if isinstance(value, (dict, list)) else str(value)
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    # Cc: control characters; Cf: among them those that turn the direction of writing; Zl, Zp: ends of lines.
    if character != "\n" and unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp"):
        return character.encode("unicode_escape").decode()
    return character


@contextmanager
def plain_errors() -> Iterator[None]:
    """Errors that a command must expect end it with exit code 1 and a message, not with a trace."""
    try:
        yield
    except ApiError as error:
        raise click.ClickException(str(error.body.get("detail", error.body))) from error
    except DBAPIError as error:
        cause = (str(error.orig).strip().splitlines() or [type(error).__name__])[0]
        raise click.ClickException(
            f'The database refused: {cause}. Is it up, and has "flask db upgrade" been run?'
        ) from error
    except PoolTimeoutError as error:
        raise click.ClickException("The database has no connection left.") from error


@contextmanager
def target_file(file: str) -> Iterator[IO[bytes]]:
    """The file, which is there under its name only when it is whole; or the pipe."""
    if file == PIPE:
        yield sys.stdout.buffer
        return
    path = Path(file)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as target:
            yield target
        part.replace(path)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
