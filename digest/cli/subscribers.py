"""`digest admin subscribers`: who reads what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from digest.cli import output
from digest.errors import BadInput
from digest.services.admin import subscriber_admin
from digest.services.subscriptions import csv_import_export
from digest.services.subscriptions.preference_fields import SignUpPreferences

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Address = Annotated[str, typer.Argument(help="The reader's address.")]
Welcome = Annotated[bool, typer.Option(help="Send a first edition within minutes.")]


SETTABLE = tuple(SignUpPreferences.model_fields)


def add(admin: typer.Typer) -> None:
    """Add the group."""
    people = typer.Typer(no_args_is_help=True, help="Subscribers.")
    admin.add_typer(people, name="subscribers")
    _looking(people)
    _coming(people)
    _leaving(people)


def _looking(people: typer.Typer) -> None:
    @people.command("list")
    @output.report_errors
    def list_(json: Json = False) -> None:
        """All subscribers."""
        rows = subscriber_admin.subscriber_rows()
        output.listing(rows if json else [_briefly(row) for row in rows], json=json, whole=["address", "when"])

    @people.command()
    @output.report_errors
    def show(
        address: Address,
        client: Annotated[str, typer.Option(help="An IP address: did the consent come from there?")] = "",
        json: Json = False,
    ) -> None:
        """One subscriber, with topics and consent."""
        found = subscriber_admin.subscriber(address, client=client)
        output.print_facts(found, json=json)

    @people.command()
    @output.report_errors
    def export(json: Json = False) -> None:
        """Addresses, topics and settings of all subscribers, as CSV (or JSON)."""
        if json:
            output.emit_json(csv_import_export.export_rows())
        else:
            typer.echo(csv_import_export.export_csv(), nl=False)


def _coming(people: typer.Typer) -> None:
    @people.command()
    @output.report_errors
    def add(
        address: Address,
        consent: Annotated[str, typer.Option(help="How and when this person agreed; kept as proof.")],
        topic: Annotated[list[str] | None, typer.Option()] = None,
        category: Annotated[list[str] | None, typer.Option()] = None,
        time_zone: Annotated[str, typer.Option()] = "UTC",
        setting: Annotated[
            list[str] | None,
            typer.Option("--set", metavar="NAME=VALUE", help=f"Any preference: {', '.join(SETTABLE)}."),
        ] = None,
        welcome: Welcome = True,
    ) -> None:
        """Add somebody whose consent you hold."""
        values: dict[str, Any] = {"topics": topic or [], "categories": category or [], "time_zone": time_zone}
        values |= _preferences(setting or []) | {"address": address}
        subscriber_admin.add(values, consent=consent, welcome=welcome)
        output.print_line("added")

    @people.command("import")
    @output.report_errors
    def import_(
        file: Path,
        consent: Annotated[str, typer.Option(help="How and when these people agreed; kept as proof.")],
        welcome: Welcome = True,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Add nobody; say what would happen.")] = False,
    ) -> None:
        """Add people from a CSV file with a header (address, topics, …), or from what `export` wrote."""
        output.print_line(_what_is_sent(welcome=welcome, dry_run=dry_run))
        with output.progress_bar() as progress:
            added, bad = csv_import_export.import_file(
                file, consent=consent, welcome=welcome, dry_run=dry_run, progress=progress
            )
        for line in bad:
            typer.echo(line, err=True)
        output.print_line(
            f"{added} would be added, {len(bad)} refused" if dry_run else f"{added} added, {len(bad)} refused"
        )
        if bad:
            raise typer.Exit(output.FAILED)


def _preferences(settings: list[str]) -> dict[str, str]:
    """NAME=VALUE options by name. Raises BadInput."""
    values: dict[str, str] = {}
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator or name not in SETTABLE:
            raise BadInput(f"--set: use NAME=VALUE with one of {', '.join(SETTABLE)}", field="set")
        values[name] = value
    return values


def _what_is_sent(*, welcome: bool, dry_run: bool) -> str:
    """What an import sends to those whom it adds. No confirmation: their consent is held already."""
    would = "would get" if dry_run else "gets"
    if not welcome:
        return f"whoever is added {would} no welcome; the first e-mail is the next one due"
    return (
        f"whoever is added {would} one welcome e-mail within minutes, with the best papers of two weeks, where"
        " some match (--no-welcome: none); the next ones when they are due"
    )


def _leaving(people: typer.Typer) -> None:
    @people.command()
    @output.report_errors
    def erase(address: Address) -> None:
        """Delete a person's data."""
        scrubbed = subscriber_admin.erase(address)
        later = "; the database's file is busy or the disk is full: traces in it go with the daily upkeep"
        output.print_line(f"erased{'' if scrubbed else later}")


def _briefly(row: subscriber_admin.Row) -> subscriber_admin.Row:
    """A subscriber in one row of a terminal."""
    wants = [str(row[name]) for name in ("topics", "categories") if row[name]]
    wants += [f"★ {author}" for author in str(row["authors"]).splitlines()]
    wants += [f"not: {query}" for query in str(row["exclusions"]).splitlines()]
    state = f"paused until\n{row['paused_until']}" if row["paused_until"] else row["state"]
    when = f"{row['cadence']} {row['send_at']}\n{row['time_zone']}"
    return {"address": row["address"], "state": state, "wants": "\n".join(wants), "when": when}
