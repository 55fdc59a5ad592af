"""`digest admin runs`: show, pause, resume and cancel runs, and send them to those who missed them."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from digest.cli import output
from digest.cli.cli_dependencies import Dependencies
from digest.models.delivery import DIGEST
from digest.services.admin import installation_stats
from digest.services.runs import run_control
from digest.services.security.audit_actor import command_line_actor

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Number = Annotated[int, typer.Argument(metavar="RUN", help="The number of the run, as `runs list` shows it.")]


def add(admin: typer.Typer, dependencies: Dependencies) -> None:
    """Add the group."""
    runs = typer.Typer(no_args_is_help=True, help="Show, pause, resume, cancel and resend runs.")
    admin.add_typer(runs, name="runs")
    _add_read_commands(runs)
    _add_pause_commands(runs, dependencies)
    _add_repair_commands(runs, dependencies)


def _add_read_commands(runs: typer.Typer) -> None:
    @runs.command("list")
    @output.report_errors
    def list_(
        limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Maximum number of runs.")] = 20,
        json: Json = False,
    ) -> None:
        """List the newest runs."""
        rows = installation_stats.runs(limit)
        output.print_rows(rows if json else [_compact_row(row) for row in rows], json=json, unbroken=["slot", "state"])

    @runs.command()
    @output.report_errors
    def show(run: Number, json: Json = False) -> None:
        """List the deliveries of a run: who got it, who did not. With the replies of the mail servers."""
        rows = run_control.list_deliveries(run)
        printed_rows = rows if json else [_compact_delivery(row) for row in rows]
        output.print_rows(printed_rows, json=json, unbroken=["address", "got it"])
        if rows and not json:
            outcome_counts = Counter(str(row["got it"]) for row in rows)
            output.print_line(
                "got it: " + ", ".join(f"{count} {answer}" for answer, count in outcome_counts.most_common())
            )


def _compact_row(row: run_control.Row) -> run_control.Row:
    """The columns of a run that fit on a terminal: mails that were not sent are counted by state in one of them."""
    not_sent = [f"{row[state]} {state}" for state in ("queued", "deferred", "rejected", "uncertain") if row[state]]
    return {
        **{name: row[name] for name in ("run", "slot", "state", "sent")},
        "not sent": "\n".join(not_sent),
        **{name: row[name] for name in ("skipped", "papers")},
    }


def _compact_delivery(row: run_control.Row) -> run_control.Row:
    """The columns of a delivery that fit on a terminal: the tries stand beside the state."""
    tries = f", {row['tries']} tries" if isinstance(row["tries"], int) and row["tries"] > 1 else ""
    return {
        **{name: row[name] for name in ("delivery", "address", "got it")},
        "kind": "" if row["kind"] == DIGEST else row["kind"],
        "state": f"{row['state']}{tries}",
        "reply": row["reply"],
    }


def _add_pause_commands(runs: typer.Typer, dependencies: Dependencies) -> None:
    @runs.command()
    @output.report_errors
    def pause(run: Number) -> None:
        """Pause the unsent e-mails of a run."""
        waiting = run_control.pause(run, actor=command_line_actor())
        output.print_line(f"paused: {output.count_of(waiting, 'e-mail waits', 'e-mails wait')}")

    @runs.command()
    @output.report_errors
    def resume(run: Number) -> None:
        """Resume a paused run."""
        count = run_control.resume(run, actor=command_line_actor(), enqueue=dependencies.enqueue())
        output.print_line(f"resumed: {output.count_of(count, 'e-mail goes', 'e-mails go')} out")


def _add_repair_commands(runs: typer.Typer, dependencies: Dependencies) -> None:
    @runs.command()
    @output.report_errors
    def cancel(run: Number) -> None:
        """Cancel a run. Papers that were not sent are new again for their subscribers."""
        cancellation = run_control.cancel(run, actor=command_line_actor())
        output.print_line(f"cancelled: {output.count_of(cancellation.cancelled, 'e-mail')}")
        output.print_line(f"their papers are new again for {output.count_of(cancellation.restored, 'subscriber')}")
        if cancellation.uncertain:
            held = output.count_of(cancellation.uncertain, "may have arrived and is", "may have arrived and are")
            output.print_line(f"{held} held; see `digest admin runs show {run}`")
        if cancellation.sending:
            output.print_line(
                f"{output.count_of(cancellation.sending, 'is', 'are')} being sent and can't be stopped; "
                "cancel again when that is done"
            )

    @runs.command("resend-missed")
    @output.report_errors
    def resend_missed(
        run: Number,
        uncertain: Annotated[
            bool, typer.Option("--also-uncertain", help="Also e-mails that may have arrived, with the same Message-ID.")
        ] = False,
    ) -> None:
        """Send a run again, only to those who did not get it."""
        resent = run_control.resend_missed(
            run, actor=command_line_actor(), enqueue=dependencies.enqueue(), uncertain=uncertain
        )
        output.print_line(f"queued: {output.count_of(resent.queued, 'e-mail')}")
        if resent.uncertain:
            held = output.count_of(len(resent.uncertain), "may have arrived and is", "may have arrived and are")
            output.print_line(f"{held} held; --also-uncertain sends too:")
            output.print_table(["delivery", "address"], resent.uncertain, right_aligned=["delivery"])
