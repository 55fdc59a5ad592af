"""`digest replay`: what would have been sent, day by day, from the stored papers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from digest.cli import output
from digest.cli.cli_dependencies import Dependencies
from digest.services.runs import daily_run
from digest.services.runs import replay as replay_service

Date = Annotated[datetime, output.date_option("The first date.", "--from")]
LastDate = Annotated[datetime, output.date_option("The last date.", "--to")]


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the command."""

    @app.command()
    @output.report_errors
    def replay(
        first: Date,
        last: LastDate,
        only: Annotated[str | None, typer.Option(help="Only this subscriber.", metavar="ADDRESS")] = None,
        json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """Show what would have been sent, day by day. Uses the stored papers; nothing is stored or sent."""
        days = replay_service.replay(first.date(), last.date(), only=daily_run.subscriber_id_of(only))
        if json:
            output.emit_json({"days": [day.to_json() for day in days]})
            return
        columns = ["date", "e-mails", "nothing new", "papers"]
        output.print_table(
            columns, [(day.date, day.mails, day.skipped, day.papers) for day in days], right_aligned=columns[1:]
        )
