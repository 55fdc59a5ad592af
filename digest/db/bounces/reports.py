"""Stored bounces and suppressions: the delivery of a report, failures of an address, addresses not to mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from digest.db.core.dialect import insert_ignore
from digest.db.outbox.message_ids import ReadMessageId
from digest.db.subscribers import former_addresses
from digest.models import Bounce, Delivery, DomainPause, Suppression
from digest.models.subscriber import BOUNCE_REASONS, BY_ADMINISTRATOR

CLEARED = "forgiven"  # kind of a bounce that no longer counts; kept, so that its report is not counted again
COUNTED_KINDS = ("hard", "soft")
POLICY_KIND = "policy"


def find_delivery(session: Session, delivery_id: int | None, reported_id: ReadMessageId | None) -> Delivery | None:
    """The delivery with that id, else the one with exactly the Message-ID `reported_id`.

    None where the delivery with that id has another Message-ID: the mail was sent before the database was restored from
    a backup, after which the id was assigned again.
    """
    if delivery_id is not None and delivery_id < 2**63:
        delivery = session.get(Delivery, delivery_id)
        is_same_mail = (
            reported_id is None or reported_id.delivery_id != delivery_id or _has_message_id(delivery, reported_id)
        )
        return delivery if is_same_mail else None
    delivery = _delivery_by_message_id(session, reported_id) if reported_id is not None else None
    return delivery if reported_id is not None and _has_message_id(delivery, reported_id) else None


def _has_message_id(delivery: Delivery | None, reported_id: ReadMessageId) -> bool:
    return delivery is not None and (delivery.message_id or "").lower() == reported_id.text.lower()


def _delivery_by_message_id(session: Session, reported_id: ReadMessageId) -> Delivery | None:
    """The delivery that a Message-ID names, whether or not it is that delivery's own."""
    if reported_id.delivery_id is not None:
        return session.get(Delivery, reported_id.delivery_id)
    if reported_id.key is None or reported_id.key[2] >= 2**31:
        return None
    kind, subject, serial = reported_id.key
    query = select(Delivery).where(Delivery.kind == kind, Delivery.subject_id == subject, Delivery.serial == serial)
    return session.exec(query).one_or_none()


def record_report(
    session: Session,
    *,
    report_key: str,
    address_key: str,
    kind: str,
    status: str,
    delivery_id: int | None,
    at: datetime,
) -> bool:
    """Store a report. False where it was stored before: it counts once."""
    row = {
        "report_key": report_key[:120],
        "address_key": address_key,
        "kind": kind,
        "status": status[:20],
        "delivery_id": delivery_id,
        "at": at,
    }
    return insert_ignore(session, Bounce, [row]) == 1


def counted_failures(session: Session, address_key: str, *, since: datetime) -> Sequence[Bounce]:
    """The failures of an address that still count, oldest first."""
    query = select(Bounce).where(
        Bounce.address_key == address_key, col(Bounce.kind).in_(COUNTED_KINDS), col(Bounce.at) > since
    )
    return session.exec(query.order_by(col(Bounce.at))).all()


def failing_addresses(session: Session, *, since: datetime, minimum: int, after: str, limit: int) -> Sequence[str]:
    """Sorted address keys after `after` with at least `minimum` failures since then, without suppressed ones."""
    query = (
        select(Bounce.address_key)
        .where(col(Bounce.kind).in_(COUNTED_KINDS), col(Bounce.at) > since, col(Bounce.address_key) > after)
        .where(col(Bounce.address_key).not_in(select(Suppression.address_key)))
        .group_by(col(Bounce.address_key))
        .having(func.count() >= minimum)
        .order_by(col(Bounce.address_key))
        .limit(limit)
    )
    return session.exec(query).all()


def reports_of_address(session: Session, address_key: str) -> Sequence[Bounce]:
    """All reports about an address, oldest first."""
    return session.exec(select(Bounce).where(Bounce.address_key == address_key).order_by(col(Bounce.id))).all()


def delete_reports(session: Session, address_key: str) -> None:
    """Delete all reports about an address."""
    session.exec(delete(Bounce).where(col(Bounce.address_key) == address_key))


def is_first_policy_report(session: Session, delivery_id: int | None) -> bool:
    """True where at most one policy report about that delivery is stored."""
    query = (
        select(func.count()).select_from(Bounce).where(Bounce.delivery_id == delivery_id, Bounce.kind == POLICY_KIND)
    )
    return delivery_id is not None and session.exec(query).one() <= 1


def policy_addresses(session: Session, *, since: datetime, domain: str = "") -> int:
    """Number of addresses with policy reports since then, at that domain ('': at any)."""
    query = select(func.count(func.distinct(Bounce.address_key))).where(
        Bounce.kind == POLICY_KIND, col(Bounce.at) > since
    )
    if domain:
        query = query.where(col(Bounce.address_key).endswith(f"@{domain}", autoescape=True))
    return session.exec(query).one()


def clear_failures(session: Session, address_key: str) -> int:
    """Stop counting the failures of an address. Returns how many."""
    counted = col(Bounce.address_key) == address_key, col(Bounce.kind).in_(COUNTED_KINDS)
    return session.exec(update(Bounce).where(*counted).values(kind=CLEARED)).rowcount


def suppress(session: Session, address_key: str, *, reason: str, source: str, at: datetime) -> bool:
    """Suppress an address. False where it was suppressed before: the first reason stays.

    A person's reason (a complaint, 'not me', an administrator's) replaces that of a bounce, which the owner of the
    address could lift by signing up again.
    """
    row = {"address_key": address_key, "reason": reason[:40], "source": source[:200], "at": at}
    if insert_ignore(session, Suppression, [row]) == 1:
        return True
    if reason not in BOUNCE_REASONS or source == BY_ADMINISTRATOR:
        replaced = update(Suppression).where(
            col(Suppression.address_key) == address_key,
            col(Suppression.reason).in_(BOUNCE_REASONS),
            col(Suppression.source) != BY_ADMINISTRATOR,
        )
        session.exec(replaced.values(reason=row["reason"], source=row["source"], at=at))
    return False


def unsuppress(session: Session, address_key: str) -> bool:
    """Allow mail to this address again. False where it was not suppressed."""
    was_suppressed = session.exec(delete(Suppression).where(col(Suppression.address_key) == address_key)).rowcount == 1
    former = former_addresses.find_former_address(session, address_key)
    if former is not None and former.suppressed:
        return former_addresses.delete_former_address(session, address_key)
    return was_suppressed


def delete_suppression(session: Session, address_key: str) -> None:
    """Delete the stored suppression of an address; the hash of a former address stays."""
    session.exec(delete(Suppression).where(col(Suppression.address_key) == address_key))


def suppressions_by_key(session: Session) -> dict[str, Suppression]:
    """All stored suppressions by address key, oldest first."""
    return {row.address_key: row for row in session.exec(select(Suppression).order_by(col(Suppression.id)))}


def suppressed_since(session: Session, since: datetime) -> Sequence[Suppression]:
    """Suppressions made since then, oldest first."""
    query = select(Suppression).where(col(Suppression.at) >= since)
    return session.exec(query.order_by(col(Suppression.at), col(Suppression.address_key))).all()


def paused_domains(session: Session, now: datetime) -> Sequence[DomainPause]:
    """The current pauses of domains."""
    return session.exec(select(DomainPause).where(col(DomainPause.until) > now).order_by(DomainPause.domain)).all()
