"""What a run's readers are to get, and the rows that freeze it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select as sql
from sqlmodel import Session, col

from digest.compose.edition import Content, Frozen
from digest.compose.language import N_
from digest.db import deliveries, runs
from digest.db import papers as store
from digest.db.dialect import among
from digest.db.runs import Reader
from digest.matching.profile import Profile
from digest.models import Epoch, ProfileVersion, Run
from digest.models.delivery import DIGEST, NOTICE
from digest.services import cadence, pool, select, thresholds
from digest.services.entries import Asked

RESUMED = N_("Your pause is over. Here is what came meanwhile, back to the last 14 announcements.")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one reader is to get for one local date, before it is frozen. `tau`: the threshold it was chosen by."""

    reader: Reader
    day: date
    frozen: Frozen
    tau: int | None = None

    @property
    def content(self) -> Content:
        """The edition as an object."""
        return self.frozen.content()

    @property
    def kind(self) -> str | None:
        """The e-mail it owes: a digest, a quiet-day notice where the reader chose one, or none."""
        if self.frozen.papers:
            return DIGEST
        return NOTICE if self.reader.quiet_day == "notice" else None


def choose(session: Session, run: Run, epoch: Epoch | None, readers: Sequence[tuple[Reader, date]]) -> list[Chosen]:
    """What each of these readers is to get for that date in this run. Reads only."""
    if not readers:
        return []
    seen = _seen(session, run, [reader for reader, _ in readers])
    return _choose(session, run, epoch, readers, seen, window=pool.WINDOW)


def choose_first(session: Session, run: Run, epoch: Epoch | None, reader: Reader, day: date, *, window: int) -> Chosen:
    """A welcome: from the last `window` announcements, as if the reader had seen nothing. Reads only."""
    return _choose(session, run, epoch, [(reader, day)], {reader.id or 0: 0}, window=window)[0]


def _choose(
    session: Session,
    run: Run,
    epoch: Epoch | None,
    readers: Sequence[tuple[Reader, date]],
    seen: Mapping[int, int],
    *,
    window: int,
) -> list[Chosen]:
    known = pool.load(session, run, epoch, window=window)
    wanted = profiles(session, [reader for reader, _ in readers])
    sent = select.sent_before(session, known, list(seen))
    taus = thresholds.of(session, epoch, wanted)
    asked = []
    for reader, day in readers:
        number, profile_id = reader.id or 0, reader.profile_id or 0
        profile, tau = wanted.get(profile_id, Profile()), taus.get(profile_id)
        notice = " ".join(filter(None, [RESUMED if cadence.resumes(reader, day) else "", run.notice]))
        version = profile_id if profile_id in wanted else None
        asked.append(Asked(profile, seen[number], tau, sent.get(number, frozenset()), notice, version=version))
    made = select.frozen(session, known, asked)
    return [Chosen(reader, day, one, it.tau) for (reader, day), one, it in zip(readers, made, asked, strict=True)]


def profiles(session: Session, readers: Sequence[Reader]) -> dict[int, Profile]:
    """What these readers want, by profile version."""
    numbers = [reader.profile_id for reader in readers if reader.profile_id]
    query = sql(col(ProfileVersion.id), col(ProfileVersion.profile))
    rows = session.execute(query.where(among(session, col(ProfileVersion.id), numbers)))
    return {number: Profile.from_json(profile) for number, profile in rows}


def _seen(session: Session, run: Run, readers: Sequence[Reader]) -> dict[int, int]:
    """The last ingest that each reader's runs considered.

    Nothing, at a reader's first slot, where no welcome came. For a slot before the reader subscribed: what was known
    at the slot before that one, as if they had been there.
    """
    started = runs.with_editions(session, [reader.id or 0 for reader in readers])
    known: dict[datetime, int] = {}
    seen: dict[int, int] = {}
    for reader in readers:
        number, joined = reader.id or 0, reader.confirmed_at or reader.created_at
        seen[number] = reader.seen_through
        if run.slot < joined:
            before = cadence.slot_before(reader, run.slot)
            if before not in known:
                known[before] = store.known_through(session, before)
            seen[number] = min(reader.seen_through, known[before])
        elif number not in started and run.slot <= cadence.due_after(reader, joined):
            seen[number] = 0
    return seen


def row(run: Run, chosen: Chosen, now: datetime, *, kind: str = DIGEST) -> dict[str, Any]:
    """The edition as a row."""
    return {
        "subscriber_id": chosen.reader.id,
        "day": chosen.day,
        "run_id": run.id,
        "announcement_id": run.announcement_id,
        "profile_id": chosen.reader.profile_id or 0,
        "created_at": now,
        "previous_seen": chosen.reader.seen_through,
        "kind": kind,
        "papers": chosen.frozen.papers,
        "content": chosen.frozen.text,
    }


def owed(run: Run, chosen: Chosen, edition_id: int, *, kind: str | None = None) -> deliveries.Owed:
    """The e-mail that brings the edition."""
    return deliveries.Owed(
        kind=kind or chosen.kind or DIGEST,
        subject_id=edition_id,
        address=chosen.reader.address,
        subscriber_id=chosen.reader.id,
        run_id=run.id,
    )
