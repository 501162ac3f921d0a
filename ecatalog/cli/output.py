"""What the commands share: tables and JSON on stdout, messages on stderr, errors in one line."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
import orjson
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import DBAPIError

from ecatalog.errors import ApiError

# In a pipe nothing needs folding, and a program that reads lines is better off without.
PIPE_COLUMNS = 10_000


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
    # Cc: control characters; Cf: among them those that turn the direction of writing.
    if character != "\n" and unicodedata.category(character) in ("Cc", "Cf"):
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
