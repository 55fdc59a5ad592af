"""Commands that are imported when they are called, so that `digest --help` and a health check start fast."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

import typer
import typer.main
from typer.core import TyperArgument, TyperCommand, TyperGroup

from digest.cli.cli_dependencies import Dependencies

# The commands of each module, with their help for the listing; a test compares it with the command's own help.
CommandModules = Mapping[str, Mapping[str, str]]


class LazyGroup(TyperGroup):
    """A group that imports the module of a command when the command is called; the listing shows stubs."""

    modules: CommandModules
    dependencies: Dependencies

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        eager = dict(self.commands)
        self.commands.clear()
        self._module_of = {name: module for module, commands in self.modules.items() for name in commands}
        for commands in self.modules.values():
            for name, help_text in commands.items():
                self.add_command(TyperCommand(name=name, help=help_text))
        for name, command in eager.items():
            _hide_types(command)
            self.add_command(command, name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the module of the called command, then resolve it as usual."""
        self.load(args[0])
        return super().resolve_command(ctx, args)

    def load(self, name: str) -> None:
        """Replace the stubs of that command's module with the real commands."""
        module = self._module_of.get(name)
        if module is None:
            return
        registered = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
        import_module(module).register(registered, self.dependencies)
        for command_name, command in typer.main.get_group(registered).commands.items():
            _hide_types(command)
            self.add_command(command, command_name)
            self._module_of.pop(command_name, None)

    def load_all(self) -> None:
        """Import all commands (tests, documentation)."""
        for name in tuple(self._module_of):
            self.load(name)


def _hide_types(command: Any) -> None:
    """Show the arguments of a command and its subcommands as `FILE`, not as `FILE <path>`, which Typer does."""
    for subcommand in getattr(command, "commands", {}).values():
        _hide_types(subcommand)
    for parameter in command.params:
        if isinstance(parameter, TyperArgument) and parameter.metavar is not None:
            cast(Any, parameter).display_type_rich = _no_type


def _no_type(ctx: object) -> None:
    """What stands for the type of an argument whose name says it."""


def lazy_group(modules: CommandModules, dependencies: Dependencies) -> type[LazyGroup]:
    """The class of a group with these modules' commands, for `typer.Typer(cls=…)`."""

    class CommandGroup(LazyGroup):
        """The group of one application."""

    CommandGroup.modules, CommandGroup.dependencies = modules, dependencies
    return CommandGroup
