"""The command line: the groups of commands under one name."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from digest import __version__, logs
from digest.cli import admin, bounces, ingest, preview, replay, run, setup, why
from digest.cli.outside import Outside

PRIVATE_UMASK = 0o077  # what any command or process writes, DATA_DIR first of all, is its owner's alone


def build(outside: Outside) -> typer.Typer:
    """All commands of the core; the composition root adds those that start processes."""
    app = typer.Typer(
        name="digest",
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

    for group in (setup, ingest, preview, run, replay, why, bounces, admin):
        group.register(app, outside)
    return app


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"papers-inbox {__version__}")
        raise typer.Exit
