"""`digest ingest`: store what a source gave."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from digest.cli import output
from digest.cli.outside import Outside
from digest.services import sources
from digest.services.ingest import Counts

Day = Annotated[
    datetime | None,
    typer.Option("--date", formats=["%Y-%m-%d"], help="The announcement these papers belong to, if they don't say."),
]


def register(app: typer.Typer, outside: Outside) -> None:
    """Add the command."""

    @app.command()
    @output.guarded
    def ingest(
        source: Annotated[str, typer.Argument(help="seeds, jsonl or arxiv-rss.")],
        file: Annotated[list[Path] | None, typer.Option(help="A saved answer (.gz and .xz are unpacked).")] = None,
        date: Day = None,
        json: Annotated[bool, typer.Option("--json", help="Counts as one JSON object.")] = False,
    ) -> None:
        """Store papers of a source; again changes nothing."""
        day = date.date() if date else None
        counts = sources.ingest_files(source, file or [], seeds=outside.seeds, day=day)
        _tell(counts, json=json)
        if counts.bad and not (counts.new or counts.updated or counts.unchanged):
            raise typer.Exit(output.FAILED)


def _tell(counts: Counts, *, json: bool) -> None:
    """The counts; refused pieces on standard error, the first few with their reasons."""
    for bad in counts.refused:
        typer.echo(f"refused: no. {bad.position}: {bad.reason}", err=True)
    if counts.bad > len(counts.refused):
        typer.echo(f"refused: {counts.bad - len(counts.refused)} more, kept in rejects with their reasons", err=True)
    if json:
        output.emit(counts.to_json())
        return
    told = f"{counts.new} new, {counts.updated} updated, {counts.unchanged} unchanged"
    output.say(told + (f", {counts.bad} refused" if counts.bad else ""))
