"""A first edition, minutes after confirming: from the last 7 announcements; it is that date's edition."""

from __future__ import annotations

from digest import clock
from digest.db import deliveries, runs, subscribers
from digest.db import papers as store
from digest.db.engine import reading, transaction
from digest.matching.profile import Profile
from digest.models import ProfileVersion, Run, Subscriber
from digest.models.delivery import WELCOME
from digest.models.subscriber import ACTIVE
from digest.ports import Enqueue
from digest.services import pool, select
from digest.services.epochs import current

ANNOUNCEMENTS = 7


def first_edition(subscriber_id: int, enqueue: Enqueue | None = None) -> bool:
    """Freeze and owe it; safe to run twice. False where nothing matches, or the date has its edition."""
    now = clock.now()
    with transaction() as session:
        announcement = store.current_announcement(session, now.astimezone(clock.ARXIV_ZONE).date())
        reader = subscribers.by_id(session, subscriber_id)
        if announcement is None or reader is None or reader.state != ACTIVE:
            return False
        epoch = current(session, announcement)
    run = Run(
        slot=clock.slot_of(now),
        created_at=now,
        signals_at=now,
        batch_through=reader.seen_through,
        announcement_id=announcement,
        epoch_id=epoch,
    )
    made = _freeze(run, reader)
    if made and enqueue is not None:
        enqueue.deliver()
    return made


def _freeze(run: Run, reader: Subscriber) -> bool:
    day = run.created_at.astimezone(clock.zone(reader.time_zone)).date()
    number = reader.id or 0
    with reading() as session:
        if runs.dated(session, [number], [day]):
            return False
        version = session.get(ProfileVersion, reader.profile_id)
        known = pool.load(session, run, window=ANNOUNCEMENTS)
        sent = select.sent_before(session, known, [number]).get(number, frozenset())
    profile = Profile.from_json(version.profile) if version else Profile()
    content = select.choose(known, profile, seen_through=0, tau=None, sent=sent)
    if not content.entries:
        return False
    edition = {
        "subscriber_id": number,
        "day": day,
        "run_id": None,
        "announcement_id": run.announcement_id,
        "profile_id": reader.profile_id or 0,
        "created_at": run.created_at,
        "previous_seen": reader.seen_through,
        "kind": WELCOME,
        "papers": len(content.entries),
        "content": content.to_json(),
    }
    with transaction() as session:
        subscribers.by_id(session, number, lock=True)  # two at once: the second sees the first one's edition
        if runs.dated(session, [number], [day]):
            return False
        edition_id = runs.insert_editions(session, [edition])[0]
        owed = deliveries.Owed(WELCOME, edition_id, reader.address, subscriber_id=reader.id)
        deliveries.owe(session, [owed], run.created_at)
    return True
