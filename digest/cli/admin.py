"""`digest admin`: resend, runs, subscribers, domains, suppression, tokens, statistics."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from digest import clock
from digest.cli import domains, keys, output, reconcile, runs, subscribers
from digest.cli.cli_dependencies import Dependencies
from digest.errors import BadInput
from digest.services.admin import bulk_unsuppress, installation_stats, subscriber_admin
from digest.services.delivery import resend_edition
from digest.services.security import api_tokens
from digest.services.security.audit_actor import command_line_actor

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SCOPES = "; ".join(f"{name}: {meaning}" for name, meaning in api_tokens.SCOPES.items())
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The subscriber's address.")]


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the commands."""
    admin = typer.Typer(no_args_is_help=True, help="Manage runs, subscribers, suppressions, domains and tokens.")
    app.add_typer(admin, name="admin")
    _add_resend_command(admin, dependencies)
    _add_suppression_commands(admin)
    _add_stats_command(admin)
    runs.add(admin, dependencies)
    subscribers.add(admin)
    domains.add(admin, dependencies)
    reconcile.add(admin)
    keys.add(admin)
    _add_token_commands(admin)


def _add_resend_command(admin: typer.Typer, dependencies: Dependencies) -> None:
    @admin.command("resend")
    @output.report_errors
    def resend(
        address: Address,
        date: Annotated[datetime | None, output.date_option("Date of the edition. Default: the newest.")] = None,
    ) -> None:
        """Send an edition again as a new e-mail. The audit log records it."""
        day = date.date() if date else None
        serial = resend_edition.resend(address, day=day, actor=command_line_actor(), enqueue=dependencies.enqueue())
        output.print_line(
            f"queued: resend no. {serial} of that edition; a worker sends it, or the next `digest run --inline`"
        )


def _add_suppression_commands(admin: typer.Typer) -> None:
    @admin.command()
    @output.report_errors
    def suppress(
        address: Address, reason: Annotated[str, typer.Option(metavar="TEXT", help="The reason.")] = "by hand"
    ) -> None:
        """Never send mail to an address again."""
        is_new = subscriber_admin.suppress_address(address, reason=reason)
        output.print_line("suppressed" if is_new else "already suppressed; the earlier reason is kept")

    @admin.command()
    @output.report_errors
    def unsuppress(
        address: Annotated[str | None, typer.Argument(metavar="ADDRESS", help="The subscriber's address.")] = None,
        since: Annotated[
            datetime | None, output.date_option("Release all addresses suppressed since this day (UTC).")
        ] = None,
        reason: Annotated[
            str, typer.Option(metavar="TEXT", help="With --since: the reason to release, or a note for the audit log.")
        ] = "",
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Show what would be released; change nothing.")
        ] = False,
        json: Json = False,
    ) -> None:
        """Allow mail to an address again. Or to all that were suppressed since a day; the audit log records it."""
        if (address is None) == (since is None):
            raise BadInput("give either an ADDRESS or --since DAY")
        if address is not None:
            _unsuppress_one(address, dry_run=dry_run, json=json)
        elif since is not None:
            _unsuppress_since(since, reason, dry_run=dry_run, json=json)


def _add_stats_command(admin: typer.Typer) -> None:
    @admin.command()
    @output.report_errors
    def stats(json: Json = False) -> None:
        """Show counts of papers, subscribers and deliveries."""
        output.print_facts(installation_stats.installation_stats(), json=json)


def _unsuppress_one(address: str, *, dry_run: bool, json: bool) -> None:
    if dry_run or json:
        raise BadInput("--dry-run and --json require --since")
    subscriber_admin.unsuppress_address(address)
    output.print_line("mail to this address is allowed again")


def _unsuppress_since(since: datetime, reason: str, *, dry_run: bool, json: bool) -> None:
    released = bulk_unsuppress.unsuppress_since(since.date(), reason=reason, dry_run=dry_run)
    if json:
        output.emit_json(released.as_json())
        return
    if dry_run:
        output.print_rows(released.suppressions, json=False)
    counts = ", ".join(f"{count} {output.plain_text(name)}" for name, count in released.by_reason.items())
    outcome = "would be released" if dry_run else "released"
    addresses = output.count_of(len(released.suppressions), "address", "addresses")
    output.print_line(f"{addresses} {outcome}{f': {counts}' if counts else ''}")


def _add_token_commands(admin: typer.Typer) -> None:
    tokens = typer.Typer(no_args_is_help=True, help="Manage bearer tokens for the API.")
    admin.add_typer(tokens, name="token")

    @tokens.command()
    @output.report_errors
    def create(
        name: Annotated[
            str, typer.Argument(metavar="NAME", help="What the token is for, as shown in the list and the audit log.")
        ],
        scope: Annotated[
            list[str] | None, typer.Option(metavar="SCOPE", help=f"A scope of the token; may be repeated. {SCOPES}")
        ] = None,
        expires: Annotated[str, typer.Option(metavar="WHEN", help="A period such as 90d, a date, or never.")] = "365d",
    ) -> None:
        """Create a token. It is shown only once."""
        secret = api_tokens.create_token(
            name, scope or (), expires_at=api_tokens.parse_expiry(expires, now=clock.now())
        )
        typer.echo(secret)

    @tokens.command("list")
    @output.report_errors
    def list_tokens(json: Json = False) -> None:
        """List all tokens with their scopes, expiry and last use."""
        output.print_rows(api_tokens.list_tokens(), json=json)

    @tokens.command()
    @output.report_errors
    def revoke(name: Annotated[str, typer.Argument(metavar="NAME", help="The token's name.")]) -> None:
        """Revoke a token."""
        api_tokens.revoke_token(name)
        output.print_line("revoked")
