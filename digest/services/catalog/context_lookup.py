"""The contexts of topics in an epoch: those that are stored, and a few others, computed when they are first needed.

A background task computes all of them with the thresholds (`services.runs.calibration_job`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

from sqlmodel import Session

from digest.caching import BoundedCache
from digest.db.core.engine import engine
from digest.db.papers import papers as store
from digest.db.subscribers import topic_contexts
from digest.matching.profile import Profile
from digest.matching.reference.posting_lists import MAX_PAPERS, PostingLists
from digest.matching.reference.topic_context_search import ContextSearch
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.topic_context import (
    NO_CONTEXTS,
    PackedContext,
    TopicContext,
    has_context,
    pack_context,
    unpack_context,
)
from digest.models import Epoch
from digest.services.catalog import announcements, day_postings, epochs, index_files

MAX_EARLIER_PAPERS = 15_000  # papers whose topics are looked at, the newest ones before the epoch
_MAX_EARLIER_ANNOUNCEMENTS = 60
_MAX_CACHED, _CACHED_BYTES, _BYTES_PER_CONTEXT = 20_000, 16 << 20, 300

_searches: BoundedCache[ContextSearch] = BoundedCache(max_entries=2, max_bytes=2, size_of=lambda _: 1)


def _size_of(context: PackedContext | None) -> int:
    """About how many bytes a context takes."""
    return _BYTES_PER_CONTEXT + len(context.words if context else b"")


_computed: BoundedCache[PackedContext | None] = BoundedCache(
    max_entries=_MAX_CACHED, max_bytes=_CACHED_BYTES, size_of=_size_of
)


@dataclass(frozen=True, slots=True)
class EpochContexts:
    """Looks up the contexts of topics in one epoch, by its id (0: not stored), first announcement and word counts.

    Without word counts there are no contexts.
    """

    epoch_id: int = 0
    announcement_id: int = 0
    terms: bytes = b""

    @classmethod
    def from_epoch(cls, epoch: Epoch | None) -> EpochContexts:
        """The contexts of an epoch; none for a young one, one of other rules of terms, or without one."""
        is_young = epoch is None or not epoch.announcement_id or epoch.announcements < epochs.MIN_ANNOUNCEMENTS
        if epoch is None or is_young or epochs.is_outdated(epoch.terms):
            return NO_EPOCH
        return cls(epoch.id or 0, epoch.announcement_id or 0, epoch.terms)

    def known(self, session: Session, texts: Collection[str]) -> dict[str, PackedContext]:
        """The contexts of those of these topics whose context is stored, or was computed in this process."""
        stored = self._stored(session, texts)
        key = self._key()
        computed = {text: _computed.peek((key, text)) for text in set(texts) - stored.keys()}
        return stored | {text: context for text, context in computed.items() if context is not None}

    def complete(self, session: Session, texts: Collection[str]) -> dict[str, PackedContext]:
        """The contexts of these topics, computed where they are not stored. Raises BadQuery."""
        stored = self._stored(session, texts)
        return stored | self._compute(session, set(texts) - stored.keys())

    def missing(self, session: Session, texts: Collection[str]) -> dict[str, PackedContext]:
        """The contexts of those of these topics whose context is not stored. Raises BadQuery."""
        return self._compute(session, self.not_stored(session, texts))

    def not_stored(self, session: Session, texts: Collection[str]) -> set[str]:
        """Those of these topics whose context is not stored."""
        return set(texts) - self._stored(session, texts).keys()

    def by_stem(self, contexts: Mapping[str, PackedContext]) -> Mapping[str, TopicContext]:
        """Contexts as the reference matcher needs them."""
        if not contexts:
            return NO_CONTEXTS
        stems = self.weights.stems
        return {text: unpack_context(context, stems) for text, context in contexts.items()}

    def when_needed(self, session: Session, texts: Collection[str]) -> Mapping[str, TopicContext]:
        """The contexts of these topics as the reference matcher needs them, computed when the first is looked up."""
        if not self.terms or not texts:
            return NO_CONTEXTS
        return _ContextsWhenNeeded(texts, lambda: self.by_stem(self.complete(session, texts)))

    def prepare(self, session: Session) -> None:
        """Prepare what computing contexts needs."""
        if self.terms:
            self._search(session)

    @property
    def weights(self) -> Weights:
        """The epoch's word weights."""
        return epochs.weights_of_terms(self.terms)

    def _stored(self, session: Session, topics: Collection[str]) -> dict[str, PackedContext]:
        if not self.terms or not self.epoch_id or not topics:
            return {}
        return topic_contexts.stored_contexts(session, self.epoch_id, topics)

    def _compute(self, session: Session, topics: Collection[str]) -> dict[str, PackedContext]:
        if not self.terms:
            return {}
        key, topics = self._key(), sorted(topics)
        contexts = {text: _computed.get((key, text), partial(self._compute_context, session, text)) for text in topics}
        return {text: context for text, context in contexts.items() if context is not None}

    def _compute_context(self, session: Session, text: str) -> PackedContext | None:
        context = self._search(session).context(text)
        return None if context is None else pack_context(context, self.weights.stem_numbers)

    def _key(self) -> tuple[str, int, int, bytes]:
        """What identifies the epoch in caches: not its word counts, which take hundreds of kilobytes."""
        place = f"{engine().url} {index_files.folder()}"
        return place, self.epoch_id, self.announcement_id, _fingerprint(self.terms)

    def _search(self, session: Session) -> ContextSearch:
        return _searches.get(self._key(), partial(self._new_search, session))

    def _new_search(self, session: Session) -> ContextSearch:
        earlier = store.announcement_window(session, self.announcement_id - 1, _MAX_EARLIER_ANNOUNCEMENTS)
        lists: list[PostingLists] = []
        papers = 0
        for day in announcements.announcement_days(session, earlier):
            papers += len(day.papers)
            if papers > MAX_EARLIER_PAPERS and len(lists) >= epochs.MIN_ANNOUNCEMENTS:
                break
            if len(day.papers) <= MAX_PAPERS:
                lists.append(day_postings.postings_of_day(session, day))
        return ContextSearch(lists, self.weights, window=epochs.MIN_ANNOUNCEMENTS)


NO_EPOCH = EpochContexts()


class _ContextsWhenNeeded(Mapping[str, TopicContext]):
    """The contexts of topics: computing one takes milliseconds, and few profiles have papers that need them."""

    def __init__(self, texts: Collection[str], compute: Callable[[], Mapping[str, TopicContext]]) -> None:
        self._texts, self._compute = texts, compute

    def __getitem__(self, text: str) -> TopicContext:
        return self._contexts[text]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    @cached_property
    def _contexts(self) -> Mapping[str, TopicContext]:
        return self._compute()


@lru_cache(maxsize=4)
def _fingerprint(terms: bytes) -> bytes:
    return hashlib.blake2b(terms, digest_size=16).digest()


def topics_of(profiles: Iterable[Profile]) -> set[str]:
    """The plain topics of these profiles that can have a context. Raises BadQuery."""
    texts = {topic.text for profile in profiles for topic in profile.topics if not topic.muted}
    return {text for text in texts if has_context(text)}
