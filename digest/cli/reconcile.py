"""`digest admin reconcile`: settle what a restored backup does not know by a mail log."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from digest.cli import output
from digest.db.core import schema_migration
from digest.errors import BadInput
from digest.services.admin import configuration
from digest.services.runs import reconcile_mail_log
from digest.services.runs.reconcile_mail_log import Reconciliation

_DECISION_HINT = (
    "the log does not show whether mails marked with decide were editions of ours: for those that were, put lines such "
    'as {"message_id": "…", "recipient": "…", "at": "…", "kind": "digest"} into a file, and give it to --mail-log'
)
_OPENERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}  # by how a file begins
_ZSTD = b"\x28\xb5\x2f\xfd"
MAX_ROWS = 50  # of the table; --json lists all


def add(admin: typer.Typer) -> None:
    """Add the command."""

    @admin.command()
    @output.report_errors
    def reconcile(
        mail_log: Annotated[
            list[Path],
            typer.Option(
                metavar="FILE",
                help="A log of Postfix, Exim or OpenSMTPD, JSON lines, or lines of Message-ID, recipient and time. "
                "May be repeated, the oldest first; compressed ones are read.",
            ),
        ],
        apply: Annotated[bool, typer.Option("--apply", help="Record it. Without it nothing changes.")] = False,
        json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """After a restore: record the mails that a mail log shows as sent, so that nobody gets them twice."""
        configuration.require_valid()
        schema_migration.require_newest()
        with _open_logs(mail_log) as lines:
            result = reconcile_mail_log.reconcile(lines, apply=apply)
        _require_understood(result)
        if json:
            output.emit_json(_to_json(result, applied=apply))
        else:
            _print(result, applied=apply)


@contextmanager
def _open_logs(files: Sequence[Path]) -> Iterator[Iterator[str]]:
    """The lines of these logs, one after the other, because a mail may begin in one and end in the next."""
    with ExitStack() as stack:
        yield chain.from_iterable(stack.enter_context(_open_log(file)) for file in files)


@contextmanager
def _open_log(file: Path) -> Iterator[Iterator[str]]:
    """The lines of a log, also of a compressed one."""
    try:
        with file.open("rb") as stream:
            start = stream.read(6)
        if start.startswith(_ZSTD):
            raise BadInput(f"--mail-log: {file} is compressed by zstd; uncompress it first: zstd -d", field="mail-log")
        open_text: Any = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), open)
        with open_text(file, "rt", encoding="utf-8", errors="replace") as lines:
            yield iter(lines)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BadInput(f"--mail-log: {file} can't be read ({reason[:80]})", field="mail-log") from error


def _require_understood(result: Reconciliation) -> None:
    """Raises BadInput where the file is no log, of which nothing was recorded."""
    if result.log.lines and result.log.unknown == result.log.lines:
        raise BadInput(
            "--mail-log: no line of it is understood; `digest admin reconcile --help` lists the forms that are read",
            field="mail-log",
        )


def _to_json(result: Reconciliation, *, applied: bool) -> dict[str, object]:
    rows = [
        {
            "recipient": row.recipient,
            "kind": row.kind,
            "at": row.at.isoformat() if row.at else None,
            "action": row.action,
            "delivery": row.delivery,
        }
        for row in result.rows
    ]
    unknown = {"count": result.log.unknown, "lines": [{"line": n, "text": text} for n, text in result.log.samples]}
    return {"applied": applied, "mails": rows, "foreign": result.foreign, "unknown": unknown}


def _print(result: Reconciliation, *, applied: bool) -> None:
    output.print_table(
        ["recipient", "mail", "sent (UTC)", "what to do"],
        [
            (row.recipient, row.kind, f"{row.at:%Y-%m-%d %H:%M}" if row.at else "", row.action)
            for row in result.rows[:MAX_ROWS]
        ],
    )
    if len(result.rows) > MAX_ROWS:
        output.print_line(f"and {len(result.rows) - MAX_ROWS} more; --json lists all")
    actions = dict.fromkeys(row.action for row in result.rows)
    counts = ", ".join(f"{result.count(action)} {action}" for action in actions) or "none of ours"
    lines = output.count_of(result.log.lines, "line")
    output.print_line(f"{lines}, {len(result.rows)} of our mails ({counts}), {result.foreign} of others")
    if result.log.unknown:
        output.print_line(f"{output.count_of(result.log.unknown, 'line was', 'lines were')} not understood, such as:")
        for number, text in result.log.samples:
            output.print_line(f"  line {number}: {output.plain_text(text)}")
    if result.count(reconcile_mail_log.NO_PAPERS):
        output.print_line("where papers are not stored: run `digest ingest` for the missing days, then repeat this")
    if sum(map(result.count, reconcile_mail_log.FOR_DECISION)):
        output.print_line(_DECISION_HINT)
    changes = sum(result.count(action) for action in reconcile_mail_log.CHANGES)
    if applied:
        output.print_line(f"recorded: {output.count_of(changes, 'mail')}")
    elif changes:
        output.print_line("nothing was changed; --apply records it")
