"""Classifies one raw message: its kind, the recipients it names, and the delivery that it is about."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from digest.mail.bounces.autoreplies import detect_autoreply, detect_unsubscribe_request
from digest.mail.bounces.bounce_kinds import OTHER, Detection, RecipientOutcome, least_severe, most_severe
from digest.mail.bounces.delivery_attribution import Attribution, AttributionKeys, attribute_message
from digest.mail.bounces.dsn_arf import detect_delivery_status, detect_feedback_report
from digest.mail.bounces.nonstandard_reports import detect_nonstandard_report
from digest.mail.bounces.parsed_message import MAX_BYTES, MESSAGE_PARSER_ERRORS, ParsedMessage, parse_message
from digest.mail.bounces.ses_notification import detect_provider_notification

_DETECTORS = (
    detect_feedback_report,
    detect_delivery_status,
    detect_provider_notification,
    detect_nonstandard_report,
    detect_autoreply,
    detect_unsubscribe_request,
)


@dataclass(frozen=True, slots=True)
class ClassifiedMessage:
    """A classified message. `kind`: hard, soft, policy, complaint, auto-reply, unsubscribe or other.

    `status`: RFC 3463, '' for none. `report`: a key that is equal for repeated copies of a report.
    `outcomes`: of each recipient, where there are several; `kind` and `status` are those of the most severe.
    """

    kind: str
    recipients: tuple[str, ...]
    status: str
    words: str
    origin: Attribution
    report: str
    outcomes: tuple[RecipientOutcome, ...] = ()

    def narrow_to(self, is_same_recipient: Callable[[str], bool]) -> ClassifiedMessage:
        """Narrow the classification to one recipient, the one for whom `is_same_recipient` is true.

        Where the report names only others (addresses that the mail was forwarded to), the least severe outcome counts,
        so that no subscriber is suppressed for the failure of somebody else's address.
        """
        if len(self.outcomes) < 2:
            return self
        matching = [outcome for outcome in self.outcomes if is_same_recipient(outcome.recipient)]
        outcome = most_severe(matching) if matching else least_severe(self.outcomes)
        return replace(self, kind=outcome.kind, status=outcome.status, words=outcome.words)


def classify_message(raw: bytes, keys: AttributionKeys = AttributionKeys()) -> ClassifiedMessage:  # noqa: B008 - frozen
    """Classify a message. Raises nothing: a message that cannot be parsed is `other`."""
    report = hashlib.sha256(raw[:MAX_BYTES]).hexdigest()
    try:
        mail = parse_message(raw)
        detection, origin = _detect(mail), attribute_message(mail, keys)
        report = _report_key(mail) or report
    except MESSAGE_PARSER_ERRORS as error:
        detection, origin = Detection(OTHER, words=f"cannot be parsed: {type(error).__name__}"), Attribution()
    details = detection.recipients, detection.status, detection.words
    return ClassifiedMessage(detection.kind, *details, origin, report, detection.outcomes)


def _detect(mail: ParsedMessage) -> Detection:
    detections = (detector(mail) for detector in _DETECTORS)
    return next((detection for detection in detections if detection is not None), Detection(OTHER))


def _report_key(mail: ParsedMessage) -> str:
    """A hash of the report's own Message-ID; '' where it has none."""
    message_id = mail.header("Message-ID")
    return hashlib.sha256(message_id.encode()).hexdigest() if message_id else ""
