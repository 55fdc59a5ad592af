"""Profiles compiled for the engine, and their matchers, kept from shard to shard and from day to day.

A profile version never changes, so what was compiled of it stays good. A process keeps those of small shards; large
shards are compiled by themselves: what a million profiles ask for would only make each look longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from digest.db.engine import engine
from digest.matching.engine import Matcher
from digest.matching.profile import Profile, Topic
from digest.matching.said import Words
from digest.matching.store import Store
from digest.matching.weights import Weights
from digest.services.entries import Asked
from digest.services.window import Papers

SMALL = 1000  # readers of a shard
_MOST = 5_000  # profiles kept: while they are new, each shard looks for all that those before it asked for
_MATCHERS = 4
_AT_ONCE = 20  # exclusions in one profile


class Compiled:
    """A store of profiles, for one thread at a time: the one that holds the `lock`."""

    def __init__(self) -> None:
        self.store, self.lock = Store(), Lock()
        self._rows: dict[int, int] = {}
        self._barring: dict[int, list[int]] = {}
        self._words: tuple[int, Words] | None = None
        self._matchers: dict[tuple[int, int], tuple[Papers, Weights, int, Matcher]] = {}

    @property
    def full(self) -> bool:
        """True where it is time for another one."""
        return len(self.store.record) > _MOST

    def row(self, asked: Asked) -> int:
        """The row of a reader's profile. Raises BadQuery."""
        if asked.version is None:
            return self.store.add(asked.profile)
        if asked.version not in self._rows:
            self._rows[asked.version] = self.store.add(asked.profile)
        return self._rows[asked.version]

    def barring(self, asked: Asked) -> list[int]:
        """Rows of profiles that match what a reader without topics leaves out."""
        if asked.version is None:
            return self._exclusions(asked.profile)
        if asked.version not in self._barring:
            self._barring[asked.version] = self._exclusions(asked.profile)
        return self._barring[asked.version]

    def matcher(self, papers: Papers, weights: Weights) -> Matcher:
        """All profiles so far with these papers."""
        key, size = (id(papers), id(weights)), len(self.store.record)
        kept = self._matchers.pop(key, None)
        if kept is None or kept[2] != size:
            kept = papers, weights, size, Matcher(self.store, papers.indexes, weights)
        self._matchers[key] = kept
        while len(self._matchers) > _MATCHERS:
            self._matchers.pop(next(iter(self._matchers)))
        return kept[3]

    def words(self) -> Words:
        """What the readers of all profiles so far typed."""
        size = len(self.store.said.word_at)
        if self._words is None or self._words[0] != size:
            self._words = size, self.store.said.words()
        return self._words[1]

    def _exclusions(self, profile: Profile) -> list[int]:
        parts: list[Sequence[str]] = [
            profile.exclusions[at : at + _AT_ONCE] for at in range(0, len(profile.exclusions), _AT_ONCE)
        ]
        return [self.store.add(Profile(tuple(map(Topic, part)), close=False)) for part in parts]


_kept: WeakKeyDictionary[Engine, Compiled] = WeakKeyDictionary()


def fitting(asked: Sequence[Asked]) -> Compiled:
    """What to compile these readers' profiles in."""
    if len(asked) > SMALL or any(one.version is None for one in asked):
        return Compiled()
    here = engine()
    if here not in _kept or _kept[here].full:
        _kept[here] = Compiled()
    return _kept[here]
