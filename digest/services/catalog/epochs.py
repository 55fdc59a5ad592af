"""Epochs: word counts fixed for a week (every announcement until 14 exist)."""

from __future__ import annotations

from collections import OrderedDict
from datetime import date
from functools import lru_cache
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlmodel import Session

from digest import clock
from digest.db.core.engine import engine, reading, transaction
from digest.db.papers import papers as store
from digest.db.runs import runs
from digest.matching.profile import Counts
from digest.matching.scoring import word_counts
from digest.matching.scoring.bm25 import Weights
from digest.models import Announcement, Epoch
from digest.services.catalog import announcements
from digest.services.catalog.announcements import AnnouncementDay

MIN_ANNOUNCEMENTS = 14
_FEW = 1000  # papers that are read and counted sooner than numpy is loaded
_KEPT = 8
_before: WeakKeyDictionary[Engine, OrderedDict[tuple[AnnouncementDay, ...], Weights]] = WeakKeyDictionary()


def current_epoch_id(announcement: int) -> int | None:
    """The number of the epoch to rank by on that announcement, made where a new one is due; None: the prior alone.

    Counting takes seconds, so it is done before the transaction; of two that count at once the first one stays.
    """
    with reading() as session:
        found = epoch_before(session, announcement)
    if found is None or found.id:
        return found.id if found else None
    with transaction() as session:
        runs.lock_epochs(session)
        first = _stored(session, announcement)
        if first is None:
            session.add(found)
            session.flush()
        return (first or found).id


def epoch_before(session: Session, announcement: int) -> Epoch | None:
    """The epoch to rank by on that announcement; one that is due but not stored yet is made, without a number.

    None before the first announcement.
    """
    found = _stored(session, announcement)
    return found if found or session.get(Announcement, announcement) is None else create_epoch(session, announcement)


def _stored(session: Session, announcement: int) -> Epoch | None:
    """The newest epoch where it is good for that announcement; for a day never announced any is."""
    newest = runs.newest_epoch(session)
    return None if newest is None or _due(newest, announcement) else newest


def _due(epoch: Epoch, announcement: int) -> bool:
    """A young epoch is replaced at each announcement, a grown one each week. An older date keeps what there is."""
    if epoch.announcement_id is None or announcement <= epoch.announcement_id:
        return False
    if epoch.announcements < MIN_ANNOUNCEMENTS:
        return True
    return date.fromordinal(announcement).isocalendar()[:2] > date.fromordinal(epoch.announcement_id).isocalendar()[:2]


def create_epoch(session: Session, announcement: int) -> Epoch:
    """An epoch of what was announced before that announcement: nothing of the day it ranks is counted."""
    counted = counts_before(session, announcement)
    return Epoch(
        created_at=clock.now(),
        announcement_id=announcement,
        papers=counted.papers,
        average_length_milli=round(counted.average_length * 1000),
        announcements=counted.announcements,
        terms=word_counts.pack(counted),
    )


def counts_before(session: Session, announcement: int) -> Counts:
    """Word counts over the 14 announcements before this one."""
    days = announcements.days(session, store.announcement_window(session, announcement - 1, MIN_ANNOUNCEMENTS))
    return word_counts.blend(_counted(session, tuple(days)))


def weights_before(session: Session, announcement: int) -> Weights:
    """The word weights by those counts; kept, since a preview asks for the same ones again and again."""
    days = tuple(announcements.days(session, store.announcement_window(session, announcement - 1, MIN_ANNOUNCEMENTS)))
    kept = _before.setdefault(engine(), OrderedDict())
    if days not in kept:
        kept[days] = Weights(word_counts.blend(_counted(session, days)))
    kept.move_to_end(days)
    while len(kept) > _KEPT:
        kept.popitem(last=False)
    return kept[days]


def _counted(session: Session, days: tuple[AnnouncementDay, ...]) -> Counts:
    """Few papers are read; of many there are indexes, which everybody else needs as well."""
    papers = [(paper.id, paper.revision) for day in days for paper in day.papers]
    if len(papers) <= _FEW:
        return word_counts.count(store.versions(session, papers).values(), announcements=len(days))
    from digest.matching.engine import index_counts
    from digest.services.catalog import day_indexes

    return index_counts.count((day_indexes.index_of_day(session, day) for day in days), announcements=len(days))


def weights(epoch: Epoch | None) -> Weights:
    """The word weights of an epoch; those of the shipped prior without one."""
    return _weights(None if epoch is None else epoch.terms)


@lru_cache(maxsize=4)
def _weights(terms: bytes | None) -> Weights:
    return Weights(word_counts.prior() if terms is None else word_counts.unpack(terms))
