"""`digest mail`: one person's daily mail from cron or a scheduled job, without a server."""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from typing import Annotated

import typer

from digest import clock, settings
from digest.cli import output
from digest.cli.cli_dependencies import Dependencies
from digest.db.core import schema_migration
from digest.db.core.database_failures import DAMAGED, FAILURES, DatabaseFailure
from digest.db.core.engine import dispose_engines, engine
from digest.db.subscribers import subscribers
from digest.errors import BadInput, DigestError, Misconfigured, Transient
from digest.mail.mime.composer_interface import OutgoingMessage
from digest.replace_file import require_possible_folder
from digest.services.admin import configuration
from digest.services.runs import personal_mail
from digest.services.runs.personal_mail import PersonalMail, PersonalRequest

_CURES_OF_SERVICES = ("; give the service a database of its own", "; set DIGEST_DATA_DIR")  # which `digest mail` is not


def register(app: typer.Typer, dependencies: Dependencies) -> None:
    """Add the command."""

    @app.command()
    @output.report_errors
    def mail(
        to: Annotated[str, typer.Option(metavar="ADDRESS", help="Who gets the mail.")],
        topics: Annotated[
            Path, typer.Option(metavar="FILE", help="Topics, one a line; lines that begin with # are left out.")
        ],
        state: Annotated[Path, typer.Option(metavar="FILE", help="Where papers and sent mails are kept.")] = Path(
            "papers-inbox.db"
        ),
        category: Annotated[
            list[str] | None, typer.Option(metavar="CATEGORY", help="Only this arXiv category; may be repeated.")
        ] = None,
        limit: Annotated[
            int | None, typer.Option(min=1, max=50, metavar="N", help="Maximum number of papers a day.")
        ] = None,
        time_zone: Annotated[str, typer.Option(metavar="ZONE", help="Whose date counts: an IANA name.")] = "UTC",
        to_stdout: Annotated[
            bool,
            typer.Option(
                "--print", help="Print the mail as text instead of sending it; it counts as the mail of the day."
            ),
        ] = False,
        maildir: Annotated[
            Path | None, typer.Option(metavar="DIR", help="Put the mail into a Maildir instead; it counts as well.")
        ] = None,
    ) -> None:
        """Mail the papers of the day to one address, without a server. A second time on a day sends nothing."""
        _require_address(to)
        request = PersonalRequest(
            to, personal_mail.read_topics(topics), tuple(category or ()), time_zone=time_zone, limit=limit
        )
        if to_stdout and maildir:
            raise BadInput("give either --print or --maildir")
        with _state_file(state, request, sends=not (to_stdout or maildir)), _exclusive_lock(state):
            _upgrade_schema(state)
            hand_over = _print_text if to_stdout else None
            if maildir is not None:
                hand_over = _MaildirWriter(maildir).write
            result = personal_mail.send_mail_of_day(request, progress=_print_source, hand_over=hand_over)
            _print_result(result, request)


def _require_address(to: str) -> None:
    """Raises BadInput. Before the settings are read, of which it may become the sender."""
    try:
        subscribers.parse_address(to)
    except BadInput as error:
        raise BadInput(f"--to: {str(error).removeprefix('address: ')}", field="to") from error


@contextmanager
def _exclusive_lock(state: Path) -> Iterator[None]:
    """Wait for other calls of the command with a state in this folder; the next one finds that the mail went out.

    The folder is locked, because a state is one file, which may not exist yet. Where that is impossible (some network
    file systems have no locks), nothing is; a folder that can't be used is reported when the state is opened.
    """
    descriptor = None
    with suppress(OSError):
        folder = state.absolute().parent
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
        _lock_or_wait(descriptor, folder)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _lock_or_wait(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        typer.echo(f"waiting for another `digest mail` with a state in {folder}", err=True)
        fcntl.flock(descriptor, fcntl.LOCK_EX)


@contextmanager
def _state_file(state: Path, request: PersonalRequest, *, sends: bool) -> Iterator[None]:
    """Settings of an installation whose database is that file, and whose other data is temporary."""
    variables = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="papers-inbox-") as folder:
        _set_variables({"DATABASE_URL": f"sqlite:///{state.absolute()}", "DATA_DIR": folder})
        try:
            _complete_settings(request, sends=sends)
            try:
                yield
            except FAILURES as error:
                raise _explain_failure(state, error) from error
            finally:
                with suppress(Misconfigured):  # the folder of the state can't be created
                    engine().dispose()  # SQLite moves its log into the file when the last connection ends
        finally:
            dispose_engines()
            os.environ.clear()
            os.environ.update(variables)
            settings.clear_cache()


def _upgrade_schema(state: Path) -> None:
    """Raises BadInput for a folder, the database of another program, and the state of a newer release."""
    if os.path.isdir(state):  # noqa: PTH112 - `Path.is_dir` raises where the folder above can't be read
        raise BadInput(f"--state: {state} is a folder; name a file", field="state")
    try:
        schema_migration.upgrade()
    except Misconfigured as error:
        problem, cure = str(error), ""
        for part in _CURES_OF_SERVICES:
            problem, separator, _ = problem.partition(part)
            cure = "; name another file" if separator else cure
        raise BadInput(f"--state: {state.absolute()}: {problem}{cure}", field="state") from error


def _explain_failure(state: Path, error: DatabaseFailure) -> DigestError:
    """A failure of the state file, while the settings still name it. Raises `error` where the program is wrong."""
    explained = schema_migration.explain_failure(error)
    problem, separator, cure = str(explained).partition("; ")
    if problem.startswith(DAMAGED):
        cure = "move it away: a new one is made, and papers of the last days may come again"
    return Transient(f"--state: {state.absolute()}: {problem}{separator}{cure}")


def _complete_settings(request: PersonalRequest, *, sends: bool) -> None:
    """Fill in what a single person need not set. Raises BadInput for options and Misconfigured for settings."""
    settings.clear_cache()
    config = settings.get()
    if problem := next(filter(None, map(configuration.category_problem, request.categories)), ""):
        raise BadInput(f"--category: {problem}", field="category")
    if request.categories:
        _set_variables({"ARXIV_CATEGORIES": ",".join(request.categories)})
    if not config.secret_key:
        _set_variables({"SECRET_KEY": secrets.token_urlsafe(32)})  # signs nothing: the mail has no links of ours
    if not config.mail_from:
        _set_variables({"MAIL_FROM": f"Papers Inbox <{request.address}>"})
    settings.clear_cache()
    problems = configuration.problems()
    if problems:
        raise Misconfigured("; ".join(problems))
    if sends and not settings.get().smtp_url:
        raise Misconfigured(
            "DIGEST_SMTP_URL is not set; export DIGEST_SMTP_URL='smtp://user:password@host:587?tls=starttls' "
            "(or use --print or --maildir)"
        )


def _set_variables(values: Mapping[str, str]) -> None:
    for name, value in values.items():
        os.environ.pop(f"{settings.PREFIX}{name}_FILE", None)
        os.environ[f"{settings.PREFIX}{name}"] = value


def _print_source(source: str) -> None:
    typer.echo(f"fetching {source}", err=True)


def _print_text(message: OutgoingMessage) -> None:
    """Print subject and text."""
    parsed = message_from_bytes(message.raw, policy=SMTP)
    text = parsed.get_body(("plain",))
    typer.echo(f"{parsed['Subject']}\n\n{text.get_content() if text is not None else ''}")


class _MaildirWriter:
    """Writes messages to a Maildir, each under the name of its Message-ID, so a repetition replaces it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, message: OutgoingMessage) -> None:
        """Write atomically. Raises BadInput where the folder can't be written."""
        name = message.message_id.strip("<>").replace("/", "_")
        try:
            require_possible_folder(self._folder)
            for part in ("tmp", "new", "cur"):
                (self._folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
            file = self._folder / "tmp" / name
            file.write_bytes(message.raw.replace(b"\r\n", b"\n"))
            file.rename(self._folder / "new" / name)
        except OSError as error:
            raise BadInput(f"--maildir: {self._folder} can't be written ({error.strerror})", field="maildir") from error


def _print_result(result: PersonalMail, request: PersonalRequest) -> None:
    for source, reason in result.failed_sources:
        typer.echo(f"{source}: {reason}; its papers come with the next mail", err=True)
    if result.next_attempt is not None:
        local_time = result.next_attempt.astimezone(clock.zone_info(request.time_zone))
        when = f"{local_time:%Y-%m-%d %H:%M} {request.time_zone}"
        raise Transient(f"{result.day}: no source answered; run it again at or after {when}")
    typer.echo(_line(result, result.day, request), err=True)


def _line(result: PersonalMail, day: date, request: PersonalRequest) -> str:
    if result.is_new:
        return f"{day}: {output.count_of(result.papers, 'paper')} for {request.address}"
    return f"{day}: the mail went out before" if result.papers else f"{day}: nothing new for these topics"
