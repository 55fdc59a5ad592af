"""Profiles compiled for the engine, and their matchers.

A profile version never changes, so its compiled form stays valid. The compiled profiles of a shard are cached in a file
named by the shard, and the next day compiles only new versions. The file is ignored where its newest version differs
from the database's, as after a backup was restored. Profiles requested outside of shards are cached in the process.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from digest import logs
from digest.db.core.engine import engine
from digest.db.subscribers import subscribers
from digest.errors import BadInput
from digest.matching.engine import profile_store_file
from digest.matching.engine.context_sets import NearPapers, topic_texts
from digest.matching.engine.engine_matcher import EngineMatcher
from digest.matching.engine.profile_store import ProfileStore
from digest.matching.engine.query_texts import QueryTextArrays
from digest.matching.profile import HIGH, Profile, Topic
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.topic_context import PackedContext
from digest.services.catalog import followed_people
from digest.services.catalog.context_lookup import NO_EPOCH, EpochContexts
from digest.services.selection import profile_cache
from digest.services.selection.candidate_arrays import PaperColumns
from digest.services.selection.edition_sections import SelectionRequest
from digest.services.selection.source_language_choice import EVERYTHING, PaperChoice, choice_of

log = logs.get(__name__)

MIN_PROFILES = 1000  # profiles compiled together
_MAX_PROFILES = 5_000  # profiles in one cache: a matcher joins papers with the words of all of them
_MAX_MATCHERS = 4
_EXCLUSIONS_PER_PROFILE = 20  # exclusions in one profile
_DELETE_UNUSED_AFTER, _MAX_AGE = (
    9 * 86_400.0,
    30 * 86_400.0,
)  # seconds; an old file still holds profiles of people who left
_WITHOUT_TOPICS, _HIGH_MINIMUM = 1, 2  # flags: has neither topics nor examples; has a high minimum for close matches

# How many profiles a matcher knows, their people's papers, and the epoch of contexts.
_MatcherState = tuple[int, Mapping[str, Collection[int]], EpochContexts]


class CompiledProfileCache:
    """Compiled profiles. Not thread-safe: callers hold `lock`."""

    def __init__(self, path: Path | None = None) -> None:
        self.store, self.lock = ProfileStore(), Lock()
        self._path, self._saved_profiles = path, 0
        self._rows: dict[int, int] = {}
        self._flags: dict[int, int] = {}  # by row, where not 0
        self._choices: dict[int, PaperChoice] = {}  # by row, where not EVERYTHING
        self._exclusion_rows: dict[int, list[int]] = {}
        self._query_texts: tuple[int, QueryTextArrays] | None = None
        self._contexts: tuple[EpochContexts, dict[str, PackedContext]] = NO_EPOCH, {}
        self._matchers: dict[tuple[int, int], tuple[PaperColumns, Weights, _MatcherState, EngineMatcher]] = {}

    @property
    def is_full(self) -> bool:
        """True where a new cache should replace this one."""
        return len(self.store.record) > _MAX_PROFILES

    def is_compiled(self, version: int) -> bool:
        """True where this profile version is compiled."""
        return version in self._rows

    def needs_profile(self, version: int) -> bool:
        """True where the profile must be read from the database: it is not compiled, or it has no topics."""
        row = self._rows.get(version)
        return row is None or bool(self._flags.get(row, 0) & _WITHOUT_TOPICS)

    def row_of(self, version: int | None, profile: Profile) -> int:
        """The row of a profile, compiled if it is new. Raises BadQuery."""
        new_row = None if version is None else self._rows.get(version)
        if new_row is not None:
            return new_row
        new_row = self.store.add(profile)
        flags = _HIGH_MINIMUM * (profile.minimum == HIGH) + _WITHOUT_TOPICS * (not profile.finds_papers)
        if flags:
            self._flags[new_row] = flags
        if (choice := choice_of(profile)) != EVERYTHING:
            self._choices[new_row] = choice
        if version is not None:
            self._rows[version] = new_row
        return new_row

    def rows_of(self, requests: Sequence[SelectionRequest]) -> list[int]:
        """The row of each request's profile."""
        rows = [None if request.version is None else self._rows.get(request.version) for request in requests]
        return [
            self.row_of(request.version, request.profile) if row is None else row
            for row, request in zip(rows, requests, strict=True)
        ]

    def has_topics(self, row: int) -> bool:
        """False for a profile that gets trending and new papers of its categories."""
        return not self._flags.get(row, 0) & _WITHOUT_TOPICS

    def has_high_minimum(self, row: int) -> bool:
        """True where the profile's minimum for close matches is high."""
        return bool(self._flags.get(row, 0) & _HIGH_MINIMUM)

    def choice_of_row(self, row: int) -> PaperChoice:
        """The profile's choice of outlets and languages."""
        return self._choices.get(row, EVERYTHING)

    def exclusion_rows(self, request: SelectionRequest) -> list[int]:
        """Rows of profiles that match the exclusions of a subscriber without topics."""
        if request.version is None:
            return self._add_exclusions(request.profile)
        if request.version not in self._exclusion_rows:
            self._exclusion_rows[request.version] = self._add_exclusions(request.profile)
        return self._exclusion_rows[request.version]

    def matcher(
        self, session: Session, papers: PaperColumns, weights: Weights, epoch_contexts: EpochContexts = NO_EPOCH
    ) -> EngineMatcher:
        """A matcher of all compiled profiles with these papers. `epoch_contexts`: in the epoch of the weights."""
        oldest_paper = int(papers.ids.min()) if len(papers.ids) else 0
        people = followed_people.papers_of(session, self.store.vocabulary.people, oldest_paper)
        key, state = (id(papers), id(weights)), (len(self.store.record), people, epoch_contexts)
        cached = self._matchers.pop(key, None)
        if cached is None or cached[2] != state:
            near, contexts = self._near_papers(session, papers, epoch_contexts)
            matcher = EngineMatcher(self.store, papers.indexes, weights, people, contexts=contexts, near=near)
            cached = papers, weights, state, matcher
        self._matchers[key] = cached
        while len(self._matchers) > _MAX_MATCHERS:
            self._matchers.pop(next(iter(self._matchers)))
        return cached[3]

    def _near_papers(
        self, session: Session, papers: PaperColumns, epoch_contexts: EpochContexts
    ) -> tuple[NearPapers | None, Mapping[str, PackedContext]]:
        """The papers near contexts, for all profiles of the process, and the contexts of topics that are not in it."""
        if epoch_contexts == NO_EPOCH:
            return None, {}
        if self._contexts[0] != epoch_contexts:
            self._contexts = epoch_contexts, {}
        topics, contexts = topic_texts(self.store), self._contexts[1]
        near = near_papers(papers, epoch_contexts, topics)
        missing = near.missing(topics)
        contexts |= epoch_contexts.known(session, [text for text in missing if text not in contexts])
        return near, contexts

    def query_texts(self) -> QueryTextArrays:
        """The topics of all compiled profiles as typed."""
        size = len(self.store.query_texts.word_at)
        if self._query_texts is None or self._query_texts[0] != size:
            self._query_texts = size, self.store.query_texts.to_arrays()
        return self._query_texts[1]

    @property
    def newest_version(self) -> int:
        """The newest compiled profile version; 0 for none."""
        return max(self._rows, default=0)

    def save(self, session: Session) -> None:
        """Write the file atomically if there are new profiles. A write error is logged, not raised."""
        if self._path is None or len(self.store.record) == self._saved_profiles:
            return
        exclusion_rows = [(version, row) for version, rows in self._exclusion_rows.items() for row in rows or (-1,)]
        extra_arrays = {
            "rows": [*self._rows.items()],
            "flags": [*self._flags.items()],
            "barring": exclusion_rows,
        }
        flat_arrays = {name: np.array(pairs, np.int64).ravel() for name, pairs in extra_arrays.items()}
        flat_arrays["choices"] = np.frombuffer(json.dumps([*self._choices.items()]).encode(), np.uint8)
        flat_arrays["made"] = np.array([int(time.time()), _version_created_at(session, self.newest_version)])
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._path.parent, prefix=".", delete=False) as file:
                file.write(profile_store_file.to_bytes(self.store, **flat_arrays))
            Path(file.name).replace(self._path)
            self._saved_profiles = len(self.store.record)
            _remove_unused()
        except OSError as error:
            log.warning("profiles_not_saved", reason=error.strerror or "they can't be written")

    @classmethod
    def read(cls, session: Session, path: Path, expected_profiles: int) -> CompiledProfileCache:
        """The cache in a shard's file.

        Empty where the file is missing, old, from another database, or has far more profiles than expected.
        """
        cache = cls(path)
        try:
            store, extra_arrays = profile_store_file.read(path)
            os.utime(path)
        except FileNotFoundError:
            return cache
        except (OSError, BadInput) as error:
            log.warning("profile_cache_ignored", file=path.name, reason=str(error))
            return cache
        if len(store.record) > 2 * expected_profiles + MIN_PROFILES or extra_arrays["made"][0] < time.time() - _MAX_AGE:
            return cache
        cache.store, cache._saved_profiles = store, len(store.record)
        cache._rows = dict(extra_arrays["rows"].reshape(-1, 2).tolist())
        cache._flags = dict(extra_arrays["flags"].reshape(-1, 2).tolist())
        choices = json.loads(extra_arrays["choices"].tobytes())
        cache._choices = {row: PaperChoice(*map(tuple, choice)) for row, choice in choices}
        for version, row in extra_arrays["barring"].reshape(-1, 2).tolist():
            cache._exclusion_rows.setdefault(version, []).extend([row] if row >= 0 else [])
        return cache if _version_created_at(session, cache.newest_version) == extra_arrays["made"][1] else cls(path)

    def _add_exclusions(self, profile: Profile) -> list[int]:
        parts: list[Sequence[str]] = [
            profile.exclusions[begin : begin + _EXCLUSIONS_PER_PROFILE]
            for begin in range(0, len(profile.exclusions), _EXCLUSIONS_PER_PROFILE)
        ]
        return [self.store.add(Profile(tuple(map(Topic, part)), close=False)) for part in parts]


_caches: WeakKeyDictionary[Engine, CompiledProfileCache] = WeakKeyDictionary()
_near_papers: WeakKeyDictionary[PaperColumns, tuple[EpochContexts, NearPapers]] = WeakKeyDictionary()


def near_papers(papers: PaperColumns, epoch_contexts: EpochContexts, topics: Collection[str]) -> NearPapers:
    """The papers near contexts in an epoch, with room for these topics: those of earlier shards, or none yet."""
    epoch, near = _near_papers.get(papers, (NO_EPOCH, None))
    if near is None or epoch != epoch_contexts or not near.has_room(len(near.missing(topics))):
        near = NearPapers(papers.indexes, epoch_contexts.weights)
        _near_papers[papers] = epoch_contexts, near
    return near


def open_cache(session: Session, name: str, expected_profiles: int) -> CompiledProfileCache:
    """The cache of the shards of that name, read from its file."""
    return CompiledProfileCache.read(
        session, profile_cache.cache_file(name, profile_store_file.CODE_VERSION), expected_profiles
    )


def cache_for_requests(requests: Sequence[SelectionRequest]) -> CompiledProfileCache:
    """The cache to compile these profiles in, where they belong to no shard."""
    if len(requests) > MIN_PROFILES or any(request.version is None for request in requests):
        return CompiledProfileCache()
    database = engine()
    if database not in _caches or _caches[database].is_full:
        _caches[database] = CompiledProfileCache()
    return _caches[database]


def _version_created_at(session: Session, version: int) -> int:
    """When a profile version was created, in microseconds since 1970; 0 where it does not exist."""
    created_at = subscribers.profile_version_created_at(session, version)
    return int(created_at.timestamp() * 1_000_000) if created_at else 0


def _remove_unused() -> None:
    """Delete the files that no shard has read for `_DELETE_UNUSED_AFTER` seconds."""
    cutoff = time.time() - _DELETE_UNUSED_AFTER
    for file in profile_cache.cache_files():
        if file.stat().st_mtime < cutoff:
            file.unlink(missing_ok=True)
