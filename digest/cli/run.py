"""`digest run`: select, queue and deliver the editions that are due."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from digest.cli import output
from digest.cli.outside import Dependencies
from digest.db.core import schema_migration
from digest.services.admin import configuration
from digest.services.runs import daily_run


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the command."""

    @app.command()
    @output.report_errors
    def run(
        date: Annotated[datetime | None, output.date_option("Each subscriber's send time on this date.")] = None,
        only: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Only this subscriber.")] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Select papers; store and send nothing.")] = False,
        inline: Annotated[bool, typer.Option("--inline", help="In this process, without Redis and workers.")] = False,
        wait: Annotated[bool, typer.Option("--wait", help="Wait until the workers have sent everything.")] = False,
        json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    ) -> None:
        """Select, queue and deliver the editions that are due. Repeating it sends nothing twice."""
        configuration.require_valid()
        schema_migration.require_newest()
        date_of_run = date.date() if date else None
        if dry_run:
            result = daily_run.dry_run(date_of_run, only=only)
        elif inline:
            result = daily_run.run_inline(date_of_run, only=only)
        else:
            result = daily_run.run_queued(date_of_run, only=only, enqueue=dependencies.enqueue(), wait=wait)
        if json:
            output.emit_json(result.to_json())
        elif dry_run:
            output.print_line(f"dry run, nothing is stored or sent: {result.to_line()}")
        else:
            output.print_line(result.to_line() if inline or wait else f"handed to the workers: {result.to_line()}")
