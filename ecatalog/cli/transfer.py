"""``flask catalog import | export | clean``: many rows in and out of files, with progress on stderr."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
from marshmallow import ValidationError

from ecatalog.catalog import query
from ecatalog.catalog.bulk import Mode, Outcome
from ecatalog.catalog.resource import Resource
from ecatalog.catalog.service import Origin
from ecatalog.cli.catalog import catalog_cli
from ecatalog.cli.output import PIPE, messages, plain_errors, target_file
from ecatalog.cli.resources import choose_resource
from ecatalog.cli.transfer_output import progress_bar, stoppable, tell
from ecatalog.errors import ApiError, flatten_messages
from ecatalog.transfer import export, idempotency_records, pipeline
from ecatalog.transfer.csv_source import csv_rows
from ecatalog.transfer.export import Format
from ecatalog.transfer.json_source import json_file_rows
from ecatalog.transfer.ndjson import ndjson_rows
from ecatalog.transfer.parameters import import_parameters, options_of
from ecatalog.transfer.pipeline import InterruptedImport, OnError
from ecatalog.transfer.report import Report, sentence
from ecatalog.transfer.rows import Rows, SourceError, SourceInfo, SourceRow
from ecatalog.transfer.xlsx_process import GENEROUS
from ecatalog.transfer.xlsx_source import xlsx_rows

ORIGIN = Origin(source="cli")

_format_option = click.option(
    "--format",
    "form",
    type=click.Choice(list(map(str, Format))),
    help="The form of the file; by default its ending tells. Needed with a pipe.",
)


@catalog_cli.command("import")
@click.argument("resource_name", metavar="RESOURCE")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@_format_option
@click.option("--mode", type=click.Choice(list(map(str, Mode))), default="upsert", show_default=True)
@click.option(
    "--on-error",
    type=click.Choice(list(map(str, OnError))),
    default="skip",
    show_default=True,
    help="skip: good rows go in. reject: one bad row and nothing is written.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing; tell what would be written.")
@click.option("--project", metavar="CODE", help="The code of the project of rows that name none.")
@click.option("--project-id", metavar="ID", type=int, help="The id of that project.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON alone, for scripts.")
def import_rows(
    resource_name: str,
    file: str,
    form: str | None,
    as_json: bool,
    **parameters: Any,
) -> None:
    """Import rows of RESOURCE from FILE: .json, .ndjson, .xlsx or .csv, or - for a pipe.

    Exit code 1 when rows failed. Ctrl-C stops between two chunks and says what is in.
    """
    resource = choose_resource(resource_name)
    chosen = _format_of(file, form)
    given = {name: value for name, value in parameters.items() if value is not None}
    _check_parent_options(resource, given)
    with plain_errors(), ExitStack() as stack:
        options = options_of(resource, import_parameters(resource)().load(given))
        info = SourceInfo()
        source = _source(stack, resource, file, chosen, info)
        stop = stack.enter_context(stoppable())
        progress = stack.enter_context(progress_bar())
        task = progress.add_task(f"Importing {resource.name}", total=None)
        rows = stop.watched(source)

        def watch(_row: SourceRow, _outcome: Outcome) -> None:
            progress.update(task, advance=1, total=info.total_rows)
            if options.at_once:
                stop.check()

        report = _run(resource, rows, options, watch)
        progress.update(task, total=report.rows)
    tell(report, info, as_json=as_json)
    if report.failed or report.rejected:
        raise click.exceptions.Exit(1)


@catalog_cli.command("export")
@click.argument("resource_name", metavar="RESOURCE")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@_format_option
@click.option(
    "--filter",
    "filters",
    metavar="NAME=VALUE",
    multiple=True,
    help="A filter of the list, such as project=P1, search=чай or ordering=name. May be repeated.",
)
def export_rows(resource_name: str, file: str, form: str | None, filters: tuple[str, ...]) -> None:
    """Export rows of RESOURCE to FILE: .json, .ndjson, .xlsx or .csv, or - for a pipe."""
    resource = choose_resource(resource_name)
    chosen = Format(_format_of(file, form))
    values = _filter_values(resource, filters)
    with plain_errors(), ExitStack() as stack:
        statement = export.selection(resource, values)
        total = export.count(resource, values)
        progress = stack.enter_context(progress_bar())
        task = progress.add_task(f"Exporting {resource.name}", total=total)
        source = export.rows(resource, statement, chosen)
        stack.callback(source.close)
        target = stack.enter_context(target_file(file))
        export.write_file(resource, progress.track(source, task_id=task), chosen, target)
        count = int(progress.tasks[0].completed)
    messages().print(f"{count} rows of {resource.name} exported.")


@catalog_cli.command("clean")
def clean() -> None:
    """Delete the stored answers of keyed imports that have expired; run it daily."""
    with plain_errors():
        count = idempotency_records.clean_all()
    click.echo(f"Deleted {count} expired answers of imports.")


def _format_of(file: str, form: str | None) -> Format:
    ending = Path(file).suffix.lower().removeprefix(".")
    if form is None and file != PIPE and ending in set(Format):
        return Format(ending)
    if form is None:
        raise click.UsageError(f"Say what the file is: --format {'|'.join(Format)}.")
    return Format(form)


def _check_parent_options(resource: Resource, given: dict[str, Any]) -> None:
    for name in ("project", "project_id"):
        if name in given and (resource.parent is None or name not in import_parameters(resource)().fields):
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"Rows of {resource.name} belong to no project: leave {option} out.")


def _filter_values(resource: Resource, filters: tuple[str, ...]) -> dict[str, Any]:
    schema = query.filter_schema(resource)()
    given: dict[str, str] = {}
    for text in filters:
        name, separator, value = text.partition("=")
        if not separator or name not in schema.fields:
            names = ", ".join(sorted(schema.fields))
            raise click.UsageError(
                f'"{text}" is no filter of {resource.name}. Write NAME=VALUE; names: {names}.'
            )
        given[name] = value
    try:
        values: dict[str, Any] = schema.load(given)
        query.parse_ordering(resource, values.get("ordering"))
    except ValidationError as error:
        raise click.UsageError(sentence(flatten_messages(error.messages))) from error
    except ApiError as error:
        raise click.UsageError(sentence(error.body)) from error
    return values


def _source(stack: ExitStack, resource: Resource, file: str, form: Format, info: SourceInfo) -> Rows:
    if form is Format.NDJSON:
        if file == PIPE:
            return ndjson_rows(sys.stdin.buffer)
        return ndjson_rows(stack.enter_context(Path(file).open("rb")))
    path = _local_copy(stack) if file == PIPE else Path(file)
    if form is Format.JSON:
        return json_file_rows(path)
    if form is Format.CSV:
        return csv_rows(path, resource, info)
    return xlsx_rows(path, resource, info, GENEROUS)


def _local_copy(stack: ExitStack) -> Path:
    """What comes through the pipe as a file: it has to be read twice, or from its end."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ecatalog-import-")))
    with (folder / "pipe").open("wb") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
    return folder / "pipe"


def _run(resource: Resource, rows: Rows, options: pipeline.Options, watch: pipeline.Watcher) -> Report:
    try:
        return pipeline.run(resource, rows, options, ORIGIN, watch)
    except InterruptedImport as interrupted:
        report, cause = interrupted.report, interrupted.cause
        told = f"{report.written} rows are in ({report.created} created, {report.updated} updated)."
        if isinstance(cause, KeyboardInterrupt):
            raise click.ClickException(f"Stopped. {told} The same import again goes on.") from cause
        if isinstance(cause, SourceError):
            raise click.ClickException(f"{cause} {told}") from cause
        messages().print(told)
        raise cause from interrupted
