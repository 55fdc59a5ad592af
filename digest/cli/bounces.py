"""`digest bounces`: what came back, judged and acted on."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from digest.cli import output
from digest.cli.outside import Outside
from digest.errors import BadInput, DigestError
from digest.mail import bounces as bounce
from digest.mail.bounces.parsed_message import MAX_BYTES
from digest.services.bounces import maildir, process_reports
from digest.services.bounces.maildir import Taken

EX_TEMPFAIL = 75  # sysexits.h: a mail server keeps the message and tries again


def register(app: typer.Typer, outside: Outside) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="What came back.")
    app.add_typer(group, name="bounces")

    @group.callback()
    def only() -> None:
        """What came back."""

    @group.command()
    @output.guarded
    def ingest(
        folder: Annotated[Path | None, typer.Option("--maildir", help="Take what is new in this Maildir.")] = None,
        stdin: Annotated[bool, typer.Option("--stdin", help="Take one message, as a mail server pipes it.")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge, but change nothing.")] = False,
        json: Annotated[bool, typer.Option("--json", help="One JSON line a message.")] = False,
    ) -> None:
        """Judge bounces, complaints, automatic answers and wishes to leave; act on those that prove to be ours."""
        if (folder is None) == (not stdin):
            raise BadInput("name --maildir FOLDER or --stdin, one of the two")
        _show(maildir.ingest(folder, dry_run=dry_run) if folder else _piped(dry_run=dry_run), json=json)


def _piped(*, dry_run: bool) -> Iterator[Taken]:
    """One message of a mail server, read to its end. Whatever is wrong here, the server shall keep the message."""
    raw = sys.stdin.buffer.read(MAX_BYTES)
    while sys.stdin.buffer.read(1 << 16):
        pass  # a pipe closed early looks like a failure to the server
    if dry_run:
        yield Taken("-", bounce.judge(raw, process_reports.seal()), "")
        return
    try:
        (told, outcome), *_ = process_reports.take([raw])
    except (DigestError, SQLAlchemyError) as error:
        reason = str(error) if isinstance(error, DigestError) else type(error).__name__
        raise output.fail(f"try again later: {reason}", EX_TEMPFAIL) from error
    yield Taken("-", told, outcome)


def _show(taken: Iterable[Taken], *, json: bool) -> None:
    kinds: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for one in taken:
        kinds[one.told.kind] += 1
        outcomes[one.outcome] += 1
        if json:
            told = one.told
            output.emit({"file": one.file, "kind": told.kind, "recipients": told.recipients, "status": told.status})
    if not json:
        output.say(f"{kinds.total()} messages: {_counts(kinds) or 'nothing new'}")
        if done := _counts(Counter({name: count for name, count in outcomes.items() if name})):
            output.say(f"led to: {done}")


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common())
