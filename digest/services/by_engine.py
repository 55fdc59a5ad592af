"""Choosing by the engine, for many papers or readers. Imported only where that is done: it loads machine code.

Readers' profiles are compiled together and matched with the indexes of the announcements that hold something new to
them, and with a small index of the papers that rise.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from sqlmodel import Session

from digest.compose.edition import RISING, Content
from digest.matching import calibrate
from digest.matching.engine import ALL, RANKED, Matcher
from digest.matching.profile import HIGH, Match, Profile
from digest.matching.store import Store
from digest.matching.weights import Weights
from digest.services import compiled, entries, epochs
from digest.services.announced import Day
from digest.services.compiled import Compiled
from digest.services.entries import MOST_RISING, Asked
from digest.services.pool import Pool
from digest.services.window import Papers, Window, of_days

_windows: WeakKeyDictionary[Pool, Window] = WeakKeyDictionary()
_kept: OrderedDict[tuple[Day, ...], Papers] = OrderedDict()
_MOST_KEPT = 6


def choose(session: Session, known: Pool, asked: Sequence[Asked]) -> list[Content]:
    """The edition of each reader."""
    if known not in _windows:
        _windows[known] = Window(known)
    window, profiles = _windows[known], compiled.fitting(asked)
    seen = [one.seen_through for one in asked]
    with profiles.lock:
        readers = _Readers(known, asked, profiles)
        for days, rows in window.parts(seen).items():
            readers.find_new(window.newest(session, days), rows)
        if known.rising:
            readers.find_rising(window.rising(session))
    considered = window.considered(seen).tolist()
    return [readers.content(row, count) for row, count in enumerate(considered)]


def thresholds(
    session: Session, days: Sequence[Day], weights: Weights, profiles: Sequence[Profile]
) -> list[int | None]:
    """τ of each profile, from these announcements."""
    if sum(not all(paper.withdrawn for paper in day.papers) for day in days) < epochs.YOUNG:
        return [None] * len(profiles)
    store = Store()
    for profile in profiles:
        store.add(profile)
    papers = _calibrating(session, tuple(days))
    matcher = Matcher(store, papers.indexes, weights)
    taus: list[int | None] = list(matcher.thresholds(papers.facts))
    choosy = [row for row, profile in enumerate(profiles) if profile.minimum == HIGH]
    if choosy:
        higher = matcher.thresholds(papers.facts, choosy, close=calibrate.CLOSE_PAPERS[HIGH])
        for row, tau in zip(choosy, higher, strict=True):
            taus[row] = tau
    return taus


def best(
    session: Session, days: Sequence[Day], weights: Weights, profiles: Sequence[Profile], taus: Sequence[int | None]
) -> list[list[int]]:
    """The papers of these announcements that each profile gets, as if they came at once."""
    store = Store()
    for profile in profiles:
        store.add(profile)
    papers = _calibrating(session, tuple(days))
    answers = Matcher(store, papers.indexes, weights).match(papers.facts, taus=taus, explain=False)
    return [answers.papers(row) for row in range(len(profiles))]


def _calibrating(session: Session, days: tuple[Day, ...]) -> Papers:
    """The papers of these announcements; kept, since thresholds are asked for again and again."""
    if days not in _kept:
        _kept[days] = of_days(session, days)
    _kept.move_to_end(days)
    while len(_kept) > _MOST_KEPT:
        _kept.popitem(last=False)
    return _kept[days]


class _Readers:
    """Some readers' profiles, compiled, and what was found for each."""

    def __init__(self, known: Pool, asked: Sequence[Asked], profiles: Compiled) -> None:
        self.known, self.asked, self.compiled = known, asked, profiles
        self.rows = [self.compiled.row(one) for one in asked]
        self.with_topics = {at for at, one in enumerate(asked) if one.has_topics}
        self.barring = {at: self.compiled.barring(one) for at, one in enumerate(asked) if at not in self.with_topics}
        self.matches: dict[int, list[Match]] = {}
        self.more: dict[int, int] = {}
        self.fresh: dict[int, list[int]] = {}
        self.strong: dict[int, list[Match]] = {}
        self.trending: dict[int, list[int]] = {}

    def find_new(self, papers: Papers, rows: Sequence[int]) -> None:
        """What is new to these readers."""
        matcher = self.compiled.matcher(papers, self.known.weights)
        some = [row for row in rows if row in self.with_topics]
        seen, sent = self._told(some)
        answers = matcher.match(papers.facts, rows=self._rows(some), taus=self._taus(some), seen=seen, sent=sent)
        for at, row in enumerate(some):
            self.matches[row] = answers.matches(at, self.asked[row].profile)
            self.more[row] = answers.total(at) - len(self.matches[row])
        others = [row for row in rows if row not in self.with_topics]
        if others:
            seen, sent = self._told(others)
            answers = matcher.match(papers.facts, rows=self._rows(others), seen=seen, sent=sent, mode=ALL)
            found = {row: answers.matches(at, self.asked[row].profile) for at, row in enumerate(others)}
            self.matches |= {row: [one for one in some if one.followed] for row, some in found.items()}
            self.fresh |= self._allowed(matcher, papers, others, new=True)

    def find_rising(self, papers: Papers) -> None:
        """What rises for each reader, beside what is new."""
        matcher = self.compiled.matcher(papers, self.known.weights)
        some = [row for row in sorted(self.with_topics) if self.asked[row].rising]
        sent = [self._taken(row) for row in some]
        taus = self._taus(some)
        answers = matcher.match(
            papers.facts, rows=self._rows(some), taus=taus, sent=sent, mode=RANKED, most=MOST_RISING
        )
        self.strong = {row: answers.matches(at, self.asked[row].profile) for at, row in enumerate(some)}
        self.trending = self._allowed(matcher, papers, sorted(self.barring), new=False)

    def content(self, row: int, considered: int) -> Content:
        """The edition of one reader."""
        asked, known, matches = self.asked[row], self.known, self.matches.get(row, [])
        if row not in self.with_topics:
            trending, fresh = self.trending.get(row, []), self.fresh.get(row, [])
            return entries.without_topics(known, asked, matches, trending, fresh, considered)
        told = [entries.new(known, match) for match in matches]
        told += [entries.chosen(known, match, RISING) for match in self.strong.get(row, ())]
        return Content(tuple(told), considered=considered, more=self.more.get(row, 0), notice=asked.notice)

    def _rows(self, places: Sequence[int]) -> list[int]:
        return [self.rows[at] for at in places]

    def _taus(self, rows: Sequence[int]) -> list[int | None]:
        return [self.asked[row].tau for row in rows]

    def _told(self, rows: Sequence[int]) -> tuple[list[int], list[frozenset[int]]]:
        """What these readers have seen and were sent."""
        some = [self.asked[row] for row in rows]
        return [one.seen_through for one in some], [one.sent for one in some]

    def _taken(self, row: int) -> frozenset[int]:
        """Papers that a reader has, now or before."""
        return self.asked[row].sent.union(match.paper for match in self.matches.get(row, ()))

    def _allowed(self, matcher: Matcher, papers: Papers, rows: Sequence[int], *, new: bool) -> dict[int, list[int]]:
        """The papers that the categories and exclusions of readers without topics leave in, in their order."""
        barring = [row for one in rows for row in self.barring[one]]
        answers = matcher.match(papers.facts, rows=barring, mode=ALL, explain=False)
        barred = {row: answers.papers(at) for at, row in enumerate(barring)}
        found = {}
        for row in rows:
            profile, mask = self.asked[row].profile, papers.opened(self.asked[row].seen_through if new else None)
            if profile.categories:
                mask &= papers.in_categories(profile.categories, primary_only=profile.primary_only)
            left_out = self._taken(row).union(*(barred[one] for one in self.barring[row]))
            found[row] = [n for n in papers.in_order(mask) if n not in left_out]
        return found
