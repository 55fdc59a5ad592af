"""`digest init`: write .env with new secrets and the administrator's answers, and send a test mail."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from digest.db.subscribers import subscribers
from digest.errors import BadInput, Misconfigured, Refused
from digest.mail.smtp import probe
from digest.mail.smtp.endpoints import parse_server
from digest.mailbox_syntax import require_mailbox
from digest.replace_file import PRIVATE_MODE, replace_file

QUESTION = "question"  # the key of a question in the metadata of its field


@dataclass(frozen=True, slots=True)
class SetupAnswers:
    """The administrator's answers, each with its question."""

    mail_from: str = field(
        metadata={QUESTION: "Sender of the mails (name <address>; a name with a comma in double quotes)"}
    )
    smtp_url: str = field(metadata={QUESTION: "Mail server (smtp://user:password@host:587?tls=starttls)"})
    base_url: str = field(
        metadata={QUESTION: "Address of the service in the browser (https://…; for a trial http://127.0.0.1:8000)"}
    )
    postal_address: str = field(metadata={QUESTION: "Postal address for the footer (law in many places)"})
    admin: str = field(metadata={QUESTION: "Administrator's e-mail address (gets the test mail and alarms)"})

    def check(self) -> None:
        """Raises BadInput naming the first invalid answer."""
        for name in questions():
            check_answer(name, getattr(self, name))


def questions() -> dict[str, str]:
    """The question of each field of `SetupAnswers`, in the order in which `digest init` asks them."""
    return {answer.name: answer.metadata[QUESTION] for answer in fields(SetupAnswers)}


def check_answer(name: str, value: str) -> None:
    """Check the answer of that field of `SetupAnswers`. Raises BadInput."""
    if "\n" in value or "\r" in value:
        raise BadInput("an answer is one line", field="answer")
    if name == "mail_from":
        _check_sender(value)
    elif name == "admin":
        _check_address("administrator", value)
    elif name == "smtp_url":
        _check_smtp_url(value)
    elif name == "base_url" and urlsplit(value).scheme not in {"http", "https"}:
        raise BadInput("address of the service: begin with https://", field="base_url")


def _check_sender(text: str) -> None:
    try:
        require_mailbox(text)
    except ValueError as error:
        raise BadInput(f"sender: {error}", field="mail_from") from error
    _check_address("sender", parseaddr(text)[1])


def _check_address(name: str, text: str) -> None:
    try:
        subscribers.parse_address(text)
    except BadInput as error:
        raise BadInput(f"{name}: {error}", field=name) from error


def _check_smtp_url(value: str) -> None:
    if urlsplit(value).scheme not in {"smtp", "smtps"}:
        raise BadInput("mail server: begin with smtp:// or smtps://", field="smtp_url")
    if "," in value:
        raise BadInput("mail server: one here, and a comma in the password is written %2C", field="smtp_url")
    try:
        parse_server(value)
    except Misconfigured as error:
        raise BadInput(f"mail server: {str(error).removeprefix('DIGEST_SMTP_URL: ')}", field="smtp_url") from error


def require_absent(file: Path, *, force: bool) -> None:
    """Raises Refused where the file is there already (without `force`)."""
    if file.exists() and not force:
        raise Refused(f"{file} is there already; --force replaces it (links in mails sent before would stop working)")


def write_env_file(answers: SetupAnswers, file: Path, *, force: bool) -> None:
    """Write the file atomically; readable by its owner alone. An existing one keeps its owner, and its group's access.

    Raises BadInput, and Refused where it is there already (without `force`).
    """
    answers.check()
    require_absent(file, force=force)
    lines = {
        "SECRET_KEY": secrets.token_urlsafe(32),
        "MAIL_FROM": answers.mail_from,
        "SMTP_URL": answers.smtp_url,
        "BASE_URL": answers.base_url,
        "POSTAL_ADDRESS": answers.postal_address,
        "ADMIN_EMAILS": answers.admin,
    }
    text = "".join(f"DIGEST_{name}={quote_value(value)}\n" for name, value in lines.items())
    try:
        is_private = file.exists() and not file.stat().st_mode & 0o007
        replace_file(file, text.encode(), mode=None if is_private else PRIVATE_MODE)
    except OSError as error:
        raise BadInput(f"{file}: can't be written ({error.strerror})", field="env_file") from error


def quote_value(value: str) -> str:
    """A value as it stands in an .env file, in single quotes."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def send_test_mail(answers: SetupAnswers) -> str:
    """Send a test mail to the administrator; returns the result in one line."""
    return probe.send_test(answers.smtp_url, sender=answers.mail_from, recipient=answers.admin)
