"""`digest ingest`: fetch papers from a source, or import saved responses."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from digest.cli import exit_codes, output
from digest.cli.cli_dependencies import Dependencies
from digest.errors import BadInput, Refused, SourceDown
from digest.services.admin import configuration
from digest.services.ingestion import catch_up, fetch_schedule, import_files
from digest.services.ingestion.catch_up import IngestResult
from digest.services.ingestion.import_document import IngestCounts
from digest.services.search import search_indexing
from digest.sources import registry
from digest.text.plain_text import one_line

INDEXING_SECONDS = 60.0  # what is left is indexed by a worker

Day = Annotated[
    datetime | None,
    output.date_option("Announcement date of saved papers that have none.", "--date"),
]


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the command."""

    @app.command()
    @output.report_errors
    def ingest(
        source: Annotated[
            str | None,
            typer.Argument(
                metavar="SOURCE",
                help=f"{', '.join(registry.SOURCES)}; for files also {', '.join(import_files.FILE_FORMATS)}. "
                "Default: all enabled sources that are due.",
                show_default=False,
            ),
        ] = None,
        first: Annotated[datetime | None, output.date_option("The first day to fetch.", "--from")] = None,
        last: Annotated[datetime | None, output.date_option("The last day to fetch. Default: today.", "--to")] = None,
        file: Annotated[
            list[Path] | None, typer.Option(metavar="FILE", help="A saved response; .gz and .xz are read.")
        ] = None,
        date: Day = None,
        json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    ) -> None:
        """Fetch papers, from all sources or one: what is due, or given days. Repeating it changes nothing."""
        configuration.require_valid()
        if source is None:
            if file or first or last or date:
                raise BadInput("source: name one; --file, --from, --to and --date belong to one source", field="source")
            _ingest_due_sources(json=json)
        elif file or source in import_files.FILE_FORMATS:
            if first or last:
                raise BadInput("--from and --to can't be used with files", field="from")
            day = date.date() if date else None
            _finish(import_files.ingest_files(source, file or [], seeds=dependencies.seeds, day=day), "", json=json)
        else:
            days = first.date() if first else None, last.date() if last else None
            with output.progress_bar(quiet=json) as progress:
                result = catch_up.ingest(source, first=days[0], last=days[1], progress=progress)
            _finish(result.counts, _incomplete_text(result), json=json)


def _finish(counts: IngestCounts, suffix: str, *, json: bool) -> None:
    """Index the papers and print the counts. Raises Exit where everything was refused."""
    if counts.new or counts.updated:
        search_indexing.index_papers(seconds=INDEXING_SECONDS)
    _print_counts(counts, suffix, json=json)
    if counts.bad and not (counts.new or counts.updated or counts.unchanged):
        raise typer.Exit(exit_codes.EXIT_FAILED)


def _ingest_due_sources(*, json: bool) -> None:
    """Fetch the enabled sources that are due, one after the other; a failure costs only a source's own papers."""
    due_sources = fetch_schedule.due_sources()
    fetched: list[IngestCounts] = []
    for source in due_sources:
        try:
            with output.progress_bar(quiet=json) as progress:
                result = catch_up.ingest(source, progress=progress)
        except (SourceDown, Refused) as error:
            typer.echo(f"{source}: {one_line(str(error))}", err=True)
            continue
        fetched.append(result.counts)
        if not json:
            _print_counts(result.counts, _incomplete_text(result), json=False, label=f"{source}: ")
    if any(counts.new or counts.updated for counts in fetched):
        search_indexing.index_papers(seconds=INDEXING_SECONDS)
    if json:
        output.emit_json([counts.to_json() for counts in fetched])
    elif not due_sources:
        output.print_line(_next_fetch_text())
    if len(fetched) < len(due_sources):
        raise typer.Exit(exit_codes.EXIT_FAILED)


def _next_fetch_text() -> str:
    """That no source is due, and which one will be next."""
    next_fetches = fetch_schedule.next_fetches()
    if not next_fetches:
        return "no source is enabled and running"
    source = min(next_fetches, key=next_fetches.__getitem__)
    return f"no source is due; the next one is {source} at {next_fetches[source]:%Y-%m-%d %H:%M} UTC"


def _incomplete_text(result: IngestResult) -> str:
    return f"; {result.outcome}: {result.detail}" if result.outcome else ""


def _print_counts(counts: IngestCounts, suffix: str, *, json: bool, label: str = "") -> None:
    """Print the counts. Refused documents go to standard error, the first few with their reasons."""
    for refused_document in counts.rejected_items:
        typer.echo(f"refused: no. {refused_document.position}: {one_line(refused_document.reason)}", err=True)
    if counts.bad > len(counts.rejected_items):
        typer.echo(
            f"refused: {counts.bad - len(counts.rejected_items)} more, kept in rejects with their reasons", err=True
        )
    if json:
        output.emit_json(counts.to_json())
        return
    refused = f", {counts.bad} refused" if counts.bad else ""
    figures = f"{counts.new} new, {counts.updated} updated, {counts.unchanged} unchanged"
    output.print_line(f"{label}{figures}{refused}{output.plain_text(suffix)}")
