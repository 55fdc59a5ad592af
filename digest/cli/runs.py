"""`digest admin runs`: show, pause, resume and cancel runs, and send them to those who missed them."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from digest.cli import output
from digest.cli.outside import Dependencies
from digest.services.admin import subscriber_admin
from digest.services.runs import run_control
from digest.services.security.audit_actor import command_line_actor

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Number = Annotated[int, typer.Argument(metavar="RUN", help="The number of the run, as `runs list` shows it.")]


def add(admin: typer.Typer, outside: Dependencies) -> None:
    """Add the group."""
    runs = typer.Typer(no_args_is_help=True, help="Show, pause, resume, cancel and resend runs.")
    admin.add_typer(runs, name="runs")
    _looking(runs)
    _holding(runs, outside)
    _mending(runs, outside)


def _looking(runs: typer.Typer) -> None:
    @runs.command("list")
    @output.report_errors
    def list_(
        limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of runs.")] = 20, json: Json = False
    ) -> None:
        """List the newest runs."""
        output.listing(subscriber_admin.runs(limit), json=json, whole=["slot", "state"])

    @runs.command()
    @output.report_errors
    def show(run: Number, json: Json = False) -> None:
        """List the deliveries of a run: who got it, who did not, and the replies of the mail servers."""
        rows = run_control.list_deliveries(run)
        output.listing(rows, json=json, whole=["address", "got it"])
        if rows and not json:
            got = Counter(str(row["got it"]) for row in rows)
            output.print_line("got it: " + ", ".join(f"{count} {answer}" for answer, count in got.most_common()))


def _holding(runs: typer.Typer, outside: Dependencies) -> None:
    @runs.command()
    @output.report_errors
    def pause(run: Number) -> None:
        """Pause the unsent e-mails of a run."""
        output.print_line(f"paused: {run_control.pause(run, actor=command_line_actor())} e-mails wait")

    @runs.command()
    @output.report_errors
    def resume(run: Number) -> None:
        """Resume a paused run."""
        count = run_control.resume(run, actor=command_line_actor(), enqueue=outside.enqueue())
        output.print_line(f"resumed: {count} e-mails go out")


def _mending(runs: typer.Typer, outside: Dependencies) -> None:
    @runs.command()
    @output.report_errors
    def cancel(run: Number) -> None:
        """Cancel a run. Papers that were not sent are new again for their subscribers."""
        done = run_control.cancel(run, actor=command_line_actor())
        output.print_line(f"cancelled: {done.cancelled} e-mails")
        output.print_line(f"their papers are new again for {done.restored} subscribers")
        if done.uncertain:
            output.print_line(f"{done.uncertain} may have arrived and are held; see `digest admin runs show {run}`")
        if done.sending:
            output.print_line(f"{done.sending} are being sent and can't be stopped; cancel again when they are done")

    @runs.command("resend-missed")
    @output.report_errors
    def resend_missed(
        run: Number,
        uncertain: Annotated[
            bool, typer.Option("--also-uncertain", help="Also e-mails that may have arrived, with the same Message-ID.")
        ] = False,
    ) -> None:
        """Send a run again, only to those who did not get it."""
        again = run_control.resend_missed(
            run, actor=command_line_actor(), enqueue=outside.enqueue(), uncertain=uncertain
        )
        output.print_line(f"queued: {again.queued} e-mails")
        if again.uncertain:
            output.print_line(f"{len(again.uncertain)} may have arrived and are held; --also-uncertain sends them too:")
            output.table(["delivery", "address"], again.uncertain, numbers=["delivery"])
