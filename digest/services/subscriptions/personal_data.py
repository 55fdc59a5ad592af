"""All that is stored about one subscriber, table by table, for their own export.

`SECTIONS` names every table that refers to a subscriber or an address; a test compares it with the schema, so that a
further table can't be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlmodel import Session, SQLModel

from digest import signing
from digest.db.bounces import reports
from digest.db.outbox import subscriber_mail
from digest.db.runs import editions
from digest.db.security import audit
from digest.db.subscribers import example_papers, feedback, link_requests, subscribers, threshold_store
from digest.models import Subscriber
from digest.models.types import stored_id
from digest.services.security import rate_limits

Section = Callable[[Session, Subscriber], Any]
ADMINISTRATOR_PURPOSES = frozenset({signing.SIGN_IN})


def export_of(session: Session, subscriber: Subscriber) -> dict[str, Any]:
    """Everything stored about a subscriber, as plain JSON values."""
    sections = {name: read(session, subscriber) for _, name, read in SECTIONS}
    current = subscribers.profile_of(session, subscriber).to_json()
    return sections | {"profile": current, "links": link_purposes()}


def link_purposes() -> list[str]:
    """The purposes of links to a subscriber. Links are signed, not stored, so nothing else is known about them."""
    constants = (value for name, value in vars(signing).items() if name.isupper() and isinstance(value, str))
    return sorted(set(constants) - ADMINISTRATOR_PURPOSES)


def _subscriber(_: Session, subscriber: Subscriber) -> dict[str, Any]:
    return subscriber.model_dump(mode="json", exclude={"id", "address_key", "profile_id"})


def _profile_versions(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    return _to_json(subscribers.profile_versions_of(session, stored_id(subscriber)), {"id", "subscriber_id"})


def _thresholds(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    thresholds = threshold_store.thresholds_of_subscriber(session, stored_id(subscriber))
    return [{"profile_version": number, "epoch": epoch, "threshold": tau} for number, epoch, tau in thresholds]


def _consents(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    return _to_json(subscribers.consents(session, stored_id(subscriber)), {"id", "subscriber_id"})


def _editions(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    rows = editions.all_editions_of_subscriber(session, stored_id(subscriber))
    return _to_json(rows, {"id", "subscriber_id", "profile_id", "shown"})


def _feedback(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    return _to_json(feedback.feedback_of(session, stored_id(subscriber)), {"id", "subscriber_id"})


def _example_papers(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    rows = example_papers.all_examples_of(session, stored_id(subscriber))
    return _to_json(rows, {"id", "subscriber_id"})


def _mails(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    rows = subscriber_mail.mail_of_subscriber(session, subscriber)
    return _to_json(rows, {"id", "subscriber_id", "subject_id", "lease_id", "priority"})


def _bounces(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    return _to_json(reports.reports_of_address(session, subscriber.address_key), {"id", "address_key"})


def _suppression(session: Session, subscriber: Subscriber) -> dict[str, Any] | None:
    suppression = subscribers.suppression(session, subscriber.address_key)
    return suppression.model_dump(mode="json", exclude={"id", "address_key"}) if suppression else None


def _attempts(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    """Tries that are counted under the subscriber's number."""
    return _to_json(subscribers.attempts_of_key(session, str(stored_id(subscriber))), {"id", "key"})


def _sign_up_requests(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    return _to_json(link_requests.sign_ups_of(session, stored_id(subscriber)), {"id", "subscriber_id"})


def _account_requests(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    return _to_json(link_requests.account_requests_of(session, stored_id(subscriber)), {"id", "subscriber_id"})


def _request_counters(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    """How often mail to the address was requested. Requests are counted by client, too, under a hash of the client."""
    return _to_json(rate_limits.counters_of_address(session, subscriber.address_key), {"key"})


def _audit(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    return _to_json(audit.audit_of_subscriber(session, stored_id(subscriber)), {"id", "actor"})


# (table, section of the export, function that reads it)
SECTIONS: tuple[tuple[str, str, Section], ...] = (
    ("subscriber", "subscriber", _subscriber),
    ("profile_version", "profile_versions", _profile_versions),
    ("threshold", "thresholds", _thresholds),
    ("consent", "consent", _consents),
    ("edition", "editions", _editions),
    ("feedback", "feedback", _feedback),
    ("example_paper", "example_papers", _example_papers),
    ("delivery", "mails", _mails),
    ("bounce", "bounces", _bounces),
    ("suppression", "suppression", _suppression),
    ("attempt", "attempts", _attempts),
    ("sign_up_request", "sign_up_requests", _sign_up_requests),
    ("account_request", "account_requests", _account_requests),
    ("rate_limit_counter", "request_counters", _request_counters),
    ("audit", "audit", _audit),
)


def _to_json(rows: Sequence[SQLModel], without: set[str]) -> list[dict[str, Any]]:
    """Rows as JSON values, without internal columns."""
    return [row.model_dump(mode="json", exclude=without) for row in rows]
