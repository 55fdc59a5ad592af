"""All that is stored about one subscriber, table by table, for their own export.

`SECTIONS` names every table that refers to a subscriber or an address; a test compares it with the schema, so that a
further table can't be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlmodel import Session, SQLModel, col, or_, select

from digest import signing
from digest.db.subscribers import feedback, subscribers
from digest.models import (
    AccountRequest,
    Attempt,
    Audit,
    Bounce,
    Delivery,
    Edition,
    ExamplePaper,
    ProfileVersion,
    SignUpRequest,
    Subscriber,
    Threshold,
)
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
    query = select(ProfileVersion).where(ProfileVersion.subscriber_id == subscriber.id)
    return _to_json(session.exec(query.order_by(col(ProfileVersion.number))).all(), {"id", "subscriber_id"})


def _thresholds(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    query = (
        select(ProfileVersion.number, Threshold.epoch_id, Threshold.tau)
        .join(ProfileVersion, col(ProfileVersion.id) == col(Threshold.profile_id))
        .where(ProfileVersion.subscriber_id == subscriber.id)
        .order_by(col(Threshold.id))
    )
    names = ("profile_version", "epoch", "threshold")
    return [dict(zip(names, row, strict=True)) for row in session.exec(query)]


def _consents(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    return _to_json(subscribers.consents(session, subscriber.id or 0), {"id", "subscriber_id"})


def _editions(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    query = select(Edition).where(Edition.subscriber_id == subscriber.id).order_by(col(Edition.day))
    return _to_json(session.exec(query).all(), {"id", "subscriber_id", "profile_id", "shown"})


def _feedback(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    return _to_json(feedback.feedback_of(session, subscriber.id or 0), {"id", "subscriber_id"})


def _example_papers(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    query = select(ExamplePaper).where(ExamplePaper.subscriber_id == subscriber.id).order_by(col(ExamplePaper.id))
    return _to_json(session.exec(query).all(), {"id", "subscriber_id"})


def _mails(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    theirs = or_(col(Delivery.subscriber_id) == subscriber.id, col(Delivery.address) == subscriber.address)
    query = select(Delivery).where(theirs).order_by(col(Delivery.id))
    return _to_json(session.exec(query).all(), {"id", "subscriber_id", "subject_id", "lease_id", "priority"})


def _bounces(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    query = select(Bounce).where(Bounce.address_key == subscriber.address_key).order_by(col(Bounce.id))
    return _to_json(session.exec(query).all(), {"id", "address_key"})


def _suppression(session: Session, subscriber: Subscriber) -> dict[str, Any] | None:
    suppression = subscribers.suppression(session, subscriber.address_key)
    return suppression.model_dump(mode="json", exclude={"id", "address_key"}) if suppression else None


def _attempts(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    """Tries that are counted under the subscriber's number."""
    query = select(Attempt).where(Attempt.key == str(subscriber.id)).order_by(col(Attempt.id))
    return _to_json(session.exec(query).all(), {"id", "key"})


def _sign_up_requests(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    query = select(SignUpRequest).where(SignUpRequest.subscriber_id == subscriber.id).order_by(col(SignUpRequest.id))
    return _to_json(session.exec(query).all(), {"id", "subscriber_id"})


def _account_requests(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    query = select(AccountRequest).where(AccountRequest.subscriber_id == subscriber.id).order_by(col(AccountRequest.id))
    return _to_json(session.exec(query).all(), {"id", "subscriber_id"})


def _request_counters(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    """How often mail to the address was requested. Requests are counted by client, too, under a hash of the client."""
    return _to_json(rate_limits.counters_of_address(session, subscriber.address_key), {"key"})


def _audit(session: Session, subscriber: Subscriber) -> list[dict[str, Any]]:
    query = select(Audit).where(col(Audit.detail)["subscriber"].as_integer() == subscriber.id)
    return _to_json(session.exec(query.order_by(col(Audit.id))).all(), {"id", "actor"})


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
    suppression: list[Mapping[str, Any]] = [row.model_dump(mode="json", exclude=without) for row in rows]
    return [dict(row) for row in suppression]
