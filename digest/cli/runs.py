"""`digest admin runs`: who got it, who did not; hold it, let it go, stop it, send only the rest."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from digest.cli import output
from digest.cli.outside import Dependencies
from digest.services.admin import subscriber_admin
from digest.services.runs import run_control
from digest.services.security.audit_actor import command_line_actor

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Number = Annotated[int, typer.Argument(metavar="RUN", help="Its number, as `runs list` shows it.")]


def add(admin: typer.Typer, outside: Dependencies) -> None:
    """Add the group."""
    runs = typer.Typer(no_args_is_help=True, help="Runs: who got it, who did not.")
    admin.add_typer(runs, name="runs")
    _looking(runs)
    _holding(runs, outside)
    _mending(runs, outside)


def _looking(runs: typer.Typer) -> None:
    @runs.command("list")
    @output.report_errors
    def list_(limit: Annotated[int, typer.Option(min=1, max=1000)] = 20, json: Json = False) -> None:
        """The newest runs."""
        output.listing(subscriber_admin.runs(limit), json=json, whole=["slot", "state"])

    @runs.command()
    @output.report_errors
    def show(run: Number, json: Json = False) -> None:
        """Each delivery of a run: who got it, who did not, and what the servers said."""
        rows = run_control.show(run)
        output.listing(rows, json=json, whole=["address", "got it"])
        if rows and not json:
            got = Counter(str(row["got it"]) for row in rows)
            output.print_line("got it: " + ", ".join(f"{count} {answer}" for answer, count in got.most_common()))


def _holding(runs: typer.Typer, outside: Dependencies) -> None:
    @runs.command()
    @output.report_errors
    def pause(run: Number) -> None:
        """Hold what waits of a run."""
        output.print_line(f"paused: {run_control.pause(run, actor=command_line_actor())} e-mails wait")

    @runs.command()
    @output.report_errors
    def resume(run: Number) -> None:
        """Let a paused run go."""
        output.print_line(
            f"resumed: {run_control.resume(run, actor=command_line_actor(), enqueue=outside.enqueue())} e-mails go out"
        )


def _mending(runs: typer.Typer, outside: Dependencies) -> None:
    @runs.command()
    @output.report_errors
    def cancel(run: Number) -> None:
        """Stop a run for good. What was not sent is new again for its readers."""
        done = run_control.cancel(run, actor=command_line_actor())
        output.print_line(f"cancelled: {done.cancelled} e-mails; to {done.restored} readers their papers are new again")
        if done.held:
            output.print_line(f"{done.held} may have arrived and are held: `digest admin runs show {run}` lists them")
        if done.sending:
            output.print_line(
                f"{done.sending} are under way and can't be called back; cancel again when they have ended"
            )

    @runs.command("resend-missed")
    @output.report_errors
    def resend_missed(
        run: Number,
        uncertain: Annotated[
            bool, typer.Option("--also-uncertain", help="Also what may have arrived, with its old Message-ID.")
        ] = False,
    ) -> None:
        """Send a run again to those who did not get it, and only to them."""
        again = run_control.resend_missed(
            run, actor=command_line_actor(), enqueue=outside.enqueue(), uncertain=uncertain
        )
        output.print_line(f"queued: {again.queued} e-mails")
        if again.held:
            output.print_line(f"{len(again.held)} may have arrived and are held; --also-uncertain sends them too:")
            output.table(["delivery", "address"], again.held, numbers=["delivery"])
