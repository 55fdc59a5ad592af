"""`digest ingest`: store what a source gave, live or saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from digest.cli import output
from digest.cli.outside import Outside
from digest.errors import BadInput
from digest.services import catchup, live, sources
from digest.services.ingest import Counts

_DAY = ["%Y-%m-%d"]
Day = Annotated[
    datetime | None,
    typer.Option("--date", formats=_DAY, help="The announcement that saved papers belong to, if they don't say."),
]


def register(app: typer.Typer, outside: Outside) -> None:
    """Add the command."""

    @app.command()
    @output.guarded
    def ingest(
        source: Annotated[str, typer.Argument(help=f"{', '.join(live.ALL)}; from files also seeds, jsonl.")],
        first: Annotated[
            datetime | None, typer.Option("--from", formats=_DAY, help="The first day to ask for.")
        ] = None,
        last: Annotated[datetime | None, typer.Option("--to", formats=_DAY, help="The last. Default: today.")] = None,
        file: Annotated[list[Path] | None, typer.Option(help="A saved answer (.gz and .xz are unpacked).")] = None,
        date: Day = None,
        json: Annotated[bool, typer.Option("--json", help="Counts as one JSON object.")] = False,
    ) -> None:
        """Fetch what is due or missing, or the days asked for, and store it; again changes nothing."""
        if file or source in {"seeds", "jsonl"}:
            if first or last:
                raise BadInput("--from and --to are for fetching, not for files", field="from")
            day = date.date() if date else None
            counts, said = sources.ingest_files(source, file or [], seeds=outside.seeds, day=day), ""
        else:
            with _bar(quiet=json) as progress:
                days = first.date() if first else None, last.date() if last else None
                result = catchup.ingest(source, first=days[0], last=days[1], progress=progress)
            counts, said = result.counts, f"; {result.outcome}: {result.detail}" if result.outcome else ""
        if json:
            output.emit(asdict(counts))
        else:
            output.say(_line(counts) + said)


def _line(counts: Counts) -> str:
    refused = f", {counts.bad} refused (kept in rejects with their reasons)" if counts.bad else ""
    return f"{counts.new} new, {counts.updated} updated, {counts.unchanged} unchanged{refused}"


@contextmanager
def _bar(*, quiet: bool) -> Iterator[catchup.Progress]:
    """A bar over the steps, on standard error; nothing where that is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = output.console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as shown:
        task = shown.add_task("", total=None)
        yield lambda done, total, label: shown.update(task, completed=done, total=total, description=label)
