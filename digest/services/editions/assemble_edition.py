"""Assemble the editions of a run's subscribers, and the rows that store them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlmodel import Session

from digest.compose.edition import Content, StoredContent
from digest.db.papers import papers as store
from digest.db.runs import editions
from digest.db.subscribers import subscribers
from digest.db.subscribers.shard_reads import AnySubscriber
from digest.errors import N_
from digest.matching.profile import Profile
from digest.matching.scoring.parameters import WINDOW_ANNOUNCEMENTS
from digest.models import Epoch, Run
from digest.models.delivery import DIGEST, NOTICE
from digest.models.types import compress, stored_id
from digest.services.selection import candidate_papers, selector, threshold_lookup
from digest.services.selection.backend import ProfileCache
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.edition_sections import COMPILED_PROFILE, SelectionRequest
from digest.services.subscriptions import send_schedule

PAUSE_ENDED_NOTICE = N_("Your pause is over. Here is what came meanwhile, back to the last 14 announcements.")
_NO_PROFILE = Profile()
RECENT_SUBSCRIBER_WINDOW = timedelta(days=10)  # a week, plus the span of time zones


class AssembledEdition(NamedTuple):
    """One subscriber's edition for one local date, before it is stored.

    `tau`: the threshold of close matches that was used; `has_contexts`: with contexts of topics; `calibrated`: it was
    computed now and is not stored yet.
    """

    subscriber: AnySubscriber
    day: date
    stored_content: StoredContent
    tau: int | None = None
    calibrated: bool = True
    has_contexts: bool = False

    @property
    def content(self) -> Content:
        """The edition as an object."""
        return self.stored_content.content()

    @property
    def kind(self) -> str | None:
        """The mail to send: a digest, a quiet-day notice where the subscriber's preferences request it, or None."""
        if self.stored_content.papers:
            return DIGEST
        return NOTICE if self.subscriber.quiet_day == "notice" else None


def assemble(
    session: Session,
    run: Run,
    epoch: Epoch | None,
    recipients: Sequence[tuple[AnySubscriber, date]],
    *,
    shard: str = "",
) -> list[AssembledEdition]:
    """The editions of these subscribers for their local dates in this run. Reads only.

    `shard`: a name shared by runs with about the same subscribers; their profiles are cached under it.
    """
    return list(iter_assembled(session, run, epoch, recipients, shard=shard))


def iter_assembled(
    session: Session,
    run: Run,
    epoch: Epoch | None,
    recipients: Sequence[tuple[AnySubscriber, date]],
    *,
    shard: str = "",
) -> Iterator[AssembledEdition]:
    """Like `assemble`, one subscriber at a time."""
    if not recipients:
        return iter(())
    last_batches = _last_batches(session, run, [subscriber for subscriber, _ in recipients])
    first = frozenset(subscriber_id for subscriber_id, batch in last_batches.items() if batch == 0)
    return _assemble(
        session, run, epoch, recipients, last_batches, window=WINDOW_ANNOUNCEMENTS, shard=shard, first_editions=first
    )


def assemble_welcome(
    session: Session, run: Run, epoch: Epoch | None, subscriber: AnySubscriber, day: date, *, window: int
) -> AssembledEdition:
    """A welcome edition from the last `window` announcements, all of which count as unseen. Reads only."""
    subscriber_id = stored_id(subscriber)
    [assembled] = _assemble(
        session, run, epoch, [(subscriber, day)], {subscriber_id: 0}, window=window, first_editions=[subscriber_id]
    )
    return assembled


def _assemble(
    session: Session,
    run: Run,
    epoch: Epoch | None,
    recipients: Sequence[tuple[AnySubscriber, date]],
    last_batches: Mapping[int, int],
    *,
    window: int,
    shard: str = "",
    first_editions: Collection[int] = (),
) -> Iterator[AssembledEdition]:
    pool = candidate_papers.load_pool(session, run, epoch, window=window)
    cache = selector.profile_cache(session, pool, shard, len(recipients)) if shard else None
    versions = [subscriber.profile_id for subscriber, _ in recipients if subscriber.profile_id]
    stored = threshold_lookup.stored_thresholds(session, epoch, versions)
    profiles_by_version = _profiles_to_match(session, versions, cache)
    sent = selector.sent_papers_before(session, pool, last_batches)
    thresholds = threshold_lookup.complete_thresholds(session, epoch, profiles_by_version, stored, cache)
    requests = []
    for subscriber, day in recipients:
        subscriber_id, profile_id = stored_id(subscriber), subscriber.profile_id or 0
        profile = profiles_by_version.get(profile_id, _NO_PROFILE)
        tau, has_contexts = thresholds.get(profile_id, threshold_lookup.NO_THRESHOLD)
        notice = _notice(run, subscriber, day)
        version = profile_id if profile_id in profiles_by_version else None
        requests.append(
            SelectionRequest(
                profile,
                last_batches[subscriber_id],
                tau,
                sent.get(subscriber_id, ()),
                notice,
                version=version,
                has_contexts=has_contexts,
                days_back=_days_back(pool, day) if subscriber_id in first_editions else 0,
            )
        )
    contents = selector.choose_stored(session, pool, requests, cache)
    for (subscriber, day), content, request in zip(recipients, contents, requests, strict=True):
        is_new = subscriber.profile_id not in stored
        yield AssembledEdition(subscriber, day, content, request.tau, is_new, request.has_contexts)


def _notice(run: Run, subscriber: AnySubscriber, day: date) -> str:
    """The run's notice, after one that says why the edition looks further back than usual."""
    resumed = subscriber.paused_until is not None and send_schedule.is_first_after_pause(subscriber, day)
    return " ".join(filter(None, [PAUSE_ENDED_NOTICE if resumed else "", run.notice]))


def _days_back(pool: CandidatePool, day: date) -> int:
    """The days from the first announcement with papers up to `day`, at least 1."""
    oldest = min([announced.announcement_id for announced in pool.days if announced.papers], default=day.toordinal())
    return max(day.toordinal() - oldest + 1, 1)


def profiles_of_subscribers(session: Session, subscribers_: Sequence[AnySubscriber]) -> dict[int, Profile]:
    """The profiles of these subscribers, by profile version."""
    return subscribers.profiles(
        session, [subscriber.profile_id for subscriber in subscribers_ if subscriber.profile_id]
    )


def profiles_by_version(session: Session, versions: Sequence[int]) -> dict[int, Profile]:
    """The profiles of these versions, by version."""
    return subscribers.profiles(session, versions)


def _profiles_to_match(session: Session, versions: Sequence[int], cache: ProfileCache | None) -> dict[int, Profile]:
    """The profiles of these versions; COMPILED_PROFILE for one that is compiled and need not be read."""
    cached = {
        version: COMPILED_PROFILE for version in versions if cache is not None and not cache.needs_profile(version)
    }
    return cached | subscribers.profiles(session, [version for version in versions if version not in cached])


def _last_batches(session: Session, run: Run, recipients: Sequence[AnySubscriber]) -> dict[int, int]:
    """The last ingest batch that earlier runs considered, by subscriber id.

    0 at a subscriber's first slot if no welcome was sent. For a slot before the sign-up: the batch that was known at
    the previous slot, as if they had been subscribed then.
    """
    last_batches = {stored_id(subscriber): subscriber.seen_through for subscriber in recipients}
    recent_subscribers = [
        subscriber
        for subscriber in recipients
        if run.slot - _first_possible_slot(subscriber) < RECENT_SUBSCRIBER_WINDOW
    ]
    with_editions = (
        editions.subscribers_with_editions(session, [stored_id(subscriber) for subscriber in recent_subscribers])
        if recent_subscribers
        else set()
    )
    batch_at_slot: dict[datetime, int] = {}
    for subscriber in recent_subscribers:
        subscriber_id, joined = stored_id(subscriber), subscriber.confirmed_at or subscriber.created_at
        if run.slot < joined:
            previous_slot = send_schedule.slot_before(subscriber, run.slot)
            if previous_slot not in batch_at_slot:
                batch_at_slot[previous_slot] = store.newest_batch_known_at(session, previous_slot)
            last_batches[subscriber_id] = min(subscriber.seen_through, batch_at_slot[previous_slot])
        elif subscriber_id not in with_editions and run.slot <= send_schedule.due_after(subscriber, joined):
            last_batches[subscriber_id] = 0
    return last_batches


def _first_possible_slot(subscriber: AnySubscriber) -> datetime:
    """About when the first mail could have been due: the sign-up, or the end of a pause."""
    joined = subscriber.confirmed_at or subscriber.created_at
    paused_until = subscriber.paused_until
    return max(joined, datetime.combine(paused_until, time.max, joined.tzinfo)) if paused_until else joined


class EditionRow(NamedTuple):
    """An edition as its row stores it; `kind`, `tau`, `calibrated` and `has_contexts` as in `AssembledEdition`."""

    subscriber: AnySubscriber
    day: date
    kind: str | None
    papers: int
    paper_ids: bytes
    content: bytes
    tau: int | None
    calibrated: bool
    has_contexts: bool

    @classmethod
    def from_assembled(cls, assembled: AssembledEdition) -> EditionRow:
        """Pack the content; it stays empty if nothing is to be mailed."""
        subscriber, day, (content, papers, paper_ids), tau, calibrated, has_contexts = assembled
        kind = assembled.kind
        packed_content = compress(content) if kind else b""
        return cls(subscriber, day, kind, papers, paper_ids, packed_content, tau, calibrated, has_contexts)


def edition_columns(run: Run, rows: Sequence[EditionRow], now: datetime, *, kind: str = DIGEST) -> dict[str, Any]:
    """The rows by column, as bulk inserts take them."""
    return {
        "subscriber_id": [row.subscriber.id for row in rows],
        "day": [row.day for row in rows],
        "run_id": run.id,
        "announcement_id": run.announcement_id,
        "profile_id": [row.subscriber.profile_id or 0 for row in rows],
        "created_at": now,
        "previous_seen": [row.subscriber.seen_through for row in rows],
        "kind": kind,
        "papers": [row.papers for row in rows],
        "content": [row.content for row in rows],
        "shown": [row.paper_ids for row in rows],
    }
