"""``flask static collect``: the files of the documentation pages, for the web server in front."""

from __future__ import annotations

from pathlib import Path

import click

from ecatalog.cli.output import Commands
from ecatalog.ops import docs_assets, static_files

static_cli = Commands("static", help="Files that the web server in front serves.")


@static_cli.command("collect")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def collect(folder: Path) -> None:
    """Write the files that are found under STATIC_URL into FOLDER.

    Their names carry a digest of their content: serve them to be kept for ever. Files of other releases that
    are there stay, since pages may still name them. Run again, it writes what is missing.
    """
    made = static_files.collect(folder)
    click.echo(f"Wrote {len(made)} files to {folder / docs_assets.digest()}.")
