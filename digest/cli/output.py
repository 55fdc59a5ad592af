"""Output of commands: tables without borders, few colours, plain text if it is not a terminal; one-line errors."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar

import typer

from digest.cli import exit_codes, table_layout
from digest.errors import BadInput, DigestError, Misconfigured
from digest.text import counted
from digest.text.plain_text import one_line

if TYPE_CHECKING:  # rich is imported only when something is printed: `digest --help` and services don't need it
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from digest.db.core.database_failures import DatabaseFailure

_YEARS = range(1900, 3000)  # of typed dates
_FAILURES_OF_MACHINE = frozenset(  # no errors of the program, whatever file they are about
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE}
)
_OWNER_CURE = "; run the command as the user of the service, or give it the file (chown)"
_ERROR_COLOUR = (0xC2, 0x51, 0x1F)
_THEME = {"accent": "#0b7285", "rising": "#c2501f", "muted": "dim", "good": "#2b7a3d", "bad": "bold #c2501f"}

P = ParamSpec("P")
R = TypeVar("R")


def date_option(help_text: str, *names: str) -> Any:
    """An option that takes a date."""
    return typer.Option(
        *names, formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help=help_text, callback=_require_usable_date
    )


def _require_usable_date(value: datetime | None) -> datetime | None:
    """The date of an option. Raises BadParameter for one so early or late that days can't be counted from it."""
    if value is not None and value.year not in _YEARS:
        raise typer.BadParameter(f"use a date from {_YEARS[0]} to {_YEARS[-1]}")
    return value


def console(*, stderr: bool = False) -> Console:
    """A console that honours NO_COLOR and pipes."""
    from rich.console import Console
    from rich.theme import Theme

    return Console(theme=Theme(_THEME), stderr=stderr, highlight=False, soft_wrap=True)


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    right_aligned: Sequence[str] = (),
    unbroken: Sequence[str] = (),
    show_header: bool = True,
    separate_rows: bool = True,
) -> None:
    """Print a table, or a list where the terminal is too narrow for it. Cells are text, never markup.

    Columns named in `right_aligned` are aligned right; those in `unbroken` are never wrapped. `separate_rows`: put a
    blank line between rows if any of them has several lines. Without a terminal lines are as long as they need to be.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    dates = [name for name, *values in zip(columns, *rows, strict=True) if any(isinstance(v, datetime) for v in values)]
    fixed = {*right_aligned, *unbroken, *(dates if show_header else ())}
    terminal = console()
    gap, widths = _layout(columns, cells, fixed, terminal, has_header=show_header)
    if widths is None and show_header:
        _print_list(columns, cells)
        return
    separate_rows = separate_rows and any("\n" in cell.plain for row in cells for cell in row)
    grid = _grid(gap, show_header=show_header, separate_rows=separate_rows)
    for position, name in enumerate(columns):
        justify: Literal["left", "right"] = "right" if name in right_aligned else "left"
        width = widths[position] if widths else None
        grid.add_column(name, justify=justify, overflow="fold", no_wrap=name in fixed, width=width)
    for row_number, row in enumerate(cells):
        if separate_rows and row_number:
            grid.add_row()
        grid.add_row(*row)
    terminal.print(grid, soft_wrap=False)


def _layout(
    columns: Sequence[str],
    cells: Sequence[Sequence[Text]],
    fixed: Collection[str],
    terminal: Console,
    *,
    has_header: bool,
) -> tuple[int, list[int] | None]:
    """The blanks between columns, and the columns' widths; None where they don't fit. May widen what is no terminal."""
    from rich.cells import cell_len

    texts = [
        [*([name] if has_header else []), *(line for row in cells for line in row[position].plain.split("\n"))]
        for position, name in enumerate(columns)
    ]
    natural = [max(map(cell_len, lines), default=0) for lines in texts]
    least = [
        table_layout.least_width(lines, is_unbroken=name in fixed, measure=cell_len)
        for name, lines in zip(columns, texts, strict=True)
    ]
    if not (terminal.is_terminal or os.environ.get("COLUMNS")):
        terminal.width = sum(natural) + table_layout.GAPS[0] * len(columns)
    for gap in table_layout.GAPS:
        widths = table_layout.fitted_widths(natural, least, terminal.width - gap * (len(columns) - 1))
        if widths is not None:
            return gap, widths
    return table_layout.GAPS[0], None


def _print_list(columns: Sequence[str], rows: Sequence[Sequence[Text]]) -> None:
    """Print each row as a block of lines, one for each column that is not empty."""
    for row_number, row in enumerate(rows):
        grid = _grid(2, show_header=False, separate_rows=False)
        grid.add_column("", style="muted", no_wrap=True, width=max(map(len, columns)))
        grid.add_column("", overflow="fold")
        for name, cell in zip(columns, row, strict=True):
            if cell.plain:
                grid.add_row(name, cell)
        if row_number:
            print_line("")
        console().print(grid, soft_wrap=False)


def _grid(gap: int, *, show_header: bool, separate_rows: bool) -> Table:
    from rich.table import Table

    return Table(
        box=None,
        header_style="muted",
        pad_edge=False,
        padding=(0, gap, 0, 0),
        show_header=show_header,
        leading=separate_rows,
    )


def _cell(value: object) -> Text:
    """The text of a cell, without control characters."""
    from rich.text import Text

    if isinstance(value, Text):
        return value
    if isinstance(value, datetime):
        return Text(f"{value:%Y-%m-%d %H:%M}")
    lines = ("" if value is None else str(value)).split("\n")
    return Text("\n".join(one_line(line) for line in lines))


def styled_cell(text: str, style: str) -> Text:
    """A cell in one of the theme's styles."""
    from rich.text import Text

    return Text(text, style=style)


def print_rows(rows: Sequence[Mapping[str, object]], *, json: bool, unbroken: Sequence[str] = ()) -> None:
    """Print rows as JSON, or as a table without its empty columns."""
    if json:
        emit_json(rows)
        return
    if not rows:
        print_line("none")
        return
    names = [name for name in rows[0] if any(row[name] not in {None, "", 0} for row in rows)]
    number_columns = [name for name in names if isinstance(rows[0][name], int)]
    print_table(
        [name.replace("_", " ") for name in names],
        [[row[name] for name in names] for row in rows],
        right_aligned=number_columns,
        unbroken=unbroken,
    )


class ShowProgress(Protocol):
    """Reports the progress of a command."""

    def __call__(self, done: int, total: int | None, label: str = "") -> None:
        """Show that `done` of `total` steps are done (None: unknown); `label` names the current one."""


@contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[ShowProgress]:
    """A progress bar on standard error; nothing if that is not a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    stderr_console = console(stderr=True)
    with Progress(
        *columns, console=stderr_console, transient=True, disable=quiet or not stderr_console.is_terminal
    ) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int | None, label: str = "") -> None:
            bar.update(task, completed=done, total=total, description=label)

        yield show


def print_line(line: str) -> None:
    """Print one line, which may contain rich markup. Text from outside must go through `plain_text`."""
    console().print(line)


@contextmanager
def print_progress(line: str) -> Iterator[None]:
    """Announce a long operation; on a terminal with a spinner and the elapsed time."""
    stdout_console = console()
    if not stdout_console.is_terminal:
        print_line(line)
        yield
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=stdout_console
    ) as progress:
        progress.add_task(line, total=None)
        yield


def plain_text(text: str) -> str:
    """Escape text from outside for a line that may contain markup."""
    from rich.markup import escape

    return escape(one_line(text))


def count_of(number: int, singular: str, plural: str = "") -> str:
    """A number of things: `1 mail`, `3 mails`. `plural`: where it has more than an s, `mails are overdue`."""
    return counted.count_of(number, singular, plural)


def emit_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=_json_default) + "\n")


def _json_default(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def fail(message: str, code: int = exit_codes.EXIT_FAILED) -> typer.Exit:
    """Print one line on standard error. Returns the exception to raise."""
    # Without rich: a health check that fails every minute must stay cheap.
    name = typer.style("digest:", fg=_ERROR_COLOUR, bold=True)
    typer.echo(f"{name} {one_line(message)}", err=True, color=False if os.environ.get("NO_COLOR") else None)
    return typer.Exit(code)


def report_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the project's errors into one line and an exit code: 2 for wrong usage or settings, else 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except DigestError as error:
            raise _exit_for(error) from error
        except _database_failures() as error:
            from digest.db.core import schema_migration

            raise _exit_for(schema_migration.explain_failure(error)) from error
        except OSError as error:
            if error.errno not in _FAILURES_OF_MACHINE:
                raise
            cure = _OWNER_CURE if error.errno in {errno.EACCES, errno.EPERM} else ""
            subject = error.filename or "a file, or the output, can't be written or read"
            raise fail(f"{subject}: {error.strerror}{cure}") from error

    return run


def _database_failures() -> tuple[type[DatabaseFailure], ...]:
    """The database exceptions that `schema_migration.explain_failure` explains; none if no database was used."""
    if "sqlalchemy" not in sys.modules:
        return ()
    from digest.db.core import database_failures

    return database_failures.FAILURES


def _exit_for(error: DigestError) -> typer.Exit:
    return fail(
        str(error), exit_codes.EXIT_USAGE if isinstance(error, BadInput | Misconfigured) else exit_codes.EXIT_FAILED
    )


def print_facts(row: Mapping[str, Any], *, json: bool) -> None:
    """Print one record, one field per line."""
    if json:
        emit_json(row)
    else:
        facts = [(name.replace("_", " "), row[name]) for name in row if row[name] != ""]
        print_table(["", ""], facts, show_header=False, separate_rows=False)
