"""`digest why`: why a subscriber got a paper, or did not, or got no mail."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli import output
from digest.cli.cli_dependencies import Dependencies
from digest.services.editions import why_report


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the command."""

    @app.command("why")
    @output.report_errors
    def command(
        address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The subscriber's address.")],
        paper: Annotated[
            str | None, typer.Argument(metavar="PAPER", help="An arXiv id, or the number of a paper on our pages.")
        ] = None,
    ) -> None:
        """Explain why a subscriber got a paper or not, or no mail."""
        lines = why_report.why_paper(address, paper) if paper else why_report.why_mail(address)
        for line in lines:
            output.console().print(line, markup=False)
