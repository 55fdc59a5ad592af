"""docker-compose.yml as Compose reads it: variables are substituted, missing ones are an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from tests.conftest import ROOT

FILE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")
_UNITS = {"s": 1, "m": 60}


class Unset(Exception):
    """A variable that must be set is not."""


def services(environment: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The services by name, with these variables. Raises Unset naming the first that is missing."""
    services_by_name: dict[str, dict[str, Any]] = _filled(yaml.safe_load(FILE.read_text()), environment)["services"]
    return services_by_name


def secrets() -> dict[str, str]:
    """The file of each secret by its name."""
    return {name: secret["file"] for name, secret in yaml.safe_load(FILE.read_text())["secrets"].items()}


def seconds(text: str) -> int:
    """`90s` and `2m` in seconds."""
    return int(text[:-1]) * _UNITS[text[-1]]


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(part, environment) for name, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, environment) for part in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _value(match, environment), value)
    return value


def _value(match: re.Match[str], environment: Mapping[str, str]) -> str:
    name, kind, text = match.groups()
    if value := environment.get(name):
        return value
    if kind == "?":
        raise Unset(f"{name}: {text}")
    return str(text or "")
