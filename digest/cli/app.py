"""The command line: the groups of commands under one name."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from digest import __version__, logs
from digest.cli.lazy import lazy_group
from digest.cli.outside import Dependencies

PRIVATE_UMASK = 0o077  # files that any command or process writes, above all in DATA_DIR, are private to their owner

COMMANDS = {
    "digest.cli.setup": {
        "migrate": "Upgrade the database to the newest schema, and compile the matching engine where it is needed.",
        "doctor": "Check the settings, database, Redis, workers, mail server and readiness for bulk mail.",
        "init": "Write .env with new secrets, and send a test mail.",
    },
    "digest.cli.config": {"config": "Check the settings, or show them with secrets hidden."},
    "digest.cli.ingest": {
        "ingest": "Fetch and store what is due or missing, or the given days. Repeating it changes nothing."
    },
    "digest.cli.preview": {"preview": "Show what a profile would have received each day, without subscribing."},
    "digest.cli.run": {
        "run": "Select, queue and deliver the editions due by now, or on a date. Repeating it sends nothing twice."
    },
    "digest.cli.replay": {
        "replay": "Show what would have been sent, day by day, from the stored papers. Nothing is stored or sent."
    },
    "digest.cli.why": {"why": "Explain why a subscriber got a paper, or did not, or got no mail."},
    "digest.cli.bounces": {"bounces": "Process returned mail."},
    "digest.cli.admin": {"admin": "Manage runs, subscribers, suppressions, domains and API tokens; show statistics."},
}


def build(outside: Dependencies) -> typer.Typer:
    """All commands of the core; the composition root adds those that start processes."""
    app = typer.Typer(
        name="digest",
        cls=lazy_group(COMMANDS, outside),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help="A daily e-mail with the research papers that are new and rising for each subscriber's topics.",
    )

    @app.callback()
    def main(
        version: Annotated[
            bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version.")
        ] = False,
        verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log to standard error.")] = False,
    ) -> None:
        os.umask(PRIVATE_UMASK)
        logs.configure(level="INFO" if verbose else "WARNING", json=False)

    return app


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"papers-inbox {__version__}")
        raise typer.Exit
