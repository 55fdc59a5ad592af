"""`digest admin domains`: receiving domains that refuse our mail and are paused."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli import output
from digest.cli.cli_dependencies import Dependencies
from digest.services.admin import paused_domains_admin
from digest.services.security.audit_actor import command_line_actor

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def add(admin: typer.Typer, dependencies: Dependencies) -> None:
    """Add the group."""
    domains = typer.Typer(no_args_is_help=True, help="Manage receiving domains that refuse our mail and are paused.")
    admin.add_typer(domains, name="domains")

    @domains.command("list")
    @output.report_errors
    def list_(json: Json = False) -> None:
        """List the paused domains. With the end of the pause, the waiting e-mails and the server's reply."""
        rows = [pause.to_row() for pause in paused_domains_admin.paused_domains()]
        output.print_rows(rows, json=json, unbroken=["domain", "until"])

    @domains.command()
    @output.report_errors
    def release(
        domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="The domain, as `domains list` shows it.")],
        json: Json = False,
    ) -> None:
        """Send mail to a paused domain again. The audit log records it."""
        released_mails = paused_domains_admin.release(
            domain, actor=command_line_actor(), enqueue=dependencies.enqueue()
        )
        if json:
            output.emit_json({"domain": domain, "deliveries": released_mails})
        else:
            output.print_line(f"released: {output.count_of(released_mails, 'e-mail')} to {output.plain_text(domain)}")
