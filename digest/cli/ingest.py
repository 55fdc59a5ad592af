"""`digest ingest`: store what a source gave."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from digest.cli import output
from digest.cli.outside import Outside
from digest.services import sources

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
        if json:
            output.emit(asdict(counts))
            return
        output.say(
            f"{counts.new} new, {counts.updated} updated, {counts.unchanged} unchanged"
            + (f", {counts.bad} refused (kept in rejects with their reasons)" if counts.bad else "")
        )
