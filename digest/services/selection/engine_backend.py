"""Selection by the engine, for many papers or subscribers. Imported only when needed, because it loads machine code.

Profiles are compiled together and matched with the indexes of the announcements that are new to their subscribers, and
with a small index of the rising papers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from weakref import WeakKeyDictionary

import numpy as np
from sqlmodel import Session

from digest.compose.edition import NEW, RISING, StoredContent, entry_json, entry_json_affixes
from digest.db.subscribers import subscribers
from digest.matching.engine import json_writer
from digest.matching.engine.engine_matcher import ALL, RANKED, EngineMatcher, SentPapers
from digest.matching.engine.json_writer import EntryTemplates
from digest.matching.engine.match_results import MatchResults
from digest.matching.profile import Match, Profile
from digest.services.catalog import day_indexes, novelty_and_score
from digest.services.catalog.novelty_and_score import NoveltyLookup, PaperSignals
from digest.services.selection import calibrate_engine, compiled_profiles, entry_building
from digest.services.selection.candidate_arrays import PaperColumns, WindowArrays
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.compiled_profiles import CompiledProfileCache
from digest.services.selection.entry_building import COMPILED_PROFILE, MAX_RISING, SelectionRequest

_windows: WeakKeyDictionary[CandidatePool, WindowArrays] = WeakKeyDictionary()
_sheets: WeakKeyDictionary[PaperColumns, dict[str, tuple[dict[int, PaperSignals], EntryTemplates]]] = (
    WeakKeyDictionary()
)
StoredReasons = tuple[bytes, bytes]  # entries as stored, separated by commas, and the packed ids of their papers
AT_ONCE = 8192  # requests
shelf, index, thresholds = compiled_profiles.open_cache, day_indexes.index_of_day, calibrate_engine.thresholds


def choose_stored(
    session: Session,
    pool: CandidatePool,
    requests: Sequence[SelectionRequest],
    look_up: NoveltyLookup,
    shelf: CompiledProfileCache | None = None,
) -> Iterator[StoredContent]:
    """The edition of each request, selected in batches to bound the memory for results.

    `look_up`: further signals of papers; `cache`: where the profiles are compiled, all of them before the first batch.
    """
    if pool not in _windows:
        _windows[pool] = WindowArrays(pool)
    window, profiles = _windows[pool], shelf or compiled_profiles.fits_requests(requests)
    with profiles.lock:
        rows = profiles.rows(requests)
        for row, one in zip(rows, requests, strict=True):
            if not profiles.has_topics(row):
                profiles.excluding(one)
        for begin in range(0, len(requests), AT_ONCE):
            part = slice(begin, begin + AT_ONCE)
            yield from _chosen(window, _Readers(session, pool, requests[part], rows[part], profiles, look_up))
        profiles.keep(session)


def _chosen(window: WindowArrays, readers: _Readers) -> list[StoredContent]:
    """The edition of each request of a batch."""
    seen = [one.seen_through for one in readers.asked]
    for days, rows in window.parts(seen).items():
        readers.find_new(window.newest(readers.session, days), rows)
    if readers.known.rising:
        readers.find_rising(window.rising(readers.session))
    return [readers.frozen(row, count) for row, count in enumerate(window.considered(seen).tolist())]


class _Readers:
    """A batch of requests with compiled profiles, and the papers selected for each."""

    def __init__(
        self,
        session: Session,
        known: CandidatePool,
        asked: Sequence[SelectionRequest],
        rows: Sequence[int],
        profiles: CompiledProfileCache,
        look_up: NoveltyLookup,
    ) -> None:
        self.session, self.known, self.asked, self.compiled, self.look_up = session, known, asked, profiles, look_up
        self.signs: dict[int, PaperSignals] = {}
        self.rows, self.with_topics = rows, [profiles.has_topics(row) for row in rows]
        self.barring = {at: self.compiled.excluding(one) for at, one in enumerate(asked) if not self.with_topics[at]}
        self.new: list[StoredReasons] = [(b"", b"")] * len(asked)
        self.strong: list[StoredReasons] = [(b"", b"")] * len(asked)
        self.more = [0] * len(asked)
        self.matches: dict[int, list[Match]] = {}
        self.fresh: dict[int, list[int]] = {}
        self.trending: dict[int, list[int]] = {}
        self.sent = _pairs([(at, one.sent) for at, one in enumerate(asked) if one.sent])
        self.taken = [self.sent]

    def find_new(self, papers: PaperColumns, rows: Sequence[int]) -> None:
        """Find the new papers of these rows."""
        matcher = self.compiled.matcher(papers, self.known.weights)
        some = [row for row in rows if self.with_topics[row]]
        seen, sent = [self.asked[row].seen_through for row in some], self._of(some, [self.sent])
        answers = matcher.match(
            papers.facts, rows=self._rows(some), taus=self._taus(some), seen_through=seen, sent=sent
        )
        told = self._written(matcher, papers, some, answers, NEW)
        totals = answers.arrays.rows["total"][:-1].tolist()
        for row, one, total in zip(some, told, totals, strict=True):
            self.new[row], self.more[row] = one, total - len(one[1]) // 4
        self.taken.append(_found(answers, some))
        others = [row for row in rows if not self.with_topics[row]]
        if others:
            seen, sent = [self.asked[row].seen_through for row in others], self._of(others, [self.sent])
            answers = matcher.match(papers.facts, rows=self._rows(others), seen_through=seen, sent=sent, mode=ALL)
            found = {row: answers.matches(at, self.asked[row].profile) for at, row in enumerate(others)}
            self.matches |= {row: [one for one in some if one.followed] for row, some in found.items()}
            self.fresh |= self._allowed(matcher, papers, others, new=True)

    def find_rising(self, papers: PaperColumns) -> None:
        """Find the rising papers of each row, after the new ones."""
        matcher = self.compiled.matcher(papers, self.known.weights)
        some = [row for row, one in enumerate(self.asked) if self.with_topics[row] and one.rising]
        taus, sent = self._taus(some), self._of(some, self.taken)
        answers = matcher.match(papers.facts, rows=self._rows(some), taus=taus, sent=sent, mode=RANKED, most=MAX_RISING)
        for row, one in zip(some, self._written(matcher, papers, some, answers, RISING), strict=True):
            self.strong[row] = one
        self.trending = self._allowed(matcher, papers, sorted(self.barring), new=False)

    def frozen(self, row: int, considered: int) -> StoredContent:
        """The edition of one row, as it is stored."""
        asked = self.asked[row]
        if not self.with_topics[row]:
            found = self.matches.get(row, []), self.trending.get(row, []), self.fresh.get(row, [])
            content = entry_building.without_topics(self.known, asked, *found, considered)
            return StoredContent.from_content(
                replace(content, entries=novelty_and_score.entries_with_signals(content.entries, self.signs))
            )
        (new, papers), (strong, rising) = self.new[row], self.strong[row]
        both = b"%b,%b" % (new, strong) if papers and rising else new or strong
        return StoredContent.from_entries_json(
            both, papers + rising, considered=considered, more=self.more[row], notice=asked.notice
        )

    def _written(
        self, matcher: EngineMatcher, papers: PaperColumns, rows: Sequence[int], answers: MatchResults, section: str
    ) -> list[StoredReasons]:
        """Each row's matches as entries."""
        sheets = self._sheets(papers, section)
        text = json_writer.write_entries(answers, matcher.compiled, self._rows(rows), sheets, self.compiled.words())
        told = text.rows()
        odd = [at for at, one in enumerate(told) if one is None]
        profiles = self._profiles([rows[at] for at in odd])
        again = {at: self._told(answers.matches(at, one), section) for at, one in zip(odd, profiles, strict=True)}
        at, numbers = (4 * answers.arrays.rows["first"]).tolist(), answers.all_papers.astype("<i4").tobytes()
        return [(again[row] if one is None else one[0], numbers[at[row] : at[row + 1]]) for row, one in enumerate(told)]

    def _profiles(self, rows: Sequence[int]) -> list[Profile]:
        """The profiles of these rows, as typed."""
        some = [self.asked[row] for row in rows]
        later = [one.version for one in some if one.version and one.profile is COMPILED_PROFILE]
        read = subscribers.profiles(self.session, later)
        return [read[one.version] if one.version and one.version in read else one.profile for one in some]

    def _told(self, matches: Sequence[Match], section: str) -> bytes:
        """Matches that the JSON writer of the engine does not support: of followed authors, or of very many words."""
        make = entry_building.new_entry if section == NEW else partial(entry_building.entry_of_match, section=section)
        found = novelty_and_score.entries_with_signals([make(self.known, match) for match in matches], self.signs)
        return b",".join(map(entry_json, found))

    def _sheets(self, papers: PaperColumns, section: str) -> EntryTemplates:
        """The papers' parts of entries; cached for all shards until further signals of these papers are stored."""
        numbers = papers.ids.tolist()
        signs = self.look_up(numbers)
        self.signs |= signs
        kept = _sheets.setdefault(papers, {})
        if section not in kept or kept[section][0] != signs:
            kept[section] = (
                dict(signs),
                EntryTemplates.from_parts([self._around(number, section) for number in numbers]),
            )
        return kept[section][1]

    def _around(self, paper: int, section: str) -> tuple[bytes, bytes]:
        if paper not in self.known.papers:
            return b"", b""
        return entry_json_affixes(
            *novelty_and_score.entries_with_signals(
                [entry_building.plain_entry(self.known, paper, section)], self.signs
            )
        )

    def _rows(self, places: Sequence[int]) -> list[int]:
        return [self.rows[at] for at in places]

    def _taus(self, rows: Sequence[int]) -> list[int | None]:
        return [self.asked[row].tau for row in rows]

    def _of(self, rows: Sequence[int], parts: Sequence[SentPapers]) -> SentPapers:
        """The papers sent to these rows, by the position in `rows`."""
        place = np.full(len(self.asked), -1, np.int64)
        place[list(rows)] = np.arange(len(rows))
        row, paper = np.concatenate([place[one.row] for one in parts]), np.concatenate([one.paper for one in parts])
        return SentPapers(row[row >= 0], paper[row >= 0])

    def _allowed(
        self, matcher: EngineMatcher, papers: PaperColumns, rows: Sequence[int], *, new: bool
    ) -> dict[int, list[int]]:
        """The papers that pass the categories and exclusions of rows without topics, in order."""
        barring = [row for one in rows for row in self.barring[one]]
        answers = matcher.match(papers.facts, rows=barring, mode=ALL, explain=False)
        barred = {row: answers.papers(at) for at, row in enumerate(barring)}
        found = {}
        for row in rows:
            profile, mask = self.asked[row].profile, papers.eligible(self.asked[row].seen_through if new else None)
            if profile.categories:
                mask &= papers.in_categories(profile.categories, primary_only=profile.primary_only)
            taken = {*self.asked[row].sent, *(match.paper for match in self.matches.get(row, ()))}
            left_out = taken.union(*(barred[one] for one in self.barring[row]))
            found[row] = [n for n in papers.in_order(mask) if n not in left_out]
        return found


def _pairs(sent: Sequence[tuple[int, Collection[int]]]) -> SentPapers:
    sizes = np.array([len(papers) for _, papers in sent], np.int64)
    papers = np.fromiter(chain.from_iterable(papers for _, papers in sent), np.int64, int(sizes.sum()))
    return SentPapers(np.repeat(np.array([at for at, _ in sent], np.int64), sizes), papers)


def _found(answers: MatchResults, rows: Sequence[int]) -> SentPapers:
    """The selected papers of these rows."""
    first = answers.arrays.rows["first"]
    return SentPapers(np.repeat(np.array(rows, np.int64), np.diff(first)), answers.all_papers)
