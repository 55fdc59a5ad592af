"""`digest admin key` and `digest dkim`: new keys, and what to do with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest.cli import output
from digest.cli.cli_dependencies import Dependencies
from digest.services.admin import key_rotation


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the group of DKIM keys."""
    group = typer.Typer(no_args_is_help=True, help="Make keys that sign mails.")
    app.add_typer(group, name="dkim")

    @group.callback()
    def only() -> None:
        """Make keys that sign mails."""

    @group.command()
    @output.report_errors
    def new(
        selector: Annotated[str, typer.Option(metavar="NAME", help="Its name in DNS. Default: p and the month.")] = "",
        domain: Annotated[
            str, typer.Option(metavar="DOMAIN", help="Default: that of the present key, or of the sender.")
        ] = "",
        folder: Annotated[Path, typer.Option(metavar="DIR", help="Where the key's file is written.")] = Path(),
    ) -> None:
        """Write a new DKIM key, and print its DNS record and the steps of the rotation."""
        key = key_rotation.new_dkim_key(folder, selector, domain=domain)
        output.print_line(f"written: {key.file} (keep it secret)")
        output.print_line("1. publish this TXT record:")
        typer.echo(f"{key.record_name}\n{key.record}")
        _print_settings(key)


def _print_settings(key: key_rotation.NewDkimKey) -> None:
    """The settings of the first key, or those of a second one and how it replaces the present one."""
    output.print_line("2. set these, and run `digest doctor` until it says that the record belongs to the key:")
    if key.is_first:
        typer.echo(f"DIGEST_DKIM_DOMAIN={key.domain}\nDIGEST_DKIM_SELECTOR={key.selector}")
        typer.echo(f"DIGEST_DKIM_KEY_FILE={key.file.absolute()}")
        output.print_line("3. restart: from then on mails are signed")
        return
    typer.echo(f"DIGEST_DKIM_SECOND_SELECTOR={key.selector}\nDIGEST_DKIM_SECOND_KEY_FILE={key.file.absolute()}")
    output.print_line("3. exchange them with DIGEST_DKIM_SELECTOR and DIGEST_DKIM_KEY_FILE, and restart")
    output.print_line("4. a week later remove the old record and the DIGEST_DKIM_SECOND_… settings")


def add(admin: typer.Typer) -> None:
    """Add the group of signing keys."""
    group = typer.Typer(no_args_is_help=True, help="List and replace the keys that sign links.")
    admin.add_typer(group, name="key")

    @group.command("list")
    @output.report_errors
    def list_keys(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
        """List the signing keys by their fingerprints."""
        rows = [{"fingerprint": key.fingerprint, "use": key.use} for key in key_rotation.signing_keys()]
        output.print_rows(rows, json=json)

    @group.command("new")
    @output.report_errors
    def new_key() -> None:
        """Put a new signing key before the others. Links in mails sent before keep working."""
        file = key_rotation.add_signing_key()
        output.print_line(f"written: {file}; the new key signs once web, worker and scheduler are restarted")
        output.print_line(
            "the old keys are still accepted: unsubscribe links never expire, so remove one only if it leaked"
        )
