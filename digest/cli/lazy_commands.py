"""Commands that are imported when they are called, so that `digest --help` and a health check start fast."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_origin

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup, TyperOption

from digest.cli.cli_dependencies import Dependencies

# The commands of each module, with their help for the listing; a test compares it with the command's own help.
CommandModules = Mapping[str, Mapping[str, str]]

_VALUE_NAMES = {str: "TEXT", int: "N", float: "N", Path: "PATH"}


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
            _name_values(command)
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
            _name_values(command)
            self.add_command(command, command_name)
            self._module_of.pop(command_name, None)

    def load_all(self) -> None:
        """Import all commands (tests, documentation)."""
        for name in tuple(self._module_of):
            self.load(name)


def _name_values(command: Any) -> None:
    """Give the options of a command and its subcommands a plain name for their value, where they have none.

    Typer would print that of the Python type: `<list[str]>`, `<int range>`.
    """
    for subcommand in getattr(command, "commands", {}).values():
        _name_values(subcommand)
    for option in command.params:
        if isinstance(option, TyperOption) and option.metavar is None and not option.is_flag:
            value_type = getattr(getattr(option, "type_descriptor", None), "annotation", None)
            if get_origin(value_type) is list:
                (value_type,) = get_args(value_type)
            option.metavar = _VALUE_NAMES.get(value_type) if isinstance(value_type, type) else None


def lazy_group(modules: CommandModules, dependencies: Dependencies) -> type[LazyGroup]:
    """The class of a group with these modules' commands, for `typer.Typer(cls=…)`."""

    class CommandGroup(LazyGroup):
        """The group of one application."""

    CommandGroup.modules, CommandGroup.dependencies = modules, dependencies
    return CommandGroup
