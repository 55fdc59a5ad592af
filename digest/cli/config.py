"""`digest config`: check the settings and show them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from digest import settings
from digest.cli import exit_codes, output
from digest.cli.cli_dependencies import Dependencies
from digest.services.admin import configuration
from digest.text.plain_text import one_line

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the commands."""
    config = typer.Typer(no_args_is_help=True, help="Check the settings, or show them with secrets hidden.")
    app.add_typer(config, name="config")

    @config.command()
    @output.report_errors
    def check(json: Json = False) -> None:
        """Check all settings and print every problem. The exit code is 2 if there is one."""
        problems = configuration.problems()
        warnings = configuration.warnings()
        if json:
            output.emit_json({"ok": not problems, "problems": problems, "warnings": warnings})
        for warning in [] if json else warnings:
            typer.echo(f"warning: {one_line(warning)}", err=True)
        for problem in [] if json else problems:
            output.fail(problem)
        if problems:
            raise typer.Exit(exit_codes.EXIT_USAGE)
        if not json:
            output.print_line(f"The settings are valid ({_env_file_note()})")

    @config.command()
    @output.report_errors
    def show(json: Json = False) -> None:
        """Show every setting with its value and origin. Secrets and passwords are hidden."""
        rows = configuration.setting_rows()
        if json:
            output.emit_json([asdict(row) for row in rows])
        else:
            output.print_table(
                ["setting", "value", "from"],
                [(row.setting, row.value, row.origin) for row in rows],
                unbroken=["setting"],
            )


def _env_file_note() -> str:
    """Where `.env` was found, for people who run a command in the wrong folder."""
    path = settings.ENV_FILE.resolve()
    return f"read {output.plain_text(str(path))}" if path.exists() else f"there is no {output.plain_text(str(path))}"
