"""How commands speak: tables without boxes, two colours, plain where it is not a terminal; errors in one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.theme import Theme

from digest.errors import BadInput, DigestError, Misconfigured

DONE, FAILED, WRONG = 0, 1, 2

_THEME = Theme({"accent": "#0b7285", "rising": "#c2501f", "muted": "dim", "good": "#2b7a3d", "bad": "bold #c2501f"})

P = ParamSpec("P")
R = TypeVar("R")


def console(*, stderr: bool = False) -> Console:
    """A console that honours NO_COLOR and pipes."""
    return Console(theme=_THEME, stderr=stderr, highlight=False, soft_wrap=True)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: Sequence[str] = ()) -> None:
    """Print rows under their columns; those named in `numbers` stand to the right."""
    shown = Table(box=None, header_style="muted", pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        shown.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        shown.add_row(*("" if cell is None else str(cell) for cell in row))
    console().print(shown)


def listing(rows: Sequence[Mapping[str, object]], *, json: bool) -> None:
    """Rows as JSON, or as a table under their names."""
    if json:
        emit(rows)
        return
    if not rows:
        say("none")
        return
    numbers = [name for name, value in rows[0].items() if isinstance(value, int)]
    table(list(rows[0]), [list(row.values()) for row in rows], numbers=numbers)


def say(line: str) -> None:
    """One line for the person at the terminal; may carry rich markup."""
    console().print(line)


def emit(value: Any) -> None:
    """One JSON value on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def fail(message: str, code: int = FAILED) -> typer.Exit:
    """One clear line on standard error; raise what this returns."""
    console(stderr=True).print(f"[bad]digest:[/bad] {_plain(message)}")
    return typer.Exit(code)


def _plain(text: str) -> str:
    return text.replace("[", "\\[")


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the project's own errors into one line and an exit code: 2 for wrong usage or settings, else 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (BadInput, Misconfigured) as error:
            raise fail(str(error), WRONG) from error
        except DigestError as error:
            raise fail(str(error)) from error

    return run
