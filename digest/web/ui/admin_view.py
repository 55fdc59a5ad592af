"""View models of the administrators' pages, which `admin_page.html` shows: sections with lines, tables and forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode

from digest.errors import N_

PAGE_ROWS = 100
NAVIGATION = (
    ("", N_("Overview")),
    ("/health", N_("Health")),
    ("/runs", N_("Runs")),
    ("/mails", N_("Mails")),
    ("/subscribers", N_("Subscribers")),
    ("/bounces", N_("Bounces")),
    ("/suppressions", N_("Suppressions")),
    ("/sources", N_("Sources")),
    ("/tokens", N_("Tokens")),
    ("/settings", N_("Settings")),
    ("/audit", N_("Audit log")),
)
Row = TypeVar("Row")


class Cell(NamedTuple):
    """A cell of a table; with a `link`, its text leads there."""

    text: str
    link: str = ""
    is_number: bool = False


class RowAction(NamedTuple):
    """A button in a row. `label`: for screen readers, with the row's name; `fields`: hidden ones of its form."""

    text: str
    label: str
    path: str
    fields: tuple[tuple[str, str], ...]


class TableRow(NamedTuple):
    """The cells of a row, the first of which is its header, and its buttons."""

    cells: Sequence[Cell]
    actions: Sequence[RowAction] = ()


class Choice(NamedTuple):
    """A filter as a link, or an option of a field."""

    text: str
    value: str
    is_current: bool = False


class InputField(NamedTuple):
    """A field of a form. `kind`: an input's type, `select` with `choices`, or `check` for several of them."""

    name: str
    label: str
    kind: str = "text"
    value: str = ""
    choices: Sequence[Choice] = ()
    hint: str = ""
    is_required: bool = False


class AdminForm(NamedTuple):
    """A form with its button. `fields` may be empty; `action` is sent with the button."""

    path: str
    action: str
    button: str
    fields: Sequence[InputField] = ()
    lines: Sequence[str] = ()
    is_quiet: bool = True


@dataclass(frozen=True, slots=True)
class AdminSection:
    """A card. `figures`: (name, value, link); `search`: the field of a filter form; `next_link`: to more rows.

    `anchor`: for links to it.
    """

    heading: str = ""
    anchor: str = ""
    lines: Sequence[str] = ()
    figures: Sequence[tuple[str, str, str]] = ()
    filters: Sequence[Choice] = ()
    search: InputField | None = None
    columns: Sequence[str] = ()
    rows: Sequence[TableRow] = ()
    next_link: str = ""
    forms: Sequence[AdminForm] = ()


def utc(instant: datetime | None) -> str:
    """An instant as a table shows it; '' for none."""
    return f"{instant:%Y-%m-%d %H:%M}" if instant else ""


def number_cell(number: int, link: str = "") -> Cell:
    """A number; zero leads nowhere."""
    return Cell(str(number), link if number else "", is_number=True)


def query_path(path: str, **parameters: object) -> str:
    """A path with those parameters that are set."""
    query = urlencode({name: value for name, value in parameters.items() if value not in {"", None}})
    return f"{path}?{query}" if query else path


def split_page(rows: Sequence[Row], next_of: Callable[[Row], str]) -> tuple[Sequence[Row], str]:
    """The rows of a page, of which one more than PAGE_ROWS was read, and the link to the next ones; '' for none."""
    if len(rows) <= PAGE_ROWS:
        return rows, ""
    return rows[:PAGE_ROWS], next_of(rows[PAGE_ROWS - 1])
