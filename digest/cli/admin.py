"""`digest admin`: resend, runs, subscribers, domains, suppression, tokens, figures."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from digest.cli import domains, output, runs, subscribers
from digest.cli.outside import Outside
from digest.services import house, resend, tokens

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Address = Annotated[str, typer.Argument(help="The reader's address.")]


def register(app: typer.Typer, outside: Outside) -> None:
    """Add the commands."""
    admin = typer.Typer(no_args_is_help=True, help="Keep house.")
    app.add_typer(admin, name="admin")
    _mail(admin, outside)
    runs.add(admin, outside)
    subscribers.add(admin)
    domains.add(admin, outside)
    _tokens(admin)


def _mail(admin: typer.Typer, outside: Outside) -> None:
    @admin.command("resend")
    @output.guarded
    def again(
        address: Address,
        date: Annotated[datetime | None, output.date_option("Default: the newest.")] = None,
    ) -> None:
        """Send the same edition again, as a new e-mail; audited."""
        day = date.date() if date else None
        serial = resend.resend(address, day=day, actor="command line", enqueue=outside.enqueue())
        output.say(f"queued: resend no. {serial} of that edition")

    @admin.command()
    @output.guarded
    def suppress(address: Address, reason: Annotated[str, typer.Option(help="Why.")] = "by hand") -> None:
        """Never mail this address again."""
        is_new = house.suppress(address, reason=reason)
        output.say("suppressed" if is_new else "suppressed before; the reason given then stays")

    @admin.command()
    @output.guarded
    def unsuppress(address: Address) -> None:
        """Allow mail to this address again."""
        house.unsuppress(address)
        output.say("mail to it is allowed again")

    @admin.command()
    @output.guarded
    def stats(json: Json = False) -> None:
        """How many of everything."""
        output.facts(house.stats(), json=json)


def _tokens(admin: typer.Typer) -> None:
    token = typer.Typer(no_args_is_help=True, help="Bearer tokens for the API.")
    admin.add_typer(token, name="token")

    @token.command()
    @output.guarded
    def create(name: str) -> None:
        """Make a token; it is shown this once."""
        typer.echo(tokens.create(name))

    @token.command()
    @output.guarded
    def revoke(name: str) -> None:
        """Make a token worthless."""
        tokens.revoke(name)
        output.say("revoked")
