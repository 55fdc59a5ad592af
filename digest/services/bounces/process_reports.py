"""Applies bounce reports, complaints and unsubscribe mails: each counts once, and only if its author had our mail.

A hard bounce (no such address) suppresses the address; other failures add to a decaying score
(`mail.bounces.bounce_score`). A refusal for a reason that concerns us pauses the domain and raises an alarm. A
complaint suppresses the address and ends the subscription, an unsubscribe mail ends it. Automatic replies are ignored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlmodel import Session

from digest import clock, settings
from digest.db.bounces import reports as store
from digest.db.core.engine import reading, transaction
from digest.db.core.retry_transaction import retry_transaction
from digest.db.outbox.deliveries import address_key
from digest.db.subscribers import subscribers
from digest.mail import bounces
from digest.mail.bounces import COMPLAINT, HARD, POLICY, SOFT, UNSUBSCRIBE, ClassifiedMessage
from digest.mail.bounces.bounce_score import DELAY_WEIGHT, FAILURE_WEIGHT, WINDOW, WeightedFailure, reaches_threshold
from digest.mail.bounces.delivery_attribution import attribute_provider_report
from digest.mail.smtp import refusal_cause
from digest.models import Bounce, Delivery
from digest.models.subscriber import COMPLAINT as COMPLAINED
from digest.models.subscriber import KEEPS_FAILING
from digest.models.subscriber import NO_SUCH_ADDRESS as NO_ADDRESS
from digest.services.bounces import policy_reports
from digest.services.bounces.policy_reports import PolicyReport
from digest.services.subscriptions.unsubscribe import unsubscribe_in_session

# Outcomes of a report.
SUPPRESSED, COUNTED, PAUSED, UNSUBSCRIBED = "suppressed", "counted", "domain paused", "left"
RECORDED = "noted"  # a policy report of one recipient, which does not pause the domain
DUPLICATE, UNVERIFIED, IGNORED = "known", "not proved", "nothing"

MIN_FAILURES = 3  # fewer cannot reach the threshold
SECONDS_FOR_DATABASE = 10.0
ADDRESSES_PER_BATCH = 500


class ProviderReport(BaseModel):
    """A report of a mail provider. `id` is the provider's id of it: a report counts once.

    `message_id` (with angle brackets) or `return_path` identifies our mail; `recipient` alone is enough.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: str = Field(min_length=1, max_length=200)
    kind: Literal["hard", "soft", "policy", "complaint", "unsubscribe"]
    recipient: str = Field(min_length=3, max_length=254)
    status: str = Field(default="", pattern=r"^([245]\.\d{1,3}\.\d{1,3})?$", description="RFC 3463")
    message_id: str = Field(default="", max_length=250)
    return_path: str = Field(default="", max_length=320)
    words: str = Field(default="", max_length=1000, description="what the receiving server said")

    @field_validator("*", mode="before")
    @classmethod
    def _without_nul(cls, value: object) -> object:
        """Servers say anything; PostgreSQL can't store NUL characters."""
        return value.replace("\0", "") if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class _ReportCase:
    """A report and what it is about. `subscriber_id`: None for an address without a subscription.

    `signed`: proved by the provider's signature, not only by a return path, which the recipient knows, too.
    """

    message: ClassifiedMessage
    address: str
    subscriber_id: int | None
    delivery_id: int | None
    signed: bool = False


def attribution_keys() -> bounces.AttributionKeys:
    """What identifies our mail, from the settings; nothing does without a key."""
    configuration = settings.get()
    return bounces.AttributionKeys(configuration.secret_key, configuration.mail_domain or "localhost")


def process_messages(messages: Sequence[bytes]) -> list[tuple[ClassifiedMessage, str]]:
    """Classify raw messages and apply them in one transaction. Returns each with its outcome.

    Repeated messages change nothing. Raises Transient where the database is unreachable, Misconfigured without a key,
    because every report would be unproved and lost.
    """
    settings.get().require("secret_key")
    classified = [bounces.classify_message(raw, attribution_keys()) for raw in messages]
    return retry_transaction(partial(_apply_all, classified, clock.now()), seconds=SECONDS_FOR_DATABASE)


def _apply_all(
    messages: Sequence[ClassifiedMessage], now: datetime, session: Session
) -> list[tuple[ClassifiedMessage, str]]:
    session.connection()  # fails early without a database, even where no message needs it
    return [(message, apply_report(session, message, now=now)) for message in messages]


def apply_report(session: Session, message: ClassifiedMessage, *, now: datetime) -> str:
    """Apply one report if it is proved. Returns its outcome."""
    if message.kind not in {HARD, SOFT, POLICY, COMPLAINT, UNSUBSCRIBE}:
        return IGNORED
    if not message.origin.proves(message.kind):
        return UNVERIFIED
    case = _case_of(session, message)
    return IGNORED if case is None else _apply_case(session, case, now)


def process_provider_reports(reports: Sequence[ProviderReport]) -> dict[str, int]:
    """Apply the reports of a provider, proved by its signature. Returns counts by outcome. Raises BadInput."""
    classified = [_classified_report(report) for report in reports]
    return retry_transaction(partial(_apply_provider_reports, classified, clock.now()), seconds=SECONDS_FOR_DATABASE)


def _classified_report(report: ProviderReport) -> ClassifiedMessage:
    recipient = subscribers.parse_address(report.recipient).text
    origin = attribute_provider_report(report.return_path, report.message_id, attribution_keys())
    report_key = hashlib.sha256(f"provider:{report.id}".encode()).hexdigest()
    kind, status = _kind_and_status(report)
    return ClassifiedMessage(kind, (recipient,), status, report.words, origin, report_key)


def _kind_and_status(report: ProviderReport) -> tuple[str, str]:
    """Kind and status of a provider's report: many call any permanent failure hard, even one that is our fault."""
    if report.kind != HARD:
        return report.kind, report.status
    refusal = refusal_cause.classify(report.words, status=report.status)
    return POLICY if refusal.cause in refusal_cause.ABOUT_US else HARD, refusal.status


def _apply_provider_reports(messages: Sequence[ClassifiedMessage], now: datetime, session: Session) -> dict[str, int]:
    counts: dict[str, int] = {}
    for message in messages:
        recipient, delivery = (
            message.recipients[0],
            store.find_delivery(session, message.origin.delivery_id, message.origin.message_id),
        )
        is_recipients = delivery is not None and address_key(delivery.address) == address_key(recipient)
        subscriber = subscribers.by_key(session, address_key(recipient))
        delivery_id = delivery.id if delivery and is_recipients else None
        case = _ReportCase(message, recipient, subscriber.id if subscriber else None, delivery_id, signed=True)
        outcome = _apply_case(session, case, now)
        counts[outcome] = counts.get(outcome, 0) + 1
    return counts


def _case_of(session: Session, message: ClassifiedMessage) -> _ReportCase | None:
    """What a proved report is about: the address of the delivery, whatever the report says; None if it was deleted.

    Only the stamp identifies the delivery. The token of a link proves only a request to unsubscribe, because forwarded
    mails contain it.
    """
    delivery_id, message_id = message.origin.delivery_id, message.origin.message_id
    delivery = store.find_delivery(session, delivery_id, message_id) if delivery_id is not None else None
    if delivery is not None and delivery.address:
        key = address_key(delivery.address)
        relevant = message.narrow_to(lambda recipient: bool(recipient) and address_key(recipient) == key)
        return _ReportCase(relevant, delivery.address, _subscriber_at(session, delivery), delivery.id)
    subscriber_id = message.origin.subscriber_id if message.kind == UNSUBSCRIBE else None
    subscriber = subscribers.by_id(session, subscriber_id) if subscriber_id else None
    return _ReportCase(message, subscriber.address, subscriber.id, None) if subscriber else None


def _subscriber_at(session: Session, delivery: Delivery) -> int | None:
    """The subscriber who has the delivery's address; None where the subscription has another address now.

    Only the owner of its current address may end a subscription: not the owner of a former address, nor of an address
    that a pending change of address names.
    """
    subscriber = subscribers.by_id(session, delivery.subscriber_id) if delivery.subscriber_id else None
    same = subscriber is not None and subscriber.address_key == address_key(delivery.address)
    return subscriber.id if subscriber is not None and same else None


def _apply_case(session: Session, case: _ReportCase, now: datetime) -> str:
    if case.message.kind == UNSUBSCRIBE:
        is_unsubscribed = case.subscriber_id is not None and unsubscribe_in_session(
            session, case.subscriber_id, "mail", now=now
        )
        return UNSUBSCRIBED if is_unsubscribed else DUPLICATE
    key = address_key(case.address)
    report_key = hashlib.sha256(f"{case.message.report}\0{key}".encode()).hexdigest()[:40]
    message = case.message
    is_new = store.record_report(
        session,
        report_key=f"report:{report_key}",
        address_key=key,
        kind=message.kind,
        status=message.status,
        delivery_id=case.delivery_id,
        at=now,
    )
    return _apply_new_report(session, case, key, now) if is_new else DUPLICATE


def _apply_new_report(session: Session, case: _ReportCase, key: str, now: datetime) -> str:
    message = case.message
    if message.kind == POLICY:
        report = PolicyReport(case.address, case.delivery_id, message.words or message.status, case.signed)
        return PAUSED if policy_reports.apply_policy_report(session, report, now=now) else RECORDED
    if message.kind == COMPLAINT:
        if case.subscriber_id is not None:
            unsubscribe_in_session(session, case.subscriber_id, "complaint", now=now)
        return _suppress(session, case, key, COMPLAINED, now)
    if message.kind == HARD and refusal_cause.is_address_status(message.status):
        return _suppress(session, case, key, NO_ADDRESS, now)
    if reaches_threshold(_weighted_failures(store.counted_failures(session, key, since=now - WINDOW)), now=now):
        return _suppress(session, case, key, KEEPS_FAILING, now)
    return COUNTED


def _suppress(session: Session, case: _ReportCase, key: str, reason: str, now: datetime) -> str:
    source = f"report {case.message.status}".strip() + (f" on delivery {case.delivery_id}" if case.delivery_id else "")
    store.suppress(session, key, reason=reason, source=source, at=now)
    return SUPPRESSED


def _weighted_failures(rows: Sequence[Bounce]) -> list[WeightedFailure]:
    """Failures with their weights. One in our session is permanent even with a 4yz code: it was retried for a day."""
    return [WeightedFailure(row.at, FAILURE_WEIGHT if _is_permanent(row) else DELAY_WEIGHT) for row in rows]


def _is_permanent(row: Bounce) -> bool:
    """A hard bounce, a refusal in the session, or a mailbox that a report says is full or disabled (5.2.x)."""
    return row.kind == HARD or row.report_key.startswith("session:") or row.status.startswith("5.2.")


def suppress_failing_addresses(*, now: datetime | None = None) -> int:
    """Suppress addresses that keep failing, also those refused in our sessions. Returns how many."""
    now = now or clock.now()
    suppressed, after = 0, ""
    while True:
        with reading() as session:
            keys = store.failing_addresses(
                session, since=now - WINDOW, minimum=MIN_FAILURES, after=after, limit=ADDRESSES_PER_BATCH
            )
        if not keys:
            return suppressed
        with transaction() as session:
            suppressed += sum(_suppress_if_failing(session, key, now) for key in keys)
        after = keys[-1]


def _suppress_if_failing(session: Session, key: str, now: datetime) -> bool:
    if not reaches_threshold(_weighted_failures(store.counted_failures(session, key, since=now - WINDOW)), now=now):
        return False
    return store.suppress(session, key, reason=KEEPS_FAILING, source="score", at=now)
