"""``flask catalog reindex``: search texts and indexes made anew, with progress on stderr."""

from __future__ import annotations

import click
import sqlalchemy as sa

from ecatalog.catalog.reindex import reindex
from ecatalog.catalog.resource import Resource
from ecatalog.cli.catalog import catalog_cli
from ecatalog.cli.output import plain_errors, print_json, print_table
from ecatalog.cli.resources import choose_resource, declared_resources
from ecatalog.cli.transfer_output import Stop, progress_bar, stoppable
from ecatalog.extensions import db

COLUMNS = ("resource", "rows", "changed")


@catalog_cli.command("reindex")
@click.argument("resource_names", metavar="[RESOURCE]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone, for scripts.")
def reindex_command(resource_names: tuple[str, ...], as_json: bool) -> None:
    """Make anew what searches stand on, for RESOURCE or for all resources.

    Needed once after an upgrade that says so, and after writes that did not go through the application. The
    service may run meanwhile; what is right already is only read. Broken off, it can be run again.
    """
    names = sorted(set(resource_names) or declared_resources())
    resources = [choose_resource(name) for name in names]
    with plain_errors(), stoppable() as stop:
        found = [_reindex(resource, stop) for resource in resources]
    if as_json:
        print_json(found)
    else:
        cells = [[row["resource"], f"{row['rows']:,}", f"{row['changed']:,}"] for row in found]
        print_table(COLUMNS, cells, numbers=COLUMNS[1:])


def _reindex(resource: Resource, stop: Stop) -> dict[str, str | int]:
    total = db.session.scalar(sa.select(sa.func.count()).select_from(resource.model))
    db.session.close()
    rows = changed = 0
    with progress_bar() as progress:
        task = progress.add_task(resource.name, total=total)
        for looked_at, put_right in reindex(resource):
            rows, changed = rows + looked_at, changed + put_right
            progress.update(task, completed=rows)
            stop.check()
    return {"resource": resource.name, "rows": rows, "changed": changed}
