"""Detects reports in no standard form. flufl.bounce finds their addresses; it gets only mails that servers wrote.

It reads a whole message line by line, so it gets only the first part, with short lines, to bound its time.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from email import message_from_string

from flufl.bounce import all_failures

from digest.mail.bounces import bounce_kinds, report_refusal
from digest.mail.bounces.bounce_kinds import Detection, RecipientOutcome, combine_outcomes
from digest.mail.bounces.dsn_arf import detect_status_in_text, is_address
from digest.mail.bounces.parsed_message import ParsedMessage
from digest.mail.bounces.report_wording import DELAYED, RETURNED
from digest.mail.bounces.sender_type import has_null_return_path, is_answer, is_machine, names_failure
from digest.mail.smtp import refusal_cause

MAX_BYTES = 64 * 1024
MAX_LINE = 400
PLACEHOLDER_SENDER = "mailer-daemon@localhost"  # flufl.bounce fails on a From without an address

# What flufl.bounce and its parser raise, and log, on malformed mail.
_PARSER_ERRORS = (ValueError, LookupError, TypeError, AttributeError)
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)

_LONG_LINE = re.compile(rf"([^\r\n]{{{MAX_LINE}}})(?=[^\r\n])")


def detect_nonstandard_report(mail: ParsedMessage) -> Detection | None:
    """A mail server's report in its own words; None for any other mail."""
    text = report_refusal.without_returned_message(mail.text)
    if not _may_be_report(mail, text):
        return None
    if (verdict := detect_status_in_text(mail)) is not None:
        return verdict
    temporary, permanent = _failures(mail)
    recipients = permanent or temporary
    if not recipients and not _is_surely_report(mail):
        return None
    delayed = bool(temporary and not permanent) if recipients else bool(DELAYED.search(text))
    overall = _recipient_outcome("", text, delayed)
    if len(recipients) < 2:
        outcomes = [_recipient_outcome(recipient, part, delayed) for recipient, part in report_refusal.transcript(text)]
        if len({outcome.recipient for outcome in outcomes}) > 1:
            return combine_outcomes(outcomes)
        return Detection(overall.kind, recipients, overall.status, overall.words)
    return combine_outcomes([_outcome_for(recipient, text, overall, delayed) for recipient in recipients])


def _recipient_outcome(recipient: str, text: str, delayed: bool) -> RecipientOutcome:
    refusal = report_refusal.resolve_refusal("", text, temporary=delayed)
    return RecipientOutcome(
        recipient,
        bounce_kinds.bounce_kind(refusal.cause, temporary=delayed),
        refusal.status,
        report_refusal.excerpt(text),
    )


def _outcome_for(recipient: str, text: str, overall: RecipientOutcome, delayed: bool) -> RecipientOutcome:
    """The outcome of one recipient; that of the whole text, if the section about the recipient gives no reason."""
    section = report_refusal.section_for(text, recipient)
    if refusal_cause.cause_of_words(section) is None and not refusal_cause.find_code(section):
        return replace(overall, recipient=recipient)
    return _recipient_outcome(recipient, section, delayed)


def _may_be_report(mail: ParsedMessage, text: str) -> bool:
    """True if a server's mail mentions a failure, or both subject and text of a mail that is not a reply do."""
    if mail.header("X-Failed-Recipients"):
        return True
    if is_machine(mail):
        is_failure_notice = names_failure(mail) or (report_refusal.mentions_failure(text) and not is_answer(mail))
        return is_failure_notice or mail.type == "multipart/report"
    if mail.header("In-Reply-To") and not has_null_return_path(mail):
        return False
    return names_failure(mail) and report_refusal.mentions_failure(text)


def _is_surely_report(mail: ParsedMessage) -> bool:
    """True without an address: a mail server's subject or a returned message, which no mail about a lost parcel has."""
    if (is_machine(mail) or has_null_return_path(mail)) and names_failure(mail):
        return True
    return mail.part("message/rfc822", "text/rfc822-headers") is not None or bool(RETURNED.search(mail.text))


def _failures(mail: ParsedMessage) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The addresses that failed temporarily and permanently. Only ASCII matters to flufl.bounce."""
    text = mail.raw[:MAX_BYTES].decode("ascii", "replace")
    message = message_from_string(_LONG_LINE.sub(r"\1\n", text))
    if not mail.sender:
        del message["From"]
        message["From"] = PLACEHOLDER_SENDER
    try:
        temporary, permanent = all_failures(message)
    except _PARSER_ERRORS:
        return (), ()
    return _valid_addresses(temporary), _valid_addresses(permanent)


def _valid_addresses(addresses: frozenset[bytes]) -> tuple[str, ...]:
    texts = sorted(address.decode("ascii", "replace") for address in addresses)
    return tuple(text for text in texts if is_address(text))
