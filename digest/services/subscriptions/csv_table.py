"""Read a table: CSV with `,`, `;` or tabs, or a JSON array of objects. Errors name line and column.

An error of the whole file (encoding, header, quotes) is raised before any row is returned. An error of one row is
returned with that row, so that the caller can continue with the next.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digest.errors import BadInput

MAX_ROWS, MAX_BYTES = 100_000, 64 * 1024 * 1024
DELIMITERS = (",", ";", "\t")  # in this order where the header fits several
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # written by spreadsheets, before the header
_WIDE_ENCODINGS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row. `line`: where it begins, from 1. `cells` by column, without those that are blank or missing.

    `error`: why the row can't be used, '' where it can.
    """

    line: int
    cells: Mapping[str, str]
    error: str = ""


def read_table(
    file: Path, columns: Collection[str], *, required: str, aliases: Mapping[str, str]
) -> tuple[list[CsvRow], bool]:
    """The rows of a file, and whether it was JSON. `aliases`: wrong names of columns, to suggest the right one.

    Raises BadInput where the file as a whole can't be used.
    """
    text = _read_text(file)
    try:
        if text.lstrip().startswith("["):
            return list(_json_rows(text, _Header(columns, required, aliases))), True
        return list(_csv_rows(text, _Header(columns, required, aliases))), False
    except BadInput as error:
        raise BadInput(f"{file}: {error}", field="file") from error


def _read_text(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise BadInput(f"{file}: larger than {MAX_BYTES} bytes", field="file")
        raw = file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file}: can't be read ({error.strerror})", field="file") from error
    if raw.startswith(_WIDE_ENCODINGS) or raw[:200].count(0) * 3 > len(raw[:200]):
        raise BadInput(f"{file}: is UTF-16 or UTF-32 text; save it as UTF-8", field="file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _line_and_column(raw, error.start)
        where = f"{file}: line {line}, character {column}: byte 0x{raw[error.start]:02x} is not UTF-8"
        raise BadInput(f"{where} (the file may be Latin-1 or Windows-1252); save it as UTF-8", field="file") from error


def _line_and_column(raw: bytes, offset: int) -> tuple[int, int]:
    """Line and character of a byte, from 1."""
    before = raw[:offset]
    line_start = before.rfind(b"\n") + 1
    return len(before.split(b"\n")), len(before[line_start:].decode("utf-8", "replace")) + 1


class _Header:
    """The allowed columns, and the errors for wrong ones."""

    def __init__(self, columns: Collection[str], required: str, aliases: Mapping[str, str]) -> None:
        self.columns = columns
        self._required = required
        self._aliases = aliases

    def count_known(self, names: Sequence[str]) -> int:
        """How many of these are columns."""
        return sum(_normalized(name) in self.columns for name in names)

    def read(self, names: Sequence[str]) -> list[str]:
        """The columns as named in the first line; blank ones at its end stand for no column. Raises BadInput."""
        columns = [_normalized(name) for name in names]
        while columns and not columns[-1]:
            columns.pop()
        self.check(columns, "column {}, ")
        if self._required not in columns:
            missing = f"the first line must name the columns, {self._required!r} among them"
            raise BadInput(f"line 1: {missing} (known: {', '.join(self.columns)})")
        return columns

    def check(self, names: Sequence[str], where: str) -> None:
        """Raises BadInput for a name that is unknown, or there twice."""
        for position, name in enumerate(names, 1):
            if not name:
                raise BadInput(f"line 1: {where.format(position)}has no name")
            if name not in self.columns:
                raise BadInput(f"line 1: {where.format(position)}{self.unknown_column_error(name)}")
            if name in names[: position - 1]:
                first_position = names.index(name) + 1
                raise BadInput(
                    f"line 1: {where.format(position)}{name!r} stands twice, first as column {first_position}"
                )

    def unknown_column_error(self, name: str) -> str:
        """The error message for an unknown column."""
        close_matches = difflib.get_close_matches(name, self.columns, n=1, cutoff=0.7)
        suggestion = self._aliases.get(name) or (close_matches[0] if close_matches else "")
        hint = f"did you mean {suggestion!r}?" if suggestion else f"known are {', '.join(self.columns)}"
        return f"{name[:40]!r} is no column here; {hint}"


def _normalized(name: str) -> str:
    """A column's name in lower case with underscores: ` Time Zone` is `time_zone`."""
    return re.sub(r"[\s_-]+", "_", name.replace("\ufeff", "").strip().casefold())


def _csv_rows(text: str, header: _Header) -> Iterator[CsvRow]:
    separator_line = _SEPARATOR_LINE.match(text)
    body = text[separator_line.end() :] if separator_line else text
    delimiter = separator_line[1] if separator_line else _guess_delimiter(body, header)
    records = _records(body, delimiter, skipped=1 if separator_line else 0)
    line, first_cells = next(records, (1, []))
    if isinstance(first_cells, str):
        raise BadInput(f"line {line}: {first_cells}")
    columns, width = header.read(first_cells), len(first_cells)
    for count, (line, cells) in enumerate(records, 1):
        if count > MAX_ROWS:
            raise BadInput(f"line {line}: more than {MAX_ROWS} rows; import them in parts")
        yield CsvRow(line, {}, cells) if isinstance(cells, str) else _table_row(line, cells, columns, width)


def _table_row(line: int, cells: Sequence[str], columns: Sequence[str], width: int) -> CsvRow:
    if len(cells) > width:
        problem = f"column {width + 1}: {len(cells)} cells, but {width} columns (does a cell need quotes?)"
        return CsvRow(line, {}, problem)
    named = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if cell.strip()}
    if any(cell.strip() for cell in cells[len(columns) :]):
        return CsvRow(line, named, f"column {len(columns) + 1}: a cell under no name")
    return CsvRow(line, named, _storage_error(named))


def _storage_error(cells: Mapping[str, str]) -> str:
    """Why a row's cells can't be stored in every database, '' where they can."""
    for name, cell in cells.items():
        if "\0" in cell:
            return f"{name}: holds a NUL character"
        if any("\ud800" <= character <= "\udfff" for character in cell):
            return f"{name}: holds half of a character (a lone surrogate)"
    return ""


def _guess_delimiter(text: str, header: _Header) -> str:
    """The delimiter with which the header has the most known columns."""
    header_line = next((line for line in text.splitlines() if line.strip()), "")
    cells_by_delimiter = {delimiter: _cells(header_line, delimiter) for delimiter in DELIMITERS}
    return max(
        DELIMITERS,
        key=lambda delimiter: (header.count_known(cells_by_delimiter[delimiter]), len(cells_by_delimiter[delimiter])),
    )


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []


def _records(text: str, delimiter: str, *, skipped: int) -> Iterator[tuple[int, list[str] | str]]:
    """Each record that is not blank, or why it can't be read, with the line it begins in.

    Raises BadInput where the end of a record can't be determined.
    """
    records = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        line = skipped + records.line_num + 1
        try:
            cells = next(records, None)
        except csv.Error as error:
            yield line, _broken_record(line, error)
            continue
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


def _broken_record(line: int, error: csv.Error) -> str:
    """The error message of one record. Raises BadInput where it includes the records after it."""
    words = str(error)
    if "field limit" in words:
        limit = csv.field_size_limit()
        raise BadInput(f"line {line}: a cell is longer than {limit} characters (is a quote left open?)") from error
    if "unexpected end" in words:
        raise BadInput(f"line {line}: a quote is opened and never closed") from error
    return "a quote inside a cell: put the whole cell in quotes, and write each quote in it twice"


def _json_rows(text: str, header: _Header) -> Iterator[CsvRow]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"is no JSON ({str(error)[:100]})") from error
    if len(rows) > MAX_ROWS:
        raise BadInput(f"{len(rows)} rows; import at most {MAX_ROWS} at a time")
    for number, row in enumerate(rows, 1):
        yield _json_row(number, row, header)


def _json_row(number: int, row: Any, header: _Header) -> CsvRow:
    if not isinstance(row, dict):
        return CsvRow(number, {}, "expected an object")
    unknown = next((name for name in row if name not in header.columns), None)
    if unknown is not None:
        return CsvRow(number, {}, header.unknown_column_error(unknown))
    invalid = next((name for name, value in row.items() if isinstance(value, dict | float)), None)
    if invalid is not None:
        return CsvRow(number, {}, f"{invalid}: expected a text, a list, a whole number, true, false or null")
    cells = {name: text for name, value in row.items() if (text := _json_cell(value))}
    return CsvRow(number, cells, _storage_error(cells))


def _json_cell(value: Any) -> str:
    """A JSON value as the text of a cell; a list has one entry a line."""
    if value is None:
        return ""
    if isinstance(value, list):
        texts = all(isinstance(item, str) for item in value)
        return "\n".join(value) if texts else json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if isinstance(value, bool) else str(value).strip()
