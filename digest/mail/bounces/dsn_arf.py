"""Reports in the forms that standards give: delivery status (RFC 3464, 6533) and feedback (RFC 5965)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_string
from email.message import Message

from digest.mail.bounces import enhanced_status
from digest.mail.bounces.bounce_kinds import COMPLAINT, OTHER, UNSUBSCRIBE, Verdict
from digest.mail.bounces.parsed_message import MOST_VALUE, Mail, address_in, decoded
from digest.mail.bounces.sender_type import is_machine

MOST_RECIPIENTS = 100
_ATOM = r"[^\s.<>()\[\]\",:;@\\]+"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@\w(?:[\w.-]*\w)?", re.ASCII)
_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_FIELDS_IN_TEXT = re.compile(
    r"^(?:Reporting-MTA|Final-Recipient|Original-Recipient|Action|Status|Diagnostic-Code):",
    re.MULTILINE | re.IGNORECASE,
)
_FEEDBACK_IN_TEXT = re.compile(r"^(?:Feedback-Type|User-Agent): .*\n(?:[\w-]+: .*\n)*", re.MULTILINE)
_ABUSE = frozenset({"abuse", "fraud", "complaint"})
_OPT_OUT = frozenset({"opt-out", "opt-out-list"})


def is_address(text: str) -> bool:
    """True for a plain address; what a server garbled is none."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def feedback(mail: Mail) -> Verdict | None:
    """A complaint in ARF, also in a wrong multipart type, or in the form of the one large provider that has its own."""
    part = mail.part("message/feedback-report")
    if part is None:
        return _forwarded_complaint(mail) or _feedback_in_text(mail)
    fields = next(_blocks(part), None)
    return Verdict(OTHER) if fields is None else _feedback_verdict(fields)


def _feedback_verdict(fields: Message) -> Verdict:
    """By the Feedback-Type (RFC 5965, 6650): a DMARC report or 'not spam' is no complaint; without a type it is one."""
    named = (_value(fields, "Feedback-Type") or "abuse").lower()
    recipients = [address_in(decoded(value)) for value in fields.get_all("Original-Rcpt-To", [])[:MOST_RECIPIENTS]]
    kind = COMPLAINT if named in _ABUSE else UNSUBSCRIBE if named in _OPT_OUT else OTHER
    return Verdict(kind, _distinct(recipients) if kind != OTHER else (), words=named[:40])


def _forwarded_complaint(mail: Mail) -> Verdict | None:
    if mail.sender != "staff@hotmail.com" or mail.part("message/rfc822") is None:
        return None
    return Verdict(COMPLAINT, words="junk mail report")


def _feedback_in_text(mail: Mail) -> Verdict | None:
    """ARF's fields in a part of text, beside the mail complained about."""
    found = _FEEDBACK_IN_TEXT.search(mail.text)
    if found is None or "Feedback-Type:" not in found[0] or mail.part("message/rfc822", "text/rfc822-headers") is None:
        return None
    return _feedback_verdict(message_from_string(found[0]))


def delivery_status(mail: Mail) -> Verdict | None:
    """What a delivery status notification says of its recipients; None where there is none to read.

    A person who attaches one forwards it: that is no report.
    """
    part = mail.part(*_STATUS_TYPES)
    if part is None or not (mail.type == "multipart/report" or is_machine(mail)):
        return None
    groups = [block for block in _blocks(part) if _value(block, "Action")]
    failed = [block for block in groups if _value(block, "Action").lower().startswith(("fail", "error", "expire"))]
    delayed = [block for block in groups if _value(block, "Action").lower().startswith("delay")]
    if not groups:
        return None
    if not failed and not delayed:
        return Verdict(OTHER)  # delivered, relayed, expanded: good news
    return _judged(failed or delayed, mail, temporary=not failed)


def status_in_text(mail: Mail) -> Verdict | None:
    """The fields of a delivery status that a server wrote into its text, not into a part; None for none."""
    found = _FIELDS_IN_TEXT.search(mail.text)
    fields = message_from_string(re.sub(r"\n{2,}", "\n", mail.text[found.start() :]).strip()) if found else None
    if fields is None or not _value(fields, "Action").lower().startswith(("fail", "error", "expire", "delay")):
        return None
    return _judged([fields], mail, temporary=_value(fields, "Action").lower().startswith("delay"))


def _judged(groups: list[Message], mail: Mail, *, temporary: bool) -> Verdict:
    """Judge by the first recipient: each of our mails has one, and a server that forwards names it first."""
    words = _value(groups[0], "Diagnostic-Code")
    told = words if len(words) > 20 else f"{words}\n{mail.text}"
    stage = enhanced_status.refused_stage(mail.text) if len(groups) == 1 else ""
    found = enhanced_status.settle(
        enhanced_status.in_field(_value(groups[0], "Status")), f"{told}\n{stage}", temporary=temporary
    )
    recipients = _distinct([_recipient(block) for block in groups[:MOST_RECIPIENTS]])
    kind = enhanced_status.kind(found.cause, temporary=temporary)
    return Verdict(kind, recipients, found.status, enhanced_status.shown(words or mail.text))


def _recipient(block: Message) -> str:
    """The original recipient where it is told, else the final one; other address types are not for us."""
    for name in ("Original-Recipient", "Final-Recipient"):
        kind, _, address = _value(block, name).rpartition(";")
        address = address.strip().strip("<>")
        if kind.strip().lower() in {"", "rfc822", "utf-8"} and is_address(address):
            return address
    return ""


def _blocks(part: Message) -> Iterator[Message]:
    """The groups of fields in a report's machine-readable part."""
    content = part.get_payload()
    if not isinstance(content, list):
        return
    for block in content[:MOST_RECIPIENTS]:
        if not isinstance(block, Message):
            continue
        yield block
        rest = block.get_payload()
        if part.get_content_type() == "message/global-delivery-status" and isinstance(rest, str):
            for text in rest[:MOST_VALUE].split("\n\n")[:MOST_RECIPIENTS]:
                yield message_from_string(text.strip())


def _value(block: Message, name: str) -> str:
    return decoded(block.get(name, ""))


def _distinct(addresses: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address for address in addresses if is_address(address)))
