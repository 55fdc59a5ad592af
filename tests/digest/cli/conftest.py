"""The command line: arguments in, exit code and lines out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from typing import Any

import click
import pytest
import structlog
import typer.main
import typer.testing
from typer.testing import CliRunner

from digest.cli.app import build_app
from digest.cli.cli_dependencies import Dependencies
from digest.queues import NoQueue
from seeds import loader
from tests.servers import MailServer

DAY = date(2025, 11, 17)


_APP = build_app(Dependencies(enqueue=NoQueue, seeds=lambda files, today: loader.load(files, today=today)))


@pytest.fixture(scope="session", autouse=True)
def commands_made_once() -> Iterator[None]:
    """`CliRunner.invoke` makes all commands of an application anew, which costs more than most of them do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache(typer.main.get_command))
        yield


class Terminal:
    """Runs `digest` in this process."""

    def __init__(self) -> None:
        self._runner = CliRunner()

    def run(self, *arguments: str, **more: Any) -> click.testing.Result:
        result = self._runner.invoke(_APP, list(arguments), **more)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception  # a user's mistake must not cause a traceback
        return result

    def ok(self, *command: str) -> str:
        """Standard output of a command that must work."""
        result = self.run(*command)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    def refused(self, *command: str) -> tuple[int, str]:
        """Exit code and standard error of a command that must not."""
        result = self.run(*command)
        assert result.exit_code != 0
        return result.exit_code, result.stderr


@pytest.fixture
def terminal(configured: Callable[..., None]) -> Iterator[Terminal]:
    handlers = logging.root.handlers[:]
    yield Terminal()
    structlog.reset_defaults()  # the command's logs went to a standard error that is closed now
    logging.root.handlers[:] = handlers


@pytest.fixture
def ready(database: str, configured: Callable[..., None], smtp: MailServer, terminal: Terminal) -> Terminal:
    """A terminal of an installation that is set up and empty."""
    configured(SECRET_KEY="a key for tests of at least 32 bytes", BASE_URL="https://digest.example")
    return terminal
