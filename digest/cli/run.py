"""`digest run`: select, queue and deliver the editions that are due."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from digest.cli import output
from digest.cli.cli_dependencies import Dependencies
from digest.db.core import schema_migration
from digest.services.admin import configuration
from digest.services.runs import daily_run, repeats_after_restore
from digest.services.runs.repeats_after_restore import PossibleRepeats

MAX_REPEATS_SHOWN = 50  # --json lists up to `repeats_after_restore.MAX_LISTED`


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
        repeats = repeats_after_restore.possible_repeats() if dry_run else None
        if json:
            output.emit_json(result.to_json() | _repeats_json(repeats))
        elif dry_run:
            output.print_line(f"dry run, nothing is stored or sent: {result.to_line()}")
            _print_repeats(repeats)
        else:
            output.print_line(result.to_line() if inline or wait else f"handed to the workers: {result.to_line()}")


def _repeats_json(repeats: PossibleRepeats | None) -> dict[str, object]:
    if repeats is None:
        return {}
    rows = [{"address": row.address, "reason": row.reason} for row in repeats.rows]
    return {"backup_at": repeats.backup_at.isoformat(), "perhaps_again": rows}


def _print_repeats(repeats: PossibleRepeats | None) -> None:
    """After a restore: who may get a mail again that went out after the backup."""
    if repeats is None:
        return
    backup_at, restored_at = f"{repeats.backup_at:%Y-%m-%d %H:%M}", f"{repeats.restored_at:%Y-%m-%d %H:%M}"
    span = f"between the backup ({backup_at}) and its restore ({restored_at} UTC)"
    if not repeats.rows:
        output.print_line(f"nobody was due {span} or waits for a welcome, so nobody gets a mail twice")
        return
    output.print_line(f"perhaps for the second time, because mail may have gone out {span}:")
    output.print_table(["address", "why"], [(row.address, row.reason) for row in repeats.rows[:MAX_REPEATS_SHOWN]])
    if len(repeats.rows) > MAX_REPEATS_SHOWN:
        output.print_line(f"and {len(repeats.rows) - MAX_REPEATS_SHOWN} more; --json lists them")
    output.print_line("`digest admin reconcile --mail-log FILE` settles it by the log of your mail server")
