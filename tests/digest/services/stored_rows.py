"""Insert subscribers, runs and mails for a test directly into the database."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import Session, SQLModel, col, select

from digest import clock
from digest.db.core.engine import reading, transaction
from digest.db.outbox import deliveries
from digest.matching.profile import Profile
from digest.models import Announcement, Bounce, Delivery, Edition, ProfileVersion, Run, Shard, Subscriber, Suppression
from digest.models.delivery import DIGEST, SENT
from digest.models.edition import COMPLETE
from digest.models.subscriber import ACTIVE


def add_subscriber(
    address: str,
    *,
    seen_through: int = 0,
    next_due_at: datetime | None = None,
    state: str = ACTIVE,
    profile: Profile = Profile(),  # noqa: B008 - frozen
) -> int:
    """A confirmed subscriber; returns the id."""
    now = clock.now()
    with transaction() as session:
        subscriber = Subscriber(
            address=address,
            address_key=deliveries.address_key(address),
            state=state,
            created_at=now,
            confirmed_at=now,
            seen_through=seen_through,
            next_due_at=next_due_at,
        )
        session.add(subscriber)
        session.flush()
        version = ProfileVersion(subscriber_id=subscriber.id or 0, number=1, created_at=now, profile=profile.to_json())
        session.add(version)
        session.flush()
        subscriber.profile_id = version.id
    return subscriber.id or 0


def add_run(slot: datetime | None = None, *, state: str = COMPLETE, shard: tuple[int, int] | None = None) -> int:
    """A run that includes papers up to batch 5; `shard`: subscribers of a shard that is not done."""
    slot_time = clock.slot_of(slot or clock.now())
    with transaction() as session:
        announcement = _announcement(session, slot_time.date())
        run = Run(
            slot=slot_time,
            created_at=slot_time,
            signals_at=slot_time,
            batch_through=5,
            announcement_id=announcement,
            state=state,
        )
        session.add(run)
        session.flush()
        if shard:
            session.add(Shard(run_id=run.id or 0, number=0, first=shard[0], last=shard[1]))
    return run.id or 0


def _announcement(session: Session, day: date) -> int:
    number = day.toordinal()
    if session.get(Announcement, number) is None:
        session.add(Announcement(id=number, day=day))
        session.flush()
    return number


def add_mail(
    subscriber_id: int,
    run: int,
    *,
    day: date | None = None,
    state: str = SENT,
    is_held: bool = False,
    previous_seen: int = 3,
) -> int:
    """An edition of that run with its mail; its subscriber saw batch 5, before it `previous_seen`. Returns the mail."""
    now = clock.now()
    with transaction() as session:
        run_row = session.get_one(Run, run)
        row = session.get_one(Subscriber, subscriber_id)
        row.seen_through = max(row.seen_through, 5)
        edition = Edition(
            subscriber_id=subscriber_id,
            day=day or run_row.slot.date(),
            run_id=run,
            announcement_id=run_row.announcement_id,
            profile_id=row.profile_id or 0,
            created_at=now,
            previous_seen=previous_seen,
            papers=0,
            content={"entries": []},
        )
        session.add(edition)
        session.flush()
        delivery = Delivery(
            kind=DIGEST,
            subject_id=edition.id or 0,
            subscriber_id=subscriber_id,
            run_id=run,
            address=row.address,
            domain=row.address.partition("@")[2],
            state=state,
            due_at=None if is_held or state in {"sent", "rejected", "cancelled"} else now,
            created_at=now,
        )
        session.add(delivery)
    return delivery.id or 0


def mail(number: int) -> Delivery:
    """That delivery as stored."""
    with reading() as session:
        return session.get_one(Delivery, number)


def subscriber_row(number: int) -> Subscriber:
    """That subscriber as stored."""
    with reading() as session:
        return session.get_one(Subscriber, number)


def editions() -> dict[int, bool]:
    """By subscriber id whether the edition is cancelled."""
    with reading() as session:
        return {row.subscriber_id: row.cancelled for row in session.exec(select(Edition))}


def suppressed() -> dict[str, str]:
    """The reason by suppressed address."""
    with reading() as session:
        return {row.address_key: row.reason for row in session.exec(select(Suppression))}


def bounces() -> list[tuple[str, str]]:
    """Address and kind of each stored bounce."""
    with reading() as session:
        return [(row.address_key, row.kind) for row in session.exec(select(Bounce).order_by(col(Bounce.id)))]


def alarms() -> list[str]:
    """The titles of the queued alarms, one for each administrator."""
    with reading() as session:
        rows = session.exec(select(Delivery).where(Delivery.kind == "alarm").order_by(col(Delivery.id)))
        return [str((row.payload or {})["title"]) for row in rows]


def alarm_texts() -> list[tuple[str, list[str]]]:
    """Title and facts of the queued alarms, one for each administrator."""
    with reading() as session:
        rows = session.exec(select(Delivery).where(Delivery.kind == "alarm").order_by(col(Delivery.id)))
        return [(str((row.payload or {})["title"]), list((row.payload or {})["facts"])) for row in rows]


def later(**passed: float) -> datetime:
    """The instant that far from now."""
    return clock.now() + timedelta(**passed)


def store_row(*rows: SQLModel) -> None:
    """Store rows."""
    with transaction() as session:
        session.add_all(rows)
