"""Applies notifications of Amazon SES that arrive through its notification service, signed.

The sender is proved by the signature and by the topic, which must be listed in DIGEST_SNS_TOPICS: anybody can have the
service sign messages of a topic of their own. A repeated message counts once, by its MessageId.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from digest import clock, logs, settings
from digest.errors import BadInput, BadToken, NotFound, Transient
from digest.mail.bounces import ses_notification, sns_message
from digest.mail.bounces.sns_message import NOTIFICATION, SUBSCRIPTION, SnsMessage
from digest.services.bounces.process_reports import ProviderReport, process_provider_reports

MAX_MESSAGE_BYTES = 512 * 1024
MAX_CERTIFICATE_BYTES = 16 * 1024
MAX_AGE = timedelta(days=1)  # the service repeats a message for an hour; within a day a repetition is recognised
FETCH_SECONDS = 10.0

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class SnsResult:
    """What was done: counts by outcome, and whether the subscription of our address was confirmed."""

    outcomes: Mapping[str, int]
    is_confirmed: bool = False


def process_sns_message(body: bytes) -> SnsResult:
    """Check and apply one posted message.

    Raises NotFound where no topics are listed, BadInput for a body that is no such message, BadToken for a message that
    is not proved, Transient where the certificate can't be fetched.
    """
    if not settings.get().sns_topics:
        raise NotFound("notifications are not accepted: DIGEST_SNS_TOPICS is not set")
    message, timestamp = _parse(body)
    _require_proved(message, timestamp)
    if message.Type == NOTIFICATION:
        return SnsResult(process_provider_reports(_reports(message)))
    if message.Type == SUBSCRIPTION:
        _confirm_subscription(message)
        return SnsResult({}, is_confirmed=True)
    log.warning("sns_unsubscribed", topic=message.TopicArn)
    return SnsResult({})


def _parse(body: bytes) -> tuple[SnsMessage, str]:
    """The message, and its timestamp as it was written, because that is what is signed."""
    if len(body) > MAX_MESSAGE_BYTES:
        raise BadInput(f"at most {MAX_MESSAGE_BYTES // 1024} KB")
    try:
        message, fields = SnsMessage.model_validate_json(body), json.loads(body)
    except (ValidationError, ValueError, RecursionError) as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) if isinstance(error, ValidationError) else ""
        raise BadInput(f"not a message of the notification service{f': {where}' if where else ''}") from error
    return message, str(fields["Timestamp"])


def _require_proved(message: SnsMessage, timestamp: str) -> None:
    if message.TopicArn not in settings.get().sns_topics:
        raise BadToken(f"the topic {message.TopicArn[:120]} is not listed in DIGEST_SNS_TOPICS")
    now = clock.now()
    if message.Timestamp.tzinfo is None or abs(now - message.Timestamp) > MAX_AGE:
        raise BadToken("the message is too old, or its time is not one; check the clock")
    if not sns_message.CERTIFICATE_URL.fullmatch(message.SigningCertURL):
        raise BadToken("the certificate is not the notification service's")
    sns_message.check_signature(message, timestamp, _certificate(message.SigningCertURL), now=now)


@lru_cache(maxsize=8)
def _certificate(url: str) -> bytes:
    """The certificate at that address, which never changes. Raises Transient."""
    return _get(url, MAX_CERTIFICATE_BYTES)


def _confirm_subscription(message: SnsMessage) -> None:
    """Tell the service that this address wants the topic's messages."""
    if message.SubscribeURL is None or not sns_message.SUBSCRIBE_URL.fullmatch(message.SubscribeURL):
        raise BadToken("the address to confirm at is not the notification service's")
    _get(message.SubscribeURL, MAX_MESSAGE_BYTES)
    log.info("sns_subscribed", topic=message.TopicArn)


def _get(url: str, limit: int) -> bytes:
    """Fetch at most `limit` bytes, without redirects. Raises Transient."""
    import httpx  # it loads rich, which processes that run for long do without

    try:
        with httpx.stream("GET", url, timeout=FETCH_SECONDS, follow_redirects=False) as response:
            response.raise_for_status()
            content = b""
            for block in response.iter_bytes():
                content += block
                if len(content) > limit:
                    raise Transient("the notification service answered with too many bytes")
    except httpx.HTTPError as error:
        raise Transient(f"the notification service does not answer: {type(error).__name__}") from error
    return content


def _reports(message: SnsMessage) -> list[ProviderReport]:
    """A report for each recipient of a bounce or complaint; none for deliveries and opens."""
    try:
        event = json.loads(message.Message)
    except (ValueError, RecursionError) as error:
        raise BadInput("Message: not JSON") from error
    if not isinstance(event, dict):
        raise BadInput("Message: not a JSON object")
    mail = event.get("mail")
    return_path, message_id = _our_mail(mail if isinstance(mail, dict) else {})
    return [
        ProviderReport.model_validate(
            {
                "id": f"sns:{message.MessageId}:{outcome.recipient}"[:200],
                "kind": outcome.kind,
                "recipient": outcome.recipient,
                "status": outcome.status,
                "return_path": return_path,
                "message_id": message_id,
                "words": outcome.words[:1000],
            }
        )
        for outcome in ses_notification.recipient_outcomes(event)
    ]


def _our_mail(mail: Mapping[str, Any]) -> tuple[str, str]:
    """Return path and Message-ID of the mail that a report is about, '' where they are not given."""
    headers = mail.get("headers")
    named = [
        str(header.get("value"))
        for header in (headers[:200] if isinstance(headers, list) else [])
        if isinstance(header, dict) and str(header.get("name")).lower() == "message-id"
    ]
    return str(mail.get("source") or "")[:320], (named[0] if named else "")[:250]
