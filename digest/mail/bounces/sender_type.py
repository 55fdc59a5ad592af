"""Detects by the headers who wrote a mail: a mail server, another program, or a person."""

from __future__ import annotations

import re

from digest.mail.bounces.parsed_message import ParsedMessage
from digest.mail.bounces.report_wording import FAILURE_SUBJECT

_DAEMON = re.compile(
    r"mailer[-_.]?daemon|mail[-_.]?daemon|mdaemon|daemon|mail[-_.]delivery[-_.](?:sub)?system|postmaster.*|mailadm|"
    r"mail[-_.]?admin|symantec_antivirus_for_smtp_gateways|e500_smtp_mail_service|microsoftexchange[0-9a-f]+"
)
_SYSTEM = re.compile(
    r"system administrator|system attendant|mail delivery (?:agent|service)|smtp mail service|"
    r"mail delivery (?:sub)?system|delivery subsystem|mail administrator",
    re.IGNORECASE,
)
_ANSWER = re.compile(r"(?:re|fwd?|aw|wg|tr|rv|sv|antw|odp)\s*(?:\[\d+\])?:", re.IGNORECASE)


def is_machine(mail: ParsedMessage) -> bool:
    """True for the address or name of a mail server; also if From is empty, as in old reports."""
    sender = mail.sender
    local = sender.rpartition("@")[0].replace("\\", "").replace('"', "")
    name = mail.header("From").lower()
    return not sender or bool(_DAEMON.fullmatch(local)) or bool(_SYSTEM.search(name))


def names_failure(mail: ParsedMessage) -> bool:
    """True if the subject is that of a mail server's failure report."""
    return bool(FAILURE_SUBJECT.match(mail.header("Subject")))


def is_answer(mail: ParsedMessage) -> bool:
    """True for a reply or a forwarded mail, by its subject."""
    return bool(_ANSWER.match(mail.header("Subject")))


def has_null_return_path(mail: ParsedMessage) -> bool:
    """True if the envelope sender is empty, as in reports and automatic replies."""
    paths = mail.headers("Return-Path")
    return bool(paths) and paths[0].strip() in {"<>", ""}
