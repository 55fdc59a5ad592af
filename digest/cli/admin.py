"""`digest admin`: resend, runs, subscribers, suppression, tokens, figures."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from digest.cli import output, runs
from digest.cli.outside import Outside
from digest.services import house, resend, roster, tokens

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Address = Annotated[str, typer.Argument(help="The reader's address.")]


def register(app: typer.Typer, outside: Outside) -> None:
    """Add the commands."""
    admin = typer.Typer(no_args_is_help=True, help="Keep house.")
    app.add_typer(admin, name="admin")
    _mail(admin, outside)
    runs.add(admin, outside)
    _subscribers(admin)
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
        house.suppress(address, reason=reason)
        output.say("suppressed")

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
        _facts(house.stats(), json=json)


def _subscribers(admin: typer.Typer) -> None:
    people = typer.Typer(no_args_is_help=True, help="Subscribers.")
    admin.add_typer(people, name="subscribers")

    @people.command("list")
    @output.guarded
    def list_(json: Json = False) -> None:
        """All subscribers."""
        rows = house.subscriber_rows()
        output.listing(rows if json else [_briefly(row) for row in rows], json=json, whole=["address", "when"])

    @people.command()
    @output.guarded
    def show(address: Address, json: Json = False) -> None:
        """One subscriber, with topics and consent."""
        found = house.subscriber(address)
        _facts(found, json=json)

    @people.command()
    @output.guarded
    def add(
        address: Address,
        consent: Annotated[str, typer.Option(help="How and when this person agreed; kept as proof.")],
        topic: Annotated[list[str] | None, typer.Option()] = None,
        category: Annotated[list[str] | None, typer.Option()] = None,
        time_zone: Annotated[str, typer.Option()] = "UTC",
    ) -> None:
        """Add somebody whose consent you hold."""
        values = {"address": address, "topics": topic or [], "categories": category or [], "time_zone": time_zone}
        house.add(values, consent=consent)
        output.say("added")

    @people.command("import")
    @output.guarded
    def import_(
        file: Path, consent: Annotated[str, typer.Option(help="How and when these people agreed; kept as proof.")]
    ) -> None:
        """Add people from a CSV file with a header (address, topics; time_zone, categories are optional)."""
        added, bad = roster.import_csv(file, consent=consent)
        for line in bad:
            typer.echo(line, err=True)
        output.say(f"{added} added, {len(bad)} refused")
        if bad:
            raise typer.Exit(output.FAILED)

    @people.command()
    @output.guarded
    def export(json: Json = False) -> None:
        """Addresses, topics and settings of all subscribers, as CSV (or JSON)."""
        if json:
            output.emit(house.subscriber_rows())
        else:
            typer.echo(roster.export_csv(), nl=False)

    @people.command()
    @output.guarded
    def erase(address: Address) -> None:
        """Delete a person's data."""
        house.erase(address)
        output.say("erased")


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


def _briefly(row: house.Row) -> house.Row:
    """A subscriber in one row of a terminal."""
    wants = [str(row[name]) for name in ("topics", "categories") if row[name]]
    wants += [f"★ {author}" for author in str(row["authors"]).splitlines()]
    wants += [f"not: {query}" for query in str(row["exclusions"]).splitlines()]
    state = f"paused until\n{row['paused_until']}" if row["paused_until"] else row["state"]
    when = f"{row['cadence']} {row['send_at']}\n{row['time_zone']}"
    return {"address": row["address"], "state": state, "wants": "\n".join(wants), "when": when}


def _facts(row: house.Row, *, json: bool) -> None:
    """One thing, a fact a line."""
    if json:
        output.emit(row)
    else:
        facts = [(name.replace("_", " "), row[name]) for name in row if row[name] != ""]
        output.table(["", ""], facts, heads=False, apart=False)
