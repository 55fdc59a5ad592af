"""Detects reports as JSON in a mail: those of Amazon SES, also when wrapped by its notification service.

The objects are those of SES's "notification contents" and "event publishing": `notificationType` or `eventType`,
`bounce` with `bouncedRecipients`, `complaint` with `complainedRecipients`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from digest.mail.bounces import bounce_kinds, report_refusal
from digest.mail.bounces.bounce_kinds import (
    COMPLAINT,
    HARD,
    OTHER,
    POLICY,
    SOFT,
    Detection,
    RecipientOutcome,
    combine_outcomes,
)
from digest.mail.bounces.dsn_arf import MAX_RECIPIENTS, is_address
from digest.mail.bounces.parsed_message import ParsedMessage

MAX_JSON = 64 * 1024
MAX_OBJECTS = 5

# Old mail servers break a long line with an exclamation mark, a line end and a blank.
_BROKEN_LINE = re.compile(r"!\r?\n ")
_REPORTED = frozenset({HARD, SOFT, POLICY})
_NO_MAILBOX_SUBTYPES = frozenset({"noemail"})  # mean a missing address if there is no server reply


def detect_provider_notification(mail: ParsedMessage) -> Detection | None:
    """The report in a provider's JSON; None if there is none. Deliveries and opens are `other`."""
    event = _find_event(mail)
    if event is None:
        return None
    event_type = str(event.get("notificationType") or event.get("eventType")).lower()
    if event_type == "bounce":
        return _bounce(_mapping(event.get("bounce")))
    if event_type == "complaint":
        return _complaint(_mapping(event.get("complaint")))
    return Detection(OTHER)


def recipient_outcomes(event: Mapping[str, Any]) -> list[RecipientOutcome]:
    """The outcome for each recipient that a bounce or complaint names; none for another event."""
    event_type = str(event.get("notificationType") or event.get("eventType")).lower()
    if event_type == "bounce":
        bounce = _mapping(event.get("bounce"))
        temporary, detail = _bounce_type(bounce)
        outcomes = [
            _recipient_outcome(item, detail, temporary) for item in _recipients(bounce.get("bouncedRecipients"))
        ]
        return [outcome for outcome in outcomes if outcome.recipient and outcome.kind in _REPORTED]
    if event_type == "complaint":
        detection = _complaint(_mapping(event.get("complaint")))
        return [RecipientOutcome(address, COMPLAINT, "", detection.words) for address in detection.recipients]
    return []


def _find_event(mail: ParsedMessage) -> Mapping[str, Any] | None:
    """The first JSON object in the text that is an event, unwrapped."""
    if '"notificationType' not in mail.json_text and "eventType" not in mail.json_text:
        return None
    text = _BROKEN_LINE.sub("", mail.json_text[:MAX_JSON]).replace("\r", "")
    for match, _ in zip(re.finditer(r"^\s*(?=\{)", text, re.MULTILINE), range(MAX_OBJECTS), strict=False):
        event = _unwrap(_parse_object(text[match.end() :]))
        if event is not None:
            return event
    return None


def _parse_object(text: str) -> Mapping[str, Any]:
    """Parse the JSON object at the start of the text; empty for none. Lines broken inside strings are joined."""
    decoder = json.JSONDecoder(strict=False)
    for candidate in (text, text.replace("\n", "")):
        try:
            return _mapping(decoder.raw_decode(candidate)[0])
        except (ValueError, RecursionError):
            continue
    return {}


def _unwrap(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The event inside SNS's envelope, or the event itself."""
    wrapped_text = event.get("Message")
    if isinstance(wrapped_text, str):
        event = _parse_object(wrapped_text)
    return event if "notificationType" in event or "eventType" in event else None


def _bounce(bounce: Mapping[str, Any]) -> Detection:
    temporary, detail = _bounce_type(bounce)
    recipients = _recipients(bounce.get("bouncedRecipients")) or [{}]
    return combine_outcomes([_recipient_outcome(recipient, detail, temporary) for recipient in recipients])


def _bounce_type(bounce: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether the failure is temporary, and its subtype."""
    return str(bounce.get("bounceType")).lower() == "transient", str(bounce.get("bounceSubType")).lower()


def _recipient_outcome(recipient: Mapping[str, Any], detail: str, temporary: bool) -> RecipientOutcome:
    address = next(iter(_addresses([recipient])), "")
    diagnostic, code = str(recipient.get("diagnosticCode") or ""), str(recipient.get("status") or "")
    refusal = report_refusal.resolve_refusal(report_refusal.parse_status_field(code), diagnostic, temporary=temporary)
    kind = bounce_kinds.bounce_kind(refusal.cause, temporary=temporary)
    if kind == SOFT and not temporary and not refusal.status and detail in _NO_MAILBOX_SUBTYPES:
        return RecipientOutcome(address, HARD, "5.1.1", detail)
    return RecipientOutcome(address, kind, refusal.status, report_refusal.excerpt(diagnostic or detail))


def _complaint(complaint: Mapping[str, Any]) -> Detection:
    """A complaint of any type, except "not spam" and DMARC reports."""
    feedback_type = str(complaint.get("complaintFeedbackType") or "abuse").lower()
    recipients = _addresses(_recipients(complaint.get("complainedRecipients")))
    kind = OTHER if feedback_type in {"not-spam", "auth-failure"} else COMPLAINT
    return Detection(kind, recipients if kind != OTHER else (), words=feedback_type[:40])


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _recipients(value: object) -> Sequence[Mapping[str, Any]]:
    return [_mapping(item) for item in value[:MAX_RECIPIENTS]] if isinstance(value, list) else []


def _addresses(recipients: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    addresses = (str(recipient.get("emailAddress", "")).strip("<> ") for recipient in recipients)
    return tuple(dict.fromkeys(address for address in addresses if is_address(address)))
