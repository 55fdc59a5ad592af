"""`digest bounces`: process returned mail."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from digest.cli import exit_codes, output
from digest.cli.cli_dependencies import Dependencies
from digest.errors import BadInput, DigestError
from digest.mail import bounces as returned_mail
from digest.mail.bounces.parsed_message import MAX_BYTES
from digest.services.bounces import imap_poll, maildir, process_reports
from digest.services.bounces.maildir import ProcessedMessage


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Process returned mail.")
    app.add_typer(group, name="bounces")

    @group.callback()
    def only() -> None:
        """Process returned mail."""

    @group.command()
    @output.report_errors
    def ingest(
        folder: Annotated[
            Path | None, typer.Option("--maildir", metavar="DIR", help="Process the new mail of this Maildir.")
        ] = None,
        stdin: Annotated[bool, typer.Option("--stdin", help="Read one message, as piped by a mail server.")] = False,
        imap: Annotated[bool, typer.Option("--imap", help="Process the folder of DIGEST_BOUNCE_IMAP_HOST.")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Classify, but change nothing.")] = False,
        json: Annotated[bool, typer.Option("--json", help="Print one line of JSON per message.")] = False,
    ) -> None:
        """Process bounces, complaints, replies and unsubscribe mails. Only those about our mail count."""
        if [folder is not None, stdin, imap].count(True) != 1:
            raise BadInput("give one of --maildir FOLDER, --imap and --stdin")
        if folder is not None:
            messages = maildir.ingest(folder, dry_run=dry_run)
        else:
            messages = imap_poll.ingest(dry_run=dry_run) if imap else _process_stdin(dry_run=dry_run)
        _print_messages(messages, json=json)


def _process_stdin(*, dry_run: bool) -> Iterator[ProcessedMessage]:
    """Process one message from a mail server. After any error the server must keep the message and retry."""
    if sys.stdin is None:  # it was closed
        raise output.fail("try again later: standard input is closed", exit_codes.EX_TEMPFAIL)
    raw = sys.stdin.buffer.read(MAX_BYTES)
    while sys.stdin.buffer.read(1 << 16):
        pass  # read to the end: the server takes a pipe closed early for a failure
    if dry_run:
        yield ProcessedMessage("-", returned_mail.classify_message(raw, process_reports.attribution_keys()), "")
        return
    try:
        (classified, outcome), *_ = process_reports.process_messages([raw])
    except (DigestError, SQLAlchemyError) as error:
        reason = str(error) if isinstance(error, DigestError) else type(error).__name__
        raise output.fail(f"try again later: {reason}", exit_codes.EX_TEMPFAIL) from error
    yield ProcessedMessage("-", classified, outcome)


def _print_messages(messages: Iterable[ProcessedMessage], *, json: bool) -> None:
    kinds: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for message in messages:
        classified = message.classified
        kinds[classified.kind] += 1
        outcomes[message.outcome] += 1
        if json:
            details = {"recipients": classified.recipients, "status": classified.status}
            output.emit_json({"file": message.file, "kind": classified.kind, **details})
    if not json:
        output.print_line(f"{output.count_of(kinds.total(), 'message')}: {_format_counts(kinds) or 'nothing new'}")
        if outcome_counts := _format_counts(Counter({name: count for name, count in outcomes.items() if name})):
            output.print_line(f"outcomes: {outcome_counts}")


def _format_counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common())
