"""Commands are imported when they are called; what the listing says of them is what they say themselves."""

from __future__ import annotations

from typing import Any

import pytest
import typer.main

from digest.cli.app import COMMANDS, build_app
from digest.cli.cli_dependencies import Dependencies
from digest.cli.lazy_commands import LazyGroup
from digest.queues import NoQueue
from tests.digest.cli.conftest import Terminal


def group() -> LazyGroup:
    command = typer.main.get_command(build_app(Dependencies(enqueue=NoQueue, seeds=lambda files, today: [])))
    assert isinstance(command, LazyGroup)
    return command


@pytest.mark.parametrize("name", [name for commands in COMMANDS.values() for name in commands])
def test_the_listing_says_what_the_command_says(name: str) -> None:
    commands: Any = group()
    help_text = commands.commands[name].help
    commands.load(name)

    assert commands.commands[name].help == help_text


def test_every_command_of_the_modules_is_listed() -> None:
    commands: Any = group()
    names = list(commands.commands)
    commands.load_all()

    assert list(commands.commands) == names


def test_a_misspelt_command_is_answered_with_the_one_meant(terminal: Terminal) -> None:
    code, error = terminal.refused("migrat")

    assert code == 2
    assert "Did you mean 'migrate'?" in error
