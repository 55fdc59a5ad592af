"""Subscribers in bulk, as CSV: what is written out can be read in again, by another installation too."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path

from digest.errors import BadInput, DigestError, Refused
from digest.services import house

MOST_ROWS, MOST_BYTES = 100_000, 64 * 1024 * 1024
LISTS = ("topics", "exclusions", "authors")
COLUMNS = (
    *("address", "state", "topics", "exclusions", "categories", "authors", "close", "minimum", "limit"),
    *("cadence", "weekday", "time_zone", "send_at", "quiet_day", "paused_until"),
)
_KEPT = tuple(name for name in COLUMNS if name not in {"address", "state", "paused_until"})


def export_csv() -> str:
    """All subscribers, in the form that `import_csv` reads; several topics stand in one cell, a line each."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(house.subscriber_rows())
    return out.getvalue()


def _no_progress(_done: int, _total: int) -> None:
    pass


def import_csv(
    file: Path,
    *,
    consent: str,
    welcome: bool = True,
    dry_run: bool = False,
    progress: Callable[[int, int], None] = _no_progress,
) -> tuple[int, list[str]]:
    """Add people from a CSV file with a header. Returns how many, and one line for each row refused.

    Several topics stand in one cell, a line each or separated by `;`. Those whose state says that they left, or never
    confirmed, are refused. Without `welcome` nobody gets a first edition. `dry_run` adds nobody and says what would
    happen. `progress` is told how many rows of how many are done. Raises BadInput for the file as a whole.
    """
    rows, seen, bad = _rows(file), set[str](), list[str]()
    for done, (number, row) in enumerate(rows, 1):
        try:
            if dry_run:
                key = house.check(_values(row), consent=consent)
                if key in seen:
                    raise Refused("the same address stands further up")
                seen.add(key)
            else:
                house.add(_values(row), consent=consent, welcome=welcome)
        except DigestError as error:
            bad.append(f"line {number}: {error}")
        progress(done, len(rows))
    return len(rows) - len(bad), bad


def _rows(file: Path) -> list[tuple[int, dict[str, str | None]]]:
    """Each row with the number of its last line. Raises BadInput for a file that is no such table."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise BadInput(f"{file}: larger than {MOST_BYTES} bytes", field="file")
        reader = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline=""))
        rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: can't be read ({error})", field="file") from error
    except csv.Error as error:
        raise BadInput(f"{file}: line {reader.line_num}: {error}", field="file") from error
    if len(rows) > MOST_ROWS:
        raise BadInput(f"{file}: {len(rows)} rows; at most {MOST_ROWS} at a time", field="file")
    if "address" not in (reader.fieldnames or ()):
        raise BadInput(f"{file}: the first line must name the columns, `address` among them", field="file")
    return rows


def _values(row: Mapping[str, str | None]) -> dict[str, object]:
    values: dict[str, object] = {"address": (row.get("address") or "").strip()}
    state = (row.get("state") or "active").strip()
    if state != "active":
        raise BadInput(f"state: {state[:20]!r}; only active subscribers are taken over", field="state")
    for name in _KEPT:
        cell = (row.get(name) or "").strip()
        if cell:
            values[name] = cell.replace(";", "\n") if name in LISTS else cell
    return values
