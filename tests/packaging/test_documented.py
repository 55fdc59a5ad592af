"""Documents and program agree: each command and setting is documented, and what is documented is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from digest import settings
from digest.services.admin import configuration
from digest.settings import Settings, TextSetting
from tests.conftest import ROOT
from workers.commands import app

MANUALS = ("README.md", "OPERATIONS.md")
DOCUMENTS = (*MANUALS, "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
SOURCE_SETTINGS = configuration.declared_settings()
SETTINGS = {name.upper() for name in (*Settings.model_fields, *(setting.name for setting in SOURCE_SETTINGS))}
_SETTING = re.compile(r"DIGEST_([A-Z][A-Z_]+[A-Z])")
_CODE = re.compile(r"```\w*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
_LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")
# Our variables that are not settings of the program.
OF_TESTS = {"TEST_SHARED", "SOAK_MINUTES", "SOAK_DATABASE", "SOAK_FOLDER"}


def commands(group: Any, path: tuple[str, ...] = ("digest",)) -> Iterator[tuple[str, Any]]:
    """Every command below a group, by its whole name. (Typer's own click has no types to name here.)"""
    if not hasattr(group, "commands"):
        yield " ".join(path), group
        return
    for name, command in group.commands.items():
        yield from commands(command, (*path, name))


GROUP: Any = typer.main.get_command(app)
GROUP.load_all()
COMMANDS = dict(commands(GROUP))


def code(document: str) -> list[str]:
    """Every line of code of a document: fenced blocks and words in backticks."""
    blocks = _CODE.findall((ROOT / document).read_text(encoding="utf-8"))
    return [line.partition(" #")[0].strip() for pair in blocks for line in "".join(pair).splitlines()]


def invocations(document: str) -> list[list[str]]:
    """Every command line of `digest` that a document shows, as words."""
    lines = re.split(r"&&|\||;", "\n".join(code(document)).replace("\n", ";"))
    commands = [line.replace("docker compose exec web", "").split() for line in lines]
    return [line for line in commands if line[:1] == ["digest"] and len(line) > 1 and not line[1].startswith("-")]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_value_that_a_command_takes_has_a_name(command: str) -> None:
    takes_values = [
        parameter
        for parameter in COMMANDS[command].params
        if not getattr(parameter, "is_flag", False) and not parameter.type_descriptor.choices
    ]

    assert [parameter.name for parameter in takes_values if not parameter.metavar] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_values_as_people_do_and_not_as_python_does(command: str) -> None:
    help_text = CliRunner().invoke(app, [*command.split()[1:], "--help"]).output

    assert not [word for word in ("<str>", "<int", "<list", "<path>", "<float", "range>") if word in help_text]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_documented(command: str) -> None:
    command_lines = [" ".join(line) + " " for document in MANUALS for line in invocations(document)]

    assert any(line.startswith(f"{command} ") for line in command_lines)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_documented_command_exists_with_its_options(document: str) -> None:
    unknown_commands = [" ".join(line) for line in invocations(document) if not _exists(line)]

    assert unknown_commands == []


def _exists(line: list[str]) -> bool:
    text = " ".join(line) + " "
    click_command = next((command for name, command in COMMANDS.items() if text.startswith(f"{name} ")), None)
    if click_command is None:
        return any(name.startswith(text) for name in COMMANDS)  # a group
    options = {option for parameter in click_command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return {word.partition("=")[0] for word in line if word.startswith("--")} <= options | {"--help"}


def test_the_example_has_every_setting_and_no_other() -> None:
    names = re.findall(r"^DIGEST_(\w+)=", EXAMPLE, re.MULTILINE)

    assert sorted(names) == sorted(SETTINGS)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_example_states_the_default_of_a_setting(name: str, configured: Callable[..., None]) -> None:
    line = re.search(rf"^DIGEST_{name.upper()}=(.*)$", EXAMPLE, re.MULTILINE)
    assert line is not None
    if line[1]:
        configured(**{name.upper(): line[1]})
        assert getattr(settings.get(), name) == Settings.model_fields[name].default


@pytest.mark.parametrize("setting", SOURCE_SETTINGS, ids=lambda setting: setting.name)
def test_the_example_states_the_default_of_a_sources_setting(setting: TextSetting) -> None:
    assert re.search(rf"^DIGEST_{setting.name.upper()}={re.escape(setting.default)}$", EXAMPLE, re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_documented_setting_exists(document: str) -> None:
    named = set(_SETTING.findall((ROOT / document).read_text(encoding="utf-8"))) - OF_TESTS

    assert named <= SETTINGS


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_documented_target_of_make_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {line.split()[1] for line in code(document) if re.match(r"make [a-z]", line)}

    assert named <= targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_link_to_a_file_leads_somewhere(document: str) -> None:
    links = {link for link in _LINK.findall((ROOT / document).read_text(encoding="utf-8")) if "://" not in link}

    assert {link for link in links if not (ROOT / Path(link)).exists()} == set()
