"""``flask checklist``: the production checklist, every point of it looked at live."""

from __future__ import annotations

from collections import Counter

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from rich import box
from rich.table import Table
from rich.text import Text

from ecatalog.checklist.context import DEFAULT_PORTS, Context
from ecatalog.checklist.registry import SECTIONS, Result, Status, run_all
from ecatalog.cli.output import console, print_json, printable
from ecatalog.config import current_settings

COLOURS = {Status.GOOD: "green", Status.BAD: "bold red", Status.NOTE: "yellow"}


@click.command("checklist")
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone, for scripts.")
@click.option(
    "--only", "sections", multiple=True, metavar="SECTION", help="Check this section; may be repeated."
)
@click.option(
    "--port",
    "ports",
    multiple=True,
    type=click.IntRange(1, 65_535),
    help=f"A port that may listen publicly, instead of {', '.join(map(str, DEFAULT_PORTS))}.",
)
@click.option("--http-port", type=int, default=80, show_default=True, help="Where HTTP leads to HTTPS.")
@click.option(
    "--patience",
    type=click.FloatRange(0, 3600),
    default=0,
    show_default=True,
    metavar="SECONDS",
    help="Look again for so long at what is bad: services may still be starting.",
)
@with_appcontext
def checklist(
    as_json: bool, sections: tuple[str, ...], ports: tuple[int, ...], http_port: int, patience: float
) -> None:
    """Look at everything that production needs: ✓ is well, ✗ must be mended, ! is worth a look.

    The service is asked over PUBLIC_URL, as its clients ask it. A user is made for the length of the checks,
    and a file among the media; both are gone afterwards. Some points are seen by root alone. Exit code 1 on
    any ✗.
    """
    unknown = sorted(set(sections) - set(SECTIONS))
    if unknown:
        raise click.BadParameter(f"choose among {', '.join(SECTIONS)}.", param_hint="--only")
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    context = Context(app, current_settings(), ports or DEFAULT_PORTS, http_port)
    results = run_all(context, sections, patience)
    if as_json:
        print_json([result.as_dict() for result in results])
    else:
        _show(results)
    if any(result.finding.status is Status.BAD for result in results):
        raise click.exceptions.Exit(1)


def _show(results: list[Result]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("", "section", "check", "seen", "cure"):
        table.add_column(title, overflow="fold")
    for result in results:
        finding = result.finding
        mark = Text(finding.status.value, style=COLOURS[finding.status])
        cells = (result.section, result.name, finding.seen, finding.cure)
        table.add_row(mark, *(Text(printable(cell)) for cell in cells))
    console().print(table)
    counts = Counter(result.finding.status for result in results)
    click.echo(", ".join(f"{counts[status]} {status.value}" for status in Status))
