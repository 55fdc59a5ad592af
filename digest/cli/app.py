"""The command line: the groups of commands under one name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from digest import __version__, logs
from digest.cli import output
from digest.cli.cli_dependencies import Dependencies
from digest.cli.lazy_commands import lazy_group

PRIVATE_UMASK = 0o077  # files that any command or process writes, above all in DATA_DIR, are private to their owner

COMMANDS = {
    "digest.cli.init": {
        "init": "Write .env with new secrets, and send a test mail. Or write files for servers, monitoring or CI."
    },
    "digest.cli.migrate": {
        "migrate": "Upgrade the database schema. Also compiles the matching engine where it is needed."
    },
    "digest.cli.doctor": {
        "doctor": "Check the installation: settings, database, mail and workers. Also its readiness for bulk mail."
    },
    "digest.cli.backup": {
        "backup": "Write database, .env and keys to one file and verify it. The service may run meanwhile.",
        "restore": "Restore a backup into an empty database. Existing settings and keys are kept.",
        "move": "Copy everything to another database and compare it. The present one is not changed.",
    },
    "digest.cli.config": {"config": "Check the settings, or show them with secrets hidden."},
    "digest.cli.ingest": {
        "ingest": "Fetch papers, from all sources or one: what is due, or given days. Repeating it changes nothing."
    },
    "digest.cli.sources": {
        "sources": "List and pause the sources of papers. Test, add, confirm, restore and remove feeds."
    },
    "digest.cli.preview": {"preview": "Show what a profile would have received, day by day. Nobody is subscribed."},
    "digest.cli.library": {"library": "Read a library of papers: a file, identifiers, Zotero or ORCID."},
    "digest.cli.run": {"run": "Select, queue and deliver the editions that are due. Repeating it sends nothing twice."},
    "digest.cli.mail_command": {
        "mail": "Mail the papers of the day to one address, without a server. A second time on a day sends nothing."
    },
    "digest.cli.replay": {
        "replay": "Show what would have been sent, day by day. Uses the stored papers; nothing is stored or sent."
    },
    "digest.cli.why": {"why": "Explain why a subscriber got a paper or not, or no mail."},
    "digest.cli.export": {"export": "Export papers as citations."},
    "digest.cli.bounces": {"bounces": "Process returned mail."},
    "digest.cli.keys": {"dkim": "Make keys that sign mails."},
    "digest.cli.admin": {"admin": "Manage runs, subscribers, suppressions, domains and tokens."},
}


def build_app(dependencies: Dependencies) -> typer.Typer:
    """All commands of the core; the composition root adds those that start processes."""
    app = typer.Typer(
        name="digest",
        cls=lazy_group(COMMANDS, dependencies),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help="A daily e-mail with the research papers that are new and rising for each subscriber's topics.",
    )

    @app.callback()
    def main(
        version: Annotated[
            bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version.")
        ] = False,
        env_file: Annotated[
            Path | None, typer.Option("--env-file", metavar="FILE", help="Read settings from FILE instead of .env.")
        ] = None,
        verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log to standard error.")] = False,
    ) -> None:
        os.umask(PRIVATE_UMASK)
        if env_file is not None:
            _use_env_file(env_file)
        logs.configure(level="INFO" if verbose else "WARNING", json=False)

    return app


@output.report_errors
def _use_env_file(file: Path) -> None:
    from digest import settings  # imported only where it is needed: `digest --help` is fast without it

    settings.use_env_file(file)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"papers-inbox {__version__}")
        raise typer.Exit
