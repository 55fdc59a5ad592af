"""`digest migrate`: upgrade the database schema and compile the matching engine where it is needed."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli import exit_codes, output
from digest.cli.cli_dependencies import Dependencies
from digest.db.core import schema_migration
from digest.db.core.engine import reading
from digest.services.admin import configuration
from digest.services.selection import engine_loader, engine_need


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the command."""

    @app.command()
    @output.report_errors
    def migrate(
        compile_engine: Annotated[
            bool | None,
            typer.Option(
                "--compile/--no-compile",
                help="Whether to compile the matching engine. Default: if the installation is large enough.",
            ),
        ] = None,
        check: Annotated[
            bool,
            typer.Option(
                "--check",
                help="Change nothing; exit with 0 if the schema is the newest, "
                f"{exit_codes.EXIT_BEHIND} if it is older or empty, "
                f"{exit_codes.EXIT_NEWER} if it is of a newer release.",
            ),
        ] = False,
    ) -> None:
        """Upgrade the database schema. Also compiles the matching engine where it is needed."""
        configuration.require_valid()
        if check:
            _check_schema()
            return
        old_revision = schema_migration.current_revision()
        new_revision = schema_migration.upgrade()
        output.print_line(
            f"the schema is {new_revision}"
            + (", as before" if old_revision == new_revision else f" (was {old_revision or 'empty'})")
        )
        if compile_engine is None:
            with reading() as session:
                compile_engine = engine_need.measure_size(session).needs_engine
        if compile_engine and not engine_loader.is_compiled():
            with output.print_progress("compiling the matching engine, about a minute, once"):
                engine_loader.engine()
            output.print_line("the matching engine is compiled")
        if old_revision is None:
            output.print_line("next: digest ingest, digest doctor, then digest up")
        elif old_revision != new_revision:
            output.print_line("next: start web, worker and scheduler, or restart them: digest up")


def _check_schema() -> None:
    """Print how the schema stands to this release, and exit with its code."""
    current = schema_migration.current_revision()
    newest = schema_migration.newest_revision()
    if current == newest:
        output.print_line(f"the schema is {current}, the newest")
        return
    if current is not None and not schema_migration.is_known_revision(current):
        typer.echo(f"the schema {current} is of a newer release (this one has {newest})", err=True)
        raise typer.Exit(exit_codes.EXIT_NEWER)
    typer.echo(f"the schema is {current or 'empty'}, not {newest}; run: digest migrate", err=True)
    raise typer.Exit(exit_codes.EXIT_BEHIND)
