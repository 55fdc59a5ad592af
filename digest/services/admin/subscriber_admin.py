"""Keeping house: figures, runs, subscribers and suppressions for the administrator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from digest import clock
from digest.db.bounces import reports
from digest.db.core.engine import reading, transaction
from digest.db.outbox import deliveries
from digest.db.runs import runs as run_store
from digest.db.subscribers import subscribers
from digest.errors import BadInput, NotFound, Refused
from digest.matching.profile import Profile
from digest.models import Announcement, Audit, Batch, Paper, ProfileVersion, Run, Subscriber
from digest.models.subscriber import ACTIVE, BY_ADMINISTRATOR
from digest.models.types import stored_id
from digest.services.security.audit_actor import command_line_actor
from digest.services.subscriptions import confirm, consent_origin, preference_fields
from digest.services.subscriptions import erasure as erasing
from digest.text.redaction import redact_addresses

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
    _, skipped, papers = run_store.shard_totals(session, [stored_id(run)])
    states = run_store.deliveries_of(session, [stored_id(run)])
    named = {name: states.get(name, 0) for name in ("queued", "sent", "deferred", "rejected", "uncertain")}
    return {"run": run.id, "slot": run.slot, "state": run.state, **named, "skipped": skipped, "papers": papers}


def subscriber_rows() -> list[Row]:
    """All subscribers with their topics."""
    with reading() as session:
        people = session.execute(select(Subscriber).order_by(col(Subscriber.id))).scalars().all()
        current = select(ProfileVersion).join(Subscriber, col(Subscriber.profile_id) == col(ProfileVersion.id))
        profiles = {v.id: Profile.from_json(v.profile) for v in session.execute(current).scalars()}
        return [_person(reader, profiles.get(reader.profile_id, Profile())) for reader in people]


def subscriber(address: str, *, client: str = "") -> Row:
    """One subscriber with topics and consent. `client`: an IP address, to check which consents came from there.

    Raises NotFound, BadInput.
    """
    with reading() as session:
        reader = _reader(session, address)
        events = subscribers.consents(session, stored_id(reader))
        said = "; ".join(
            f"{c.event} {c.at:%Y-%m-%d %H:%M} UTC{_origin(c.client, client)} ({c.wording})" for c in events
        )
        return _person(reader, subscribers.profile_of(session, reader)) | {"consent": said}


def _origin(stored: str, client: str) -> str:
    """Where a consent came from, as far as it can be said."""
    if stored in consent_origin.WORDS:
        return f" by {stored}" if stored else ""
    if not client:
        return ""
    return f" from {client}" if consent_origin.came_from(stored, client) else f" not from {client}"


def _reader(session: Session, address: str) -> Subscriber:
    found = subscribers.by_key(session, subscribers.address(address).key)
    if found is None:
        raise NotFound(f"nobody is subscribed as {address}")
    return found


def _person(reader: Subscriber, profile: Profile) -> Row:
    """What can be said of a reader, all of it in words; lists have a line each."""
    chosen = preference_fields.values(reader, profile)
    return {"address": reader.address, "state": reader.state} | {n: _listed(n, value) for n, value in chosen.items()}


def _listed(name: str, value: object) -> object:
    """A preference as listings show it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, int) else preference_fields.as_text(name, value)


def add(values: Mapping[str, Any], *, consent: str, welcome: bool = True) -> None:
    """Subscribe somebody whose consent is held elsewhere; no confirmation is sent. Raises BadInput, Refused.

    The scheduler sees to their first edition within minutes, unless `welcome` is False.
    """
    request, who = _checked(values, consent)
    now = clock.now()
    with transaction() as session:
        reader = subscribers.admit(session, who, now=now)
        session.flush()
        if reader.state == ACTIVE:
            raise Refused(f"{who.text} is subscribed already")
        request.write_to(reader)
        version = subscribers.new_profile(session, stored_id(reader), request.profile(), now=now)
        confirm.begin(
            session, reader, version, event=subscribers.IMPORTED, client=consent_origin.ADMINISTRATOR, now=now
        )
        if not welcome:
            subscribers.leave_unwelcomed(session, stored_id(reader), now=now)
        detail = {"subscriber": reader.id, "consent": redact_addresses(consent)[:200]}
        session.add(Audit(at=now, actor=command_line_actor(), action="add", detail=detail))


def check(values: Mapping[str, Any], *, consent: str) -> str:
    """Raise what `add` would raise, and add nobody. Returns the address's key."""
    _, who = _checked(values, consent)
    with reading() as session:
        known = subscribers.by_key(session, who.key)
        if known is not None and known.state == ACTIVE:
            raise Refused(f"{who.text} is subscribed already")
        confirm.must_not_be_suppressed(session, who.key)
    return who.key


def _checked(values: Mapping[str, Any], consent: str) -> tuple[preference_fields.Subscription, subscribers.Address]:
    if not consent.strip():
        raise BadInput("consent: say how and when this person agreed", field="consent")
    request = preference_fields.read(preference_fields.Subscription, values)
    return request, subscribers.address(request.address)


def erase(address: str) -> bool:
    """Delete a person's data. False where traces in the database's file go later, by `retention`. Raises NotFound."""
    with reading() as session:
        number = stored_id(_reader(session, address))
    return erasing.erase(number, by_administrator=True)


def suppress(address: str, *, reason: str) -> bool:
    """Never mail this address again. False where it was suppressed before: then the first reason given stays."""
    key = subscribers.address(address).key
    now = clock.now()
    with transaction() as session:
        is_new = reports.suppress(session, key, reason=reason, source=BY_ADMINISTRATOR, at=now)
        if is_new:
            session.add(Audit(at=now, actor=command_line_actor(), action="suppress", detail={"reason": reason[:40]}))
    return is_new


def unsuppress(address: str) -> None:
    """Allow mail to this address again; what it failed before counts no more. Raises NotFound."""
    key = subscribers.address(address).key
    with transaction() as session:
        if not reports.unsuppress(session, key):
            raise NotFound(f"{address} is not suppressed")
        forgiven = reports.forgive(session, key)
        session.add(
            Audit(at=clock.now(), actor=command_line_actor(), action="unsuppress", detail={"forgiven": forgiven})
        )
