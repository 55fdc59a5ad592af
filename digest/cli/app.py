"""The command line: the groups of commands under one name."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from digest import __version__, logs
from digest.cli.lazy import lazy_group
from digest.cli.outside import Dependencies

PRIVATE_UMASK = 0o077  # what any command or process writes, DATA_DIR first of all, is its owner's alone

COMMANDS = {
    "digest.cli.setup": {
        "migrate": "Bring the database to the newest schema. Compile the matching engine where it is needed.",
        "doctor": "Check configuration, database, Redis, workers, mail server and readiness for bulk mail.",
        "init": "Write .env with fresh secrets, and send a test mail.",
    },
    "digest.cli.config": {"config": "Check the settings, or show them with secrets hidden."},
    "digest.cli.ingest": {
        "ingest": "Fetch what is due or missing, or the days asked for, and store it; again changes nothing."
    },
    "digest.cli.preview": {"preview": "What this profile would have got, per day, without subscribing."},
    "digest.cli.run": {
        "run": "Match, compose, queue and deliver every slot up to now, or a date. A second time sends nothing twice."
    },
    "digest.cli.replay": {
        "replay": "What would have gone out, day after day, over the papers stored. Nothing is frozen or sent."
    },
    "digest.cli.why": {"why": "Why this reader got this paper, or did not, or got no mail."},
    "digest.cli.bounces": {"bounces": "What came back."},
    "digest.cli.admin": {"admin": "Runs, subscribers, suppressions, domains, tokens, figures."},
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
        help="The research papers that are new and rising for your topics, once a day by e-mail.",
    )

    @app.callback()
    def main(
        version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_version, help="Say it.")] = False,
        verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Logs on stderr.")] = False,
    ) -> None:
        os.umask(PRIVATE_UMASK)
        logs.configure(level="INFO" if verbose else "WARNING", json=False)

    return app


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"papers-inbox {__version__}")
        raise typer.Exit
