"""Keeping house: figures, runs, subscribers and suppressions for the administrator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from digest import clock
from digest.db import bounces, deliveries, subscribers
from digest.db import runs as run_store
from digest.db.engine import reading, transaction
from digest.errors import BadInput, NotFound, Refused
from digest.matching.profile import Profile
from digest.models import Announcement, Audit, Batch, Paper, ProfileVersion, Run, Subscriber
from digest.models.subscriber import ACTIVE, BY_ADMINISTRATOR
from digest.services import confirm, wishes
from digest.services import erase as erasing

Row = dict[str, object]


def stats() -> Row:
    """How many papers, announcements, subscribers and deliveries by state."""
    with reading() as session:
        people, mails = subscribers.counts(session), deliveries.states(session)
        papers = session.execute(select(func.count()).select_from(Paper)).scalar_one()
        days = session.execute(select(func.count()).select_from(Announcement)).scalar_one()
        batches = session.execute(select(func.count()).select_from(Batch)).scalar_one()
    return {"papers": papers, "announcements": days, "ingests": batches, **people, **mails}


def runs(limit: int) -> list[Row]:
    """The newest runs with their deliveries by state."""
    with reading() as session:
        found = session.execute(select(Run).order_by(col(Run.slot).desc()).limit(limit)).scalars()
        return [_run_row(session, run) for run in found]


def _run_row(session: Session, run: Run) -> Row:
    _, skipped, papers = run_store.shard_totals(session, [run.id or 0])
    states = run_store.deliveries_of(session, [run.id or 0])
    named = {name: states.get(name, 0) for name in ("queued", "sent", "deferred", "rejected", "uncertain")}
    return {"run": run.id, "slot": run.slot, "state": run.state, **named, "skipped": skipped, "papers": papers}


def subscriber_rows() -> list[Row]:
    """All subscribers with their topics."""
    with reading() as session:
        people = session.execute(select(Subscriber).order_by(col(Subscriber.id))).scalars().all()
        current = select(ProfileVersion).join(Subscriber, col(Subscriber.profile_id) == col(ProfileVersion.id))
        profiles = {v.id: Profile.from_json(v.profile) for v in session.execute(current).scalars()}
        return [_person(reader, profiles.get(reader.profile_id, Profile())) for reader in people]


def subscriber(address: str) -> Row:
    """One subscriber with topics and consent. Raises NotFound."""
    with reading() as session:
        reader = _reader(session, address)
        events = subscribers.consents(session, reader.id or 0)
        said = "; ".join(f"{c.event} {c.at:%Y-%m-%d %H:%M} UTC ({c.wording})" for c in events)
        return _person(reader, subscribers.profile_of(session, reader)) | {"consent": said}


def _reader(session: Session, address: str) -> Subscriber:
    found = subscribers.by_key(session, subscribers.address(address).key)
    if found is None:
        raise NotFound(f"nobody is subscribed as {address}")
    return found


def _person(reader: Subscriber, profile: Profile) -> Row:
    """What can be said of a reader, all of it in words; lists have a line each."""
    return {
        "address": reader.address,
        "state": reader.state,
        "topics": "\n".join(topic.text for topic in profile.topics),
        "exclusions": "\n".join(profile.exclusions),
        "categories": " ".join(profile.categories),
        "authors": "\n".join(profile.authors),
        "close": "yes" if profile.close else "no",
        "minimum": profile.minimum,
        "limit": profile.limit,
        "cadence": reader.cadence,
        "weekday": reader.weekday,
        "time_zone": reader.time_zone,
        "send_at": reader.send_at.isoformat("minutes"),
        "quiet_day": reader.quiet_day,
        "paused_until": reader.paused_until.isoformat() if reader.paused_until else "",
    }


def add(values: Mapping[str, Any], *, consent: str) -> None:
    """Subscribe somebody whose consent is held elsewhere; no confirmation is sent. Raises BadInput, Refused."""
    if not consent.strip():
        raise BadInput("consent: say how and when this person agreed", field="consent")
    request = wishes.read(wishes.Subscription, values)
    who, now = subscribers.address(request.address), clock.now()
    with transaction() as session:
        reader = subscribers.admit(session, who, now=now)
        session.flush()
        if reader.state == ACTIVE:
            raise Refused(f"{who.text} is subscribed already")
        request.schedule(reader)
        version = subscribers.new_profile(session, reader.id or 0, request.profile(), now=now)
        confirm.begin(session, reader, version, event="imported", client="administrator", now=now)
        detail = {"subscriber": reader.id, "consent": consent[:200]}
        session.add(Audit(at=now, actor="command line", action="add", detail=detail))


def erase(address: str) -> None:
    """Delete a person's data. Raises NotFound."""
    with reading() as session:
        number = _reader(session, address).id or 0
    erasing.erase(number)


def suppress(address: str, *, reason: str) -> None:
    """Never mail this address again; the first reason given stays."""
    key = subscribers.address(address).key
    now = clock.now()
    with transaction() as session:
        bounces.suppress(session, key, reason=reason, source=BY_ADMINISTRATOR, at=now)
        session.add(Audit(at=now, actor="command line", action="suppress", detail={"reason": reason[:40]}))


def unsuppress(address: str) -> None:
    """Allow mail to this address again; what it failed before counts no more. Raises NotFound."""
    key = subscribers.address(address).key
    with transaction() as session:
        if not bounces.unsuppress(session, key):
            raise NotFound(f"{address} is not suppressed")
        forgiven = bounces.forgive(session, key)
        session.add(Audit(at=clock.now(), actor="command line", action="unsuppress", detail={"forgiven": forgiven}))
