"""Profiles compiled for the engine, and their matchers.

A profile version never changes, so what was compiled of it stays good. What a shard's readers look for is a file by
the shard's name: the next day compiles only what changed. It is never wrong, only missing: where its newest version is
not the database's, as after a backup was put back, it is made anew. What is asked for outside of shards is kept in the
process while it is little.
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

MIN_PROFILES = 1000  # readers who are compiled together
_MOST = 5_000  # profiles kept: while they are new, all look for all that those before them asked for
_MATCHERS = 4
_AT_ONCE = 20  # exclusions in one profile
_UNUSED, _OLD = 9 * 86_400.0, 30 * 86_400.0  # seconds; who left is forgotten with an old file
_WITHOUT, _CHOOSY = 1, 2  # flags: has no topics; wants close matches to be very relevant


class CompiledProfileCache:
    """A store of profiles, for one thread at a time: the one that holds the `lock`."""

    def __init__(self, path: Path | None = None) -> None:
        self.store, self.lock = ProfileStore(), Lock()
        self._path, self._kept = path, 0
        self._rows: dict[int, int] = {}
        self._flags: dict[int, int] = {}  # by row, those that have some
        self._barring: dict[int, list[int]] = {}
        self._words: tuple[int, QueryTextArrays] | None = None
        self._matchers: dict[tuple[int, int], tuple[PaperColumns, Weights, int, EngineMatcher]] = {}

    @property
    def is_full(self) -> bool:
        """True where it is time for another one."""
        return len(self.store.record) > _MOST

    def knows(self, version: int) -> bool:
        """True where it is compiled."""
        return version in self._rows

    def needs(self, version: int) -> bool:
        """True where that profile has to be read: it is new, or nothing but categories."""
        row = self._rows.get(version)
        return row is None or bool(self._flags.get(row, 0) & _WITHOUT)

    def row(self, version: int | None, profile: Profile) -> int:
        """The row of a profile. Raises BadQuery."""
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
        """The row of each reader's profile."""
        found = [None if one.version is None else self._rows.get(one.version) for one in asked]
        return [self.row(one.version, one.profile) if at is None else at for at, one in zip(found, asked, strict=True)]

    def has_topics(self, row: int) -> bool:
        """False for a reader who gets what trends and what is new in the categories."""
        return not self._flags.get(row, 0) & _WITHOUT

    def limited_to_categories(self, row: int) -> bool:
        """True where close matches have to be very relevant."""
        return bool(self._flags.get(row, 0) & _CHOOSY)

    def excluding(self, asked: SelectionRequest) -> list[int]:
        """Rows of profiles that match what a reader without topics leaves out."""
        if asked.version is None:
            return self._exclusions(asked.profile)
        if asked.version not in self._barring:
            self._barring[asked.version] = self._exclusions(asked.profile)
        return self._barring[asked.version]

    def matcher(self, papers: PaperColumns, weights: Weights) -> EngineMatcher:
        """All profiles so far with these papers."""
        key, size = (id(papers), id(weights)), len(self.store.record)
        kept = self._matchers.pop(key, None)
        if kept is None or kept[2] != size:
            kept = papers, weights, size, EngineMatcher(self.store, papers.indexes, weights)
        self._matchers[key] = kept
        while len(self._matchers) > _MATCHERS:
            self._matchers.pop(next(iter(self._matchers)))
        return kept[3]

    def words(self) -> QueryTextArrays:
        """What the readers of all profiles so far typed."""
        size = len(self.store.said.word_at)
        if self._words is None or self._words[0] != size:
            self._words = size, self.store.said.words()
        return self._words[1]

    @property
    def newest(self) -> int:
        """The newest profile version that it knows; 0 for none."""
        return max(self._rows, default=0)

    def keep(self, session: Session) -> None:
        """Write its file, whole or not at all, if there is something new. Where it can't be written, it is missing."""
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
            log.warning("profiles_not_kept", reason=error.strerror or "they can't be written")

    @classmethod
    def read(cls, session: Session, path: Path, most: int) -> CompiledProfileCache:
        """What a shard's file holds.

        Nothing where it is missing, old, another database's, or holds many more than the `most` needed.
        """
        made = cls(path)
        try:
            store, more = profile_store_file.read(path)
            os.utime(path)
        except FileNotFoundError:
            return made
        except (OSError, BadInput) as error:
            log.warning("profiles_compiled_again", file=path.name, reason=str(error))
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
    """What the shards of that name look for, with so many readers."""
    return CompiledProfileCache.read(session, profile_cache.cache_file(name, profile_store_file.STATE), most)


def fits_requests(asked: Sequence[SelectionRequest]) -> CompiledProfileCache:
    """What to compile these readers' profiles in, who belong to no shard."""
    if len(asked) > MIN_PROFILES or any(one.version is None for one in asked):
        return CompiledProfileCache()
    here = engine()
    if here not in _kept or _kept[here].is_full:
        _kept[here] = CompiledProfileCache()
    return _kept[here]


def _made_at(session: Session, version: int) -> int:
    """When a profile version was made, in millionths of a second; 0 where there is none of that number."""
    at = subscribers.profile_version_created_at(session, version)
    return int(at.timestamp() * 1_000_000) if at else 0


def _remove_unused() -> None:
    """Files that no shard has asked for lately."""
    before = time.time() - _UNUSED
    for file in profile_cache.cache_files():
        if file.stat().st_mtime < before:
            file.unlink(missing_ok=True)
