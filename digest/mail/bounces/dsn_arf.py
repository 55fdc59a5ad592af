"""Detects standard reports: delivery status notifications (RFC 3464, 6533) and feedback reports (RFC 5965)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_string
from email.message import Message

from digest.mail.bounces import bounce_kinds, report_refusal
from digest.mail.bounces.bounce_kinds import (
    COMPLAINT,
    OTHER,
    UNSUBSCRIBE,
    Detection,
    RecipientOutcome,
    combine_outcomes,
)
from digest.mail.bounces.parsed_message import MAX_VALUE, ParsedMessage, decode_header_value, extract_address
from digest.mail.bounces.sender_type import is_machine
from digest.mail.smtp.refusal_cause import Cause, Refusal

MAX_RECIPIENTS = 100
_ATOM = r"[^\s.<>()\[\]\",:;@\\]+"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@\w(?:[\w.-]*\w)?", re.ASCII)
_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_FIELDS_IN_TEXT = re.compile(
    r"^(?:Reporting-MTA|Final-Recipient|Original-Recipient|Action|Status|Diagnostic-Code):",
    re.MULTILINE | re.IGNORECASE,
)
_FEEDBACK_IN_TEXT = re.compile(r"^(?:Feedback-Type|User-Agent): .*\n(?:[\w-]+: .*\n)*", re.MULTILINE)
# The start of a recipient's fields. A blank line is no separator: some servers write one between any two fields.
_NEXT_RECIPIENT = re.compile(r"^(?=Final-Recipient:)", re.MULTILINE | re.IGNORECASE)
# RFC 822 comment in a Status field: PowerMTA, Exchange and others explain the code there.
_COMMENT = re.compile(r"\([^()]{3,200}\)")
_FAILED = ("fail", "error", "expire")
# PowerMTA's bounce categories that say more than a reply code does.
_CATEGORIES = {
    "bad-mailbox": Refusal(Cause.ADDRESS, "5.1.1"),
    "bad-domain": Refusal(Cause.ADDRESS, "5.1.2"),
    "inactive-mailbox": Refusal(Cause.MAILBOX, "5.2.1"),
    "quota-issues": Refusal(Cause.MAILBOX, "5.2.2"),
    "invalid-sender": Refusal(Cause.SENDER, "5.1.8"),
    "relaying-issues": Refusal(Cause.RELAY, "5.7.1"),
    "spam-related": Refusal(Cause.CONTENT, "5.7.1"),
    "virus-related": Refusal(Cause.CONTENT, "5.7.1"),
    "content-related": Refusal(Cause.CONTENT, "5.6.0"),
    "policy-related": Refusal(Cause.POLICY, "5.7.1"),
    "message-expired": Refusal(Cause.NETWORK, "5.4.7"),
    "no-answer-from-host": Refusal(Cause.NETWORK, "5.4.1"),
    "bad-connection": Refusal(Cause.NETWORK, "5.4.2"),
    "routing-errors": Refusal(Cause.NETWORK, "5.4.0"),
}
_RETURNED_TYPES = ("message/rfc822", "text/rfc822-headers")
# The sentence that RFC 5965's examples begin with, as most generators write it.
_ABUSE_REPORT = re.compile(
    r"\b(?:this is an? (?:e-?mail )?(?:abuse|spam) report|abuse report for an e-?mail)", re.IGNORECASE
)
_ABUSE = frozenset({"abuse", "fraud", "complaint"})
_OPT_OUT = frozenset({"opt-out", "opt-out-list"})


def is_address(text: str) -> bool:
    """True for a plain, well-formed address."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def detect_feedback_report(mail: ParsedMessage) -> Detection | None:
    """A complaint in ARF, also in a wrong multipart type, or in Microsoft's own form."""
    part = mail.part("message/feedback-report")
    if part is None:
        return _feedback_in_text(mail) or _forwarded_complaint(mail)
    fields = next(_field_groups(part), None)
    return Detection(OTHER) if fields is None else _classify_feedback(fields)


def _classify_feedback(fields: Message) -> Detection:
    """Classify by Feedback-Type (RFC 5965, 6650): DMARC reports and 'not spam' are no complaints, no type is one."""
    feedback_type = (_field(fields, "Feedback-Type") or "abuse").lower()
    recipients = [
        extract_address(decode_header_value(value)) for value in fields.get_all("Original-Rcpt-To", [])[:MAX_RECIPIENTS]
    ]
    kind = COMPLAINT if feedback_type in _ABUSE else UNSUBSCRIBE if feedback_type in _OPT_OUT else OTHER
    return Detection(kind, _distinct(recipients) if kind != OTHER else (), words=feedback_type[:40])


def _forwarded_complaint(mail: ParsedMessage) -> Detection | None:
    """A complaint without ARF fields: Microsoft's junk mail reports, and reports recognised by their text."""
    returned = mail.part(*_RETURNED_TYPES)
    if returned is None:
        return None
    original = returned.get_payload()
    headers = original[0] if isinstance(original, list) and original else None
    recipient = _field(headers, "X-HmXmrOriginalRecipient") if isinstance(headers, Message) else ""
    subject = mail.header("Subject").lower()
    is_junk_report = bool(recipient) and subject.startswith("complaint about message")
    if is_junk_report or mail.sender == "staff@hotmail.com" or _ABUSE_REPORT.search(mail.text):
        return Detection(COMPLAINT, _distinct([recipient.strip("<> ")]), words="junk mail report")
    return None


def _feedback_in_text(mail: ParsedMessage) -> Detection | None:
    """ARF fields in a text part, next to the reported mail."""
    match = _FEEDBACK_IN_TEXT.search(mail.text)
    if match is None or "Feedback-Type:" not in match[0] or mail.part(*_RETURNED_TYPES) is None:
        return None
    return _classify_feedback(message_from_string(match[0]))


def detect_delivery_status(mail: ParsedMessage) -> Detection | None:
    """The outcomes of the recipients in a delivery status notification; None if the mail is not one.

    A report attached to a person's mail was forwarded and does not count.
    """
    receipt = mail.part("message/disposition-notification")
    if receipt is not None:
        return None if _was_discarded(receipt) else Detection(OTHER)  # a read receipt (RFC 8098): the mail has arrived
    part = mail.part(*_STATUS_TYPES)
    if part is None or not (mail.type == "multipart/report" or is_machine(mail)):
        return None
    groups = [block for block in _field_groups(part) if _field(block, "Action")]
    failed = [block for block in groups if _action(block).startswith(_FAILED)]
    delayed = [block for block in groups if _action(block).startswith("delay")]
    if not groups:
        return None
    if not failed and not delayed:
        return Detection(OTHER)  # delivered, relayed or expanded: no failure
    reported = failed or delayed
    return combine_outcomes(
        [_recipient_outcome(block, mail, alone=len(reported) == 1) for block in reported[:MAX_RECIPIENTS]]
    )


def _was_discarded(receipt: Message) -> bool:
    """True where a receipt (RFC 8098, section 3.2.6) says that the mail was deleted or refused, as by a filter."""
    dispositions = [_field(block, "Disposition").lower() for block in _field_groups(receipt)]
    return any(word in value for value in dispositions for word in ("deleted", "denied", "failed"))


def detect_status_in_text(mail: ParsedMessage) -> Detection | None:
    """The outcomes of delivery status fields that a server wrote into the text; None if there are none."""
    match = _FIELDS_IN_TEXT.search(mail.text)
    if match is None:
        return None
    fields = re.sub(r"\n{2,}", "\n", mail.text[match.start() :]).strip()
    several = len(_NEXT_RECIPIENT.findall(fields)) > 1
    texts = _NEXT_RECIPIENT.split(fields)[: MAX_RECIPIENTS + 1] if several else [fields]
    groups = [message_from_string(text.strip()) for text in texts]
    failed = [block for block in groups if _action(block).startswith((*_FAILED, "delay"))]
    if not failed:
        return None
    return combine_outcomes([_recipient_outcome(block, mail, alone=len(failed) == 1) for block in failed])


def _recipient_outcome(block: Message, mail: ParsedMessage, *, alone: bool) -> RecipientOutcome:
    """The outcome in one group of fields. `alone`: the only recipient, so that the whole text of the report counts."""
    temporary = _action(block).startswith("delay")
    diagnostic, code = _field(block, "Diagnostic-Code"), report_refusal.parse_status_field(_field(block, "Status"))
    report_text = report_refusal.without_returned_message(mail.text)
    text = report_text if alone else report_refusal.section_for(report_text, _recipient(block))
    comment = _COMMENT.search(_field(block, "Status"))
    evidence = (diagnostic if len(diagnostic) > 20 else f"{diagnostic}\n{text}") + (
        f"\n{comment[0]}" if comment else ""
    )
    stage = report_refusal.refused_stage(text)
    refusal = report_refusal.resolve_refusal(code, f"{evidence}\n{stage}", temporary=temporary)
    refusal = _refine_by_category(_field(block, "X-PowerMTA-BounceCategory"), refusal)
    kind = bounce_kinds.bounce_kind(refusal.cause, temporary=temporary)
    return RecipientOutcome(_recipient(block), kind, refusal.status, report_refusal.excerpt(diagnostic or text))


def _action(block: Message) -> str:
    return _field(block, "Action").lower()


def _refine_by_category(category_name: str, refusal: Refusal) -> Refusal:
    """Prefer PowerMTA's category where the receiver's reply alone is less specific."""
    category = _CATEGORIES.get(category_name.strip().lower())
    if category is None:
        return refusal
    is_disabled_mailbox = category.cause == Cause.MAILBOX and refusal.cause == Cause.ADDRESS
    return category if is_disabled_mailbox or refusal.cause in {Cause.UNKNOWN, Cause.SYSTEM} else refusal


def _recipient(block: Message) -> str:
    """The original recipient if stated, else the final one; '' where neither is an e-mail address."""
    for name in ("Original-Recipient", "Final-Recipient"):
        kind, _, address = _field(block, name).rpartition(";")
        address = address.strip().strip("<>")
        if kind.strip().lower() in {"", "rfc822", "utf-8"} and is_address(address):
            return address
    return ""


def _field_groups(part: Message) -> Iterator[Message]:
    """The groups of fields in a report's machine-readable part."""
    content = part.get_payload()
    if not isinstance(content, list):
        return
    for block in content[:MAX_RECIPIENTS]:
        if not isinstance(block, Message):
            continue
        yield block
        payload = block.get_payload()
        if part.get_content_type() == "message/global-delivery-status" and isinstance(payload, str):
            for text in payload[:MAX_VALUE].split("\n\n")[:MAX_RECIPIENTS]:
                yield message_from_string(text.strip())


def _field(block: Message, name: str) -> str:
    return decode_header_value(block.get(name, ""))


def _distinct(addresses: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address for address in addresses if is_address(address)))
