"""`digest admin subscribers`: list, show, add, import, export and erase subscribers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from digest.cli import exit_codes, output
from digest.errors import BadInput
from digest.services.admin import subscriber_admin
from digest.services.subscriptions import csv_import_export
from digest.services.subscriptions.preference_fields import SignUpPreferences
from digest.services.subscriptions.topic_separators import split_topics

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The subscriber's address.")]
Welcome = Annotated[bool, typer.Option(help="Send a welcome edition within minutes.")]


SETTABLE = tuple(SignUpPreferences.model_fields)


def add(admin: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="List, show, add, import, export and erase subscribers.")
    admin.add_typer(group, name="subscribers")
    _add_read_commands(group)
    _add_add_command(group)
    _add_import_command(group)
    _add_erase_command(group)


def _add_read_commands(group: typer.Typer) -> None:
    @group.command("list")
    @output.report_errors
    def list_(json: Json = False) -> None:
        """List all subscribers."""
        rows = subscriber_admin.subscriber_rows()
        output.print_rows(
            rows if json else [_compact_row(row) for row in rows], json=json, unbroken=["address", "when"]
        )

    @group.command()
    @output.report_errors
    def show(
        address: Address,
        client: Annotated[
            str, typer.Option(metavar="IP", help="Check whether the consent came from this IP address.")
        ] = "",
        json: Json = False,
    ) -> None:
        """Show a subscriber with topics and consent."""
        read_details = subscriber_admin.subscriber_details if json else subscriber_admin.labelled_details
        output.print_facts(read_details(address, client=client), json=json)

    @group.command()
    @output.report_errors
    def export(json: Json = False) -> None:
        """Export all subscribers, with topics and settings, as CSV."""
        if json:
            output.emit_json(csv_import_export.export_rows())
        else:
            typer.echo(csv_import_export.export_csv(), nl=False)


def _add_add_command(group: typer.Typer) -> None:
    @group.command()
    @output.report_errors
    def add(
        address: Address,
        consent: Annotated[str, typer.Option(metavar="TEXT", help="How and when the person agreed; stored as proof.")],
        topic: Annotated[list[str] | None, typer.Option(metavar="TOPIC", help="A topic; may be repeated.")] = None,
        category: Annotated[
            list[str] | None,
            typer.Option(metavar="SUBJECT", help="Only this subject, by code or name; may be repeated."),
        ] = None,
        time_zone: Annotated[str, typer.Option(metavar="ZONE", help="An IANA time zone.")] = "UTC",
        setting: Annotated[
            list[str] | None,
            typer.Option("--set", metavar="NAME=VALUE", help=f"Any preference: {', '.join(SETTABLE)}."),
        ] = None,
        welcome: Welcome = True,
    ) -> None:
        """Add a subscriber whose consent you have."""
        topics = [part for text in topic or [] for part in split_topics(text)]
        values: dict[str, Any] = {"topics": topics, "categories": category or [], "time_zone": time_zone}
        values |= _preferences(setting or []) | {"address": address}
        subscriber_admin.add_subscriber(values, consent=consent, welcome=welcome)
        output.print_line("added")


def _add_import_command(group: typer.Typer) -> None:
    @group.command("import")
    @output.report_errors
    def import_(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file.")],
        consent: Annotated[
            str, typer.Option(metavar="TEXT", help="How and when these people agreed; stored as proof.")
        ],
        welcome: Welcome = True,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen; add nobody.")] = False,
    ) -> None:
        """Add subscribers from a CSV file. It has a header (address, topics, …), or comes from `export`."""
        output.print_line(_welcome_note(welcome=welcome, dry_run=dry_run))
        with output.progress_bar() as progress:
            added_count, bad = csv_import_export.import_file(
                file, consent=consent, welcome=welcome, dry_run=dry_run, progress=progress
            )
        for line in bad:
            typer.echo(line, err=True)
        output.print_line(
            f"{added_count} would be added, {len(bad)} refused"
            if dry_run
            else f"{added_count} added, {len(bad)} refused"
        )
        if bad:
            raise typer.Exit(exit_codes.EXIT_FAILED)


def _preferences(settings: list[str]) -> dict[str, str]:
    """NAME=VALUE options by name. Raises BadInput."""
    values: dict[str, str] = {}
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator or name not in SETTABLE:
            raise BadInput(f"--set: use NAME=VALUE with one of {', '.join(SETTABLE)}", field="set")
        values[name] = value
    return values


def _welcome_note(*, welcome: bool, dry_run: bool) -> str:
    """What an import sends to the subscribers that it adds. No confirmation: they have consented already."""
    verb = "would get" if dry_run else "gets"
    if not welcome:
        return f"whoever is added {verb} no welcome; the first e-mail is the next one due"
    return (
        f"whoever is added {verb} one welcome e-mail within minutes, with the best of the stored papers of the last"
        " two weeks, where some match (--no-welcome: none); the next ones when they are due"
    )


def _add_erase_command(group: typer.Typer) -> None:
    @group.command()
    @output.report_errors
    def erase(address: Address) -> None:
        """Delete all data of a subscriber."""
        scrubbed = subscriber_admin.erase_subscriber(address)
        leftover_note = "; the database's file is busy or the disk is full: traces in it go with the daily upkeep"
        output.print_line(f"erased{'' if scrubbed else leftover_note}")


def _compact_row(row: subscriber_admin.Row) -> subscriber_admin.Row:
    """The columns of a subscriber that fit on a terminal."""
    preference_lines = [str(row[name]) for name in ("topics", "categories") if row[name]]
    preference_lines += [f"★ {author}" for author in str(row["authors"]).splitlines()]
    preference_lines += [f"not: {query}" for query in str(row["exclusions"]).splitlines()]
    state = f"paused until\n{row['paused_until']}" if row["paused_until"] else row["state"]
    when = f"{row['cadence']} {row['send_at']}\n{row['time_zone']}"
    return {"address": row["address"], "state": state, "wants": "\n".join(preference_lines), "when": when}
