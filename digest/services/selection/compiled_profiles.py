"""Profiles compiled for the engine, and their matchers.

A profile version never changes, so its compiled form stays valid. The compiled profiles of a shard are cached in a file
named by the shard, and the next day compiles only new versions. The file is ignored where its newest version differs
from the database's, as after a backup was restored. Profiles requested outside of shards are cached in the process.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
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
from digest.matching.engine.engine_matcher import EngineMatcher
from digest.matching.engine.profile_store import ProfileStore
from digest.matching.engine.query_texts import QueryTextArrays
from digest.matching.profile import HIGH, Profile, Topic
from digest.matching.scoring.bm25 import Weights
from digest.services.selection import profile_cache
from digest.services.selection.candidate_arrays import PaperColumns
from digest.services.selection.entry_building import SelectionRequest

log = logs.get(__name__)

MIN_PROFILES = 1000  # profiles compiled together
_MOST = 5_000  # profiles in one cache: a matcher joins papers with the words of all of them
_MATCHERS = 4
_AT_ONCE = 20  # exclusions in one profile
_UNUSED, _OLD = 9 * 86_400.0, 30 * 86_400.0  # seconds; an old file still holds profiles of people who left
_WITHOUT, _CHOOSY = 1, 2  # flags: has no topics; has a high minimum for close matches


class CompiledProfileCache:
    """Compiled profiles. Not thread-safe: callers hold `lock`."""

    def __init__(self, path: Path | None = None) -> None:
        self.store, self.lock = ProfileStore(), Lock()
        self._path, self._kept = path, 0
        self._rows: dict[int, int] = {}
        self._flags: dict[int, int] = {}  # by row, where not 0
        self._barring: dict[int, list[int]] = {}
        self._words: tuple[int, QueryTextArrays] | None = None
        self._matchers: dict[tuple[int, int], tuple[PaperColumns, Weights, int, EngineMatcher]] = {}

    @property
    def is_full(self) -> bool:
        """True where a new cache should replace this one."""
        return len(self.store.record) > _MOST

    def knows(self, version: int) -> bool:
        """True where this profile version is compiled."""
        return version in self._rows

    def needs(self, version: int) -> bool:
        """True where the profile must be read from the database: it is not compiled, or it has no topics."""
        row = self._rows.get(version)
        return row is None or bool(self._flags.get(row, 0) & _WITHOUT)

    def row(self, version: int | None, profile: Profile) -> int:
        """The row of a profile, compiled if it is new. Raises BadQuery."""
        known = None if version is None else self._rows.get(version)
        if known is not None:
            return known
        row = self.store.add(profile)
        flags = _CHOOSY * (profile.minimum == HIGH) + _WITHOUT * all(topic.muted for topic in profile.topics)
        if flags:
            self._flags[row] = flags
        if version is not None:
            self._rows[version] = row
        return row

    def rows(self, asked: Sequence[SelectionRequest]) -> list[int]:
        """The row of each request's profile."""
        found = [None if one.version is None else self._rows.get(one.version) for one in asked]
        return [self.row(one.version, one.profile) if at is None else at for at, one in zip(found, asked, strict=True)]

    def has_topics(self, row: int) -> bool:
        """False for a profile that gets trending and new papers of its categories."""
        return not self._flags.get(row, 0) & _WITHOUT

    def limited_to_categories(self, row: int) -> bool:
        """True where the profile's minimum for close matches is high."""
        return bool(self._flags.get(row, 0) & _CHOOSY)

    def excluding(self, asked: SelectionRequest) -> list[int]:
        """Rows of profiles that match the exclusions of a subscriber without topics."""
        if asked.version is None:
            return self._exclusions(asked.profile)
        if asked.version not in self._barring:
            self._barring[asked.version] = self._exclusions(asked.profile)
        return self._barring[asked.version]

    def matcher(self, papers: PaperColumns, weights: Weights) -> EngineMatcher:
        """A matcher of all compiled profiles with these papers."""
        key, size = (id(papers), id(weights)), len(self.store.record)
        kept = self._matchers.pop(key, None)
        if kept is None or kept[2] != size:
            kept = papers, weights, size, EngineMatcher(self.store, papers.indexes, weights)
        self._matchers[key] = kept
        while len(self._matchers) > _MATCHERS:
            self._matchers.pop(next(iter(self._matchers)))
        return kept[3]

    def words(self) -> QueryTextArrays:
        """The topics of all compiled profiles as typed."""
        size = len(self.store.said.word_at)
        if self._words is None or self._words[0] != size:
            self._words = size, self.store.said.words()
        return self._words[1]

    @property
    def newest(self) -> int:
        """The newest compiled profile version; 0 for none."""
        return max(self._rows, default=0)

    def keep(self, session: Session) -> None:
        """Write the file atomically if there are new profiles. A write error is logged, not raised."""
        if self._path is None or len(self.store.record) == self._kept:
            return
        barring = [(version, row) for version, rows in self._barring.items() for row in rows or (-1,)]
        more = {
            "rows": [*self._rows.items()],
            "flags": [*self._flags.items()],
            "barring": barring,
        }
        flat = {name: np.array(one, np.int64).ravel() for name, one in more.items()}
        flat["made"] = np.array([int(time.time()), _made_at(session, self.newest)])
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._path.parent, prefix=".", delete=False) as file:
                file.write(profile_store_file.to_bytes(self.store, **flat))
            Path(file.name).replace(self._path)
            self._kept = len(self.store.record)
            _remove_unused()
        except OSError as error:
            log.warning("profiles_not_saved", reason=error.strerror or "they can't be written")

    @classmethod
    def read(cls, session: Session, path: Path, most: int) -> CompiledProfileCache:
        """The cache in a shard's file.

        Empty where the file is missing, old, from another database, or has far more profiles than expected.
        """
        made = cls(path)
        try:
            store, more = profile_store_file.read(path)
            os.utime(path)
        except FileNotFoundError:
            return made
        except (OSError, BadInput) as error:
            log.warning("profile_cache_ignored", file=path.name, reason=str(error))
            return made
        if len(store.record) > 2 * most + MIN_PROFILES or more["made"][0] < time.time() - _OLD:
            return made
        made.store, made._kept = store, len(store.record)
        made._rows = dict(more["rows"].reshape(-1, 2).tolist())
        made._flags = dict(more["flags"].reshape(-1, 2).tolist())
        for version, row in more["barring"].reshape(-1, 2).tolist():
            made._barring.setdefault(version, []).extend([row] if row >= 0 else [])
        return made if _made_at(session, made.newest) == more["made"][1] else cls(path)

    def _exclusions(self, profile: Profile) -> list[int]:
        parts: list[Sequence[str]] = [
            profile.exclusions[at : at + _AT_ONCE] for at in range(0, len(profile.exclusions), _AT_ONCE)
        ]
        return [self.store.add(Profile(tuple(map(Topic, part)), close=False)) for part in parts]


_kept: WeakKeyDictionary[Engine, CompiledProfileCache] = WeakKeyDictionary()


def open_cache(session: Session, name: str, most: int) -> CompiledProfileCache:
    """The cache of the shards of that name, read from its file."""
    return CompiledProfileCache.read(session, profile_cache.cache_file(name, profile_store_file.STATE), most)


def fits_requests(asked: Sequence[SelectionRequest]) -> CompiledProfileCache:
    """The cache to compile these profiles in, where they belong to no shard."""
    if len(asked) > MIN_PROFILES or any(one.version is None for one in asked):
        return CompiledProfileCache()
    here = engine()
    if here not in _kept or _kept[here].is_full:
        _kept[here] = CompiledProfileCache()
    return _kept[here]


def _made_at(session: Session, version: int) -> int:
    """When a profile version was created, in microseconds since 1970; 0 where it does not exist."""
    at = subscribers.profile_version_created_at(session, version)
    return int(at.timestamp() * 1_000_000) if at else 0


def _remove_unused() -> None:
    """Delete the files that no shard has read for `_DELETE_UNUSED_AFTER` seconds."""
    before = time.time() - _UNUSED
    for file in profile_cache.cache_files():
        if file.stat().st_mtime < before:
            file.unlink(missing_ok=True)
