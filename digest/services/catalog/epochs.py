"""Epochs: word counts that are fixed for a week (until 14 announcements exist, for one announcement)."""

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
from digest.matching.scoring.parameters import WINDOW_ANNOUNCEMENTS
from digest.models import Announcement, Epoch
from digest.services.catalog import announcements, day_postings
from digest.services.catalog.announcements import AnnouncementDay
from digest.text.tokens import TERM_RULES

MIN_ANNOUNCEMENTS = WINDOW_ANNOUNCEMENTS
_MAX_PAPERS_WITHOUT_INDEX = 1000  # up to so many papers are read and counted faster than numpy is loaded
_MAX_WEIGHTS_CACHED = 2  # 3 to 5 MB each
_weights_by_engine: WeakKeyDictionary[Engine, OrderedDict[tuple[AnnouncementDay, ...], Weights]] = WeakKeyDictionary()


def current_epoch_id(announcement: int) -> int | None:
    """The id of the epoch to rank by on that announcement, created where a new one is due; None: only the prior.

    Counting takes seconds, so it is done before the transaction; of two concurrent ones the first is stored.
    """
    with reading() as session:
        epoch = epoch_before(session, announcement)
    if epoch is None or epoch.id:
        return epoch.id if epoch else None
    with transaction() as session:
        runs.lock_epochs(session)
        stored_epoch = _usable_stored_epoch(session, announcement)
        if stored_epoch is None:
            session.add(epoch)
            session.flush()
        return (stored_epoch or epoch).id


def epoch_before(session: Session, announcement: int) -> Epoch | None:
    """The epoch to rank by on that announcement; one that is due but not stored is created without an id.

    None before the first announcement.
    """
    stored_epoch = _usable_stored_epoch(session, announcement)
    return (
        stored_epoch
        if stored_epoch or session.get(Announcement, announcement) is None
        else create_epoch(session, announcement)
    )


def _usable_stored_epoch(session: Session, announcement: int) -> Epoch | None:
    """The newest epoch, None where a new one is due on that announcement."""
    newest = runs.newest_epoch(session)
    return None if newest is None or _is_replaced(newest, announcement) else newest


def _is_replaced(epoch: Epoch, announcement: int) -> bool:
    """True where a new epoch is due: at each announcement until an epoch has 14 of them, then each ISO week.

    One is also due where words were counted by other rules, as after an upgrade.
    """
    if is_outdated(epoch.terms):
        return True
    if epoch.announcement_id is None or announcement <= epoch.announcement_id:
        return False
    if epoch.announcements < MIN_ANNOUNCEMENTS:
        return True
    return date.fromordinal(announcement).isocalendar()[:2] > date.fromordinal(epoch.announcement_id).isocalendar()[:2]


def create_epoch(session: Session, announcement: int) -> Epoch:
    """An epoch from the announcements before that one; papers of the day that it ranks are not counted."""
    counts = counts_before(session, announcement)
    return Epoch(
        created_at=clock.now(),
        announcement_id=announcement,
        papers=counts.papers,
        average_length_milli=round(counts.average_length * 1000),
        announcements=counts.announcements,
        terms=word_counts.pack(counts),
    )


def counts_before(session: Session, announcement: int) -> Counts:
    """Word counts over the 14 announcements before this one."""
    days = announcements.announcement_days(
        session, store.announcement_window(session, announcement - 1, MIN_ANNOUNCEMENTS)
    )
    return word_counts.blend(_count_words(session, tuple(days)))


def weights_before(session: Session, announcement: int) -> Weights:
    """The word weights by those counts, cached because previews need the same ones repeatedly."""
    days = tuple(
        announcements.announcement_days(
            session, store.announcement_window(session, announcement - 1, MIN_ANNOUNCEMENTS)
        )
    )
    cached = _weights_by_engine.setdefault(engine(), OrderedDict())
    if days not in cached:
        cached[days] = Weights(word_counts.blend(day_postings.count_words(session, days)))
    cached.move_to_end(days)
    while len(cached) > _MAX_WEIGHTS_CACHED:
        cached.popitem(last=False)
    return cached[days]


def _count_words(session: Session, days: tuple[AnnouncementDay, ...]) -> Counts:
    """Count the words of few papers directly, of many papers by their day indexes, which are needed anyway."""
    papers = [(paper.id, paper.revision) for day in days for paper in day.papers]
    if len(papers) <= _MAX_PAPERS_WITHOUT_INDEX:
        return word_counts.count(store.versions(session, papers).values(), announcements=len(days))
    from digest.matching.engine import index_counts
    from digest.services.catalog import day_indexes

    return index_counts.count((day_indexes.index_of_day(session, day) for day in days), announcements=len(days))


def weights(epoch: Epoch | None) -> Weights:
    """The word weights of an epoch, or of the shipped prior without one."""
    return weights_of_terms(None if epoch is None else epoch.terms)


@lru_cache(maxsize=_MAX_WEIGHTS_CACHED)  # of this week and of the last one
def weights_of_terms(terms: bytes | None) -> Weights:
    """The word weights by an epoch's packed counts; of the shipped prior without them or if other rules made them."""
    return Weights(word_counts.prior() if terms is None or is_outdated(terms) else word_counts.unpack(terms))


def is_outdated(terms: bytes) -> bool:
    """True for packed counts by the rules of another release, whose stems are not those of texts now."""
    return word_counts.packed_rules(terms) != TERM_RULES
