"""Selection by the engine, for many papers or subscribers. Imported only when needed, because it loads machine code.

Profiles are compiled together and matched with the indexes of the announcements that are new to their subscribers, and
with a small index of the rising papers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from weakref import WeakKeyDictionary

import numpy as np
from sqlmodel import Session

from digest.compose.edition import NEW, RISING, Content, StoredContent, entry_json, entry_json_affixes
from digest.db.subscribers import subscribers
from digest.matching.engine import json_writer
from digest.matching.engine.engine_matcher import ALL, RANKED, EngineMatcher, SentPapers
from digest.matching.engine.json_writer import EntryTemplates
from digest.matching.engine.match_results import MatchResults
from digest.matching.profile import Match, Profile
from digest.matching.scoring.bm25 import Weights
from digest.papers.subjects import with_equivalents
from digest.services.catalog import day_indexes, novelty_and_score
from digest.services.catalog.announcements import AnnouncementDay
from digest.services.catalog.novelty_and_score import NoveltyLookup, PaperSignals
from digest.services.selection import calibrate_engine, compiled_profiles, edition_sections
from digest.services.selection.backend import ProfileCache
from digest.services.selection.candidate_arrays import PaperColumns, WindowArrays
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.compiled_profiles import CompiledProfileCache
from digest.services.selection.edition_sections import COMPILED_PROFILE, MAX_RISING, SelectionRequest

_windows: WeakKeyDictionary[CandidatePool, WindowArrays] = WeakKeyDictionary()
_templates_by_papers: WeakKeyDictionary[PaperColumns, dict[str, tuple[dict[int, PaperSignals], EntryTemplates]]] = (
    WeakKeyDictionary()
)
StoredReasons = tuple[bytes, bytes]  # entries as stored, separated by commas, and the packed ids of their papers
BATCH_SIZE = 8192  # requests
_ID_BYTES = 4  # of a paper in the packed ids


class EngineBackend:
    """The back end for many papers: compiled profiles are matched with indexes of days."""

    def choose(self, session: Session, pool: CandidatePool, requests: Sequence[SelectionRequest]) -> list[Content]:
        """The edition of each request."""
        return [content.content() for content in _choose(session, pool, requests, lambda _: {}, None)]

    def choose_stored(
        self,
        session: Session,
        pool: CandidatePool,
        requests: Sequence[SelectionRequest],
        cache: ProfileCache | None = None,
    ) -> Iterator[StoredContent]:
        """The edition of each request as it is stored, with the measured signals of its papers; in batches."""
        return _choose(session, pool, requests, partial(novelty_and_score.novelty_signals, session), cache)

    def thresholds(
        self,
        session: Session,
        days: Sequence[AnnouncementDay],
        weights: Weights,
        profiles: Mapping[int, Profile],
        cache: ProfileCache | None = None,
    ) -> list[int | None]:
        """τ of each profile, in their order, from these announcements; None where they are too few."""
        return calibrate_engine.thresholds(session, days, weights, profiles, _compiled(cache))

    def open_cache(self, session: Session, name: str, max_profiles: int) -> ProfileCache:
        """The cache of a shard's compiled profiles, by name."""
        return compiled_profiles.open_cache(session, name, max_profiles)

    def index_day(self, session: Session, day: AnnouncementDay) -> None:
        """Index an announcement, unless it is indexed."""
        day_indexes.index_of_day(session, day)


def _compiled(cache: ProfileCache | None) -> CompiledProfileCache | None:
    if cache is not None and not isinstance(cache, CompiledProfileCache):
        raise TypeError("this cache was opened by another back end")
    return cache


def _choose(
    session: Session,
    pool: CandidatePool,
    requests: Sequence[SelectionRequest],
    look_up: NoveltyLookup,
    cache: ProfileCache | None,
) -> Iterator[StoredContent]:
    """The edition of each request, selected in batches to bound the memory for results.

    `look_up`: further signals of papers; `cache`: where the profiles are compiled, all of them before the first batch.
    """
    if pool not in _windows:
        _windows[pool] = WindowArrays(pool)
    window, profiles = _windows[pool], _compiled(cache) or compiled_profiles.cache_for_requests(requests)
    with profiles.lock:
        rows = profiles.rows_of(requests)
        for row, request in zip(rows, requests, strict=True):
            if not profiles.has_topics(row):
                profiles.exclusion_rows(request)
        for begin in range(0, len(requests), BATCH_SIZE):
            batch = slice(begin, begin + BATCH_SIZE)
            yield from _select_batch(
                window, _RequestBatch(session, pool, requests[batch], rows[batch], profiles, look_up)
            )
        profiles.save(session)


def _select_batch(window: WindowArrays, batch: _RequestBatch) -> list[StoredContent]:
    """The edition of each request of a batch."""
    seen_through = [request.seen_through for request in batch.requests]
    for days, rows in window.group_by_days(seen_through).items():
        batch.find_new(window.newest(batch.session, days), rows)
    if batch.pool.rising:
        batch.find_rising(window.rising(batch.session))
    return [batch.stored_content(row, count) for row, count in enumerate(window.count_new(seen_through, batch.choices))]


class _RequestBatch:
    """A batch of requests with compiled profiles, and the papers selected for each."""

    def __init__(
        self,
        session: Session,
        pool: CandidatePool,
        requests: Sequence[SelectionRequest],
        rows: Sequence[int],
        profiles: CompiledProfileCache,
        look_up: NoveltyLookup,
    ) -> None:
        self.session, self.pool, self.requests, self.compiled, self.look_up = session, pool, requests, profiles, look_up
        self.signs: dict[int, PaperSignals] = {}
        self.rows, self.with_topics = rows, [profiles.has_topics(row) for row in rows]
        self.choices = [profiles.choice_of_row(row) for row in rows]
        self.exclusion_rows = {
            i: self.compiled.exclusion_rows(request) for i, request in enumerate(requests) if not self.with_topics[i]
        }
        self.new_entries: list[StoredReasons] = [(b"", b"")] * len(requests)
        self.rising_entries: list[StoredReasons] = [(b"", b"")] * len(requests)
        self.more_counts = [0] * len(requests)
        self.followed_matches: dict[int, list[Match]] = {}
        self.new_without_topics: dict[int, list[int]] = {}
        self.trending_without_topics: dict[int, list[int]] = {}
        self.sent = _sent_pairs([(i, request.sent) for i, request in enumerate(requests) if request.sent])
        self.already_sent = [self.sent]

    def find_new(self, papers: PaperColumns, rows: Sequence[int]) -> None:
        """Find the new papers of these rows."""
        matcher = self.compiled.matcher(self.session, papers, self.pool.weights, self.pool.contexts)
        topic_rows = [row for row in rows if self.with_topics[row]]
        seen_through, sent = (
            [self.requests[row].seen_through for row in topic_rows],
            self._sent_of_rows(topic_rows, [self.sent]),
        )
        answers = matcher.match(
            papers.facts,
            rows=self._profile_rows(topic_rows),
            taus=self._taus(topic_rows),
            with_contexts=self._with_contexts(topic_rows),
            seen_through=seen_through,
            sent=sent,
            admitted=papers.admitted([self.choices[row] for row in topic_rows]),
        )
        written = self._write_entries(matcher, papers, topic_rows, answers, NEW)
        totals = answers.arrays.rows["total"][:-1].tolist()
        for row, reasons, total in zip(topic_rows, written, totals, strict=True):
            self.new_entries[row], self.more_counts[row] = reasons, total - len(reasons[1]) // _ID_BYTES
        self.already_sent.append(_selected_papers(answers, topic_rows))
        other_rows = [row for row in rows if not self.with_topics[row]]
        if other_rows:
            seen_through, sent = (
                [self.requests[row].seen_through for row in other_rows],
                self._sent_of_rows(other_rows, [self.sent]),
            )
            answers = matcher.match(
                papers.facts,
                rows=self._profile_rows(other_rows),
                seen_through=seen_through,
                sent=sent,
                mode=ALL,
                admitted=papers.admitted([self.choices[row] for row in other_rows]),
            )
            matches = {row: answers.matches(i, self.requests[row].profile) for i, row in enumerate(other_rows)}
            self.followed_matches |= {
                row: [match for match in row_matches if match.followed] for row, row_matches in matches.items()
            }
            self.new_without_topics |= self._allowed_papers(matcher, papers, other_rows, new=True)

    def find_rising(self, papers: PaperColumns) -> None:
        """Find the rising papers of each row, after the new ones: of followed authors, or as a topic is written."""
        matcher = self.compiled.matcher(self.session, papers, self.pool.weights, self.pool.contexts)
        topic_rows = [row for row, request in enumerate(self.requests) if self.with_topics[row] and request.rising]
        answers = matcher.match(
            papers.facts,
            rows=self._profile_rows(topic_rows),
            sent=self._sent_of_rows(topic_rows, self.already_sent),
            mode=RANKED,
            max_ranked=MAX_RISING,
            close=False,
            admitted=papers.admitted([self.choices[row] for row in topic_rows]),
        )
        for row, reasons in zip(
            topic_rows, self._write_entries(matcher, papers, topic_rows, answers, RISING), strict=True
        ):
            self.rising_entries[row] = reasons
        self.trending_without_topics = self._allowed_papers(matcher, papers, sorted(self.exclusion_rows), new=False)

    def stored_content(self, row: int, considered: int) -> StoredContent:
        """The edition of one row, as it is stored."""
        request = self.requests[row]
        if not self.with_topics[row]:
            selected = (
                self.followed_matches.get(row, []),
                self.trending_without_topics.get(row, []),
                self.new_without_topics.get(row, []),
            )
            content = edition_sections.content_without_topics(self.pool, request, *selected, considered)
            return StoredContent.from_content(
                replace(content, entries=novelty_and_score.entries_with_signals(content.entries, self.signs))
            )
        (new_json, papers), (rising_json, rising) = self.new_entries[row], self.rising_entries[row]
        entries_json = b"%b,%b" % (new_json, rising_json) if papers and rising else new_json or rising_json
        return StoredContent.from_entries_json(
            entries_json,
            papers + rising,
            considered=considered,
            more=self.more_counts[row],
            notice=request.notice,
            days_back=request.days_back,
        )

    def _write_entries(
        self, matcher: EngineMatcher, papers: PaperColumns, rows: Sequence[int], answers: MatchResults, section: str
    ) -> list[StoredReasons]:
        """Each row's matches as entries."""
        templates = self._templates(papers, section)
        text = json_writer.write_entries(
            answers, matcher.compiled, self._profile_rows(rows), templates, self.compiled.query_texts()
        )
        written = text.rows()
        unwritten = [i for i, entry in enumerate(written) if entry is None]
        profiles = self._profiles([rows[i] for i in unwritten])
        rewritten = {
            i: self._write_matches(answers.matches(i, profile), section)
            for i, profile in zip(unwritten, profiles, strict=True)
        }
        offsets, numbers = (
            (_ID_BYTES * answers.arrays.rows["first"]).tolist(),
            answers.all_papers.astype("<i4").tobytes(),
        )
        return [
            (rewritten[row] if entry is None else entry[0], numbers[offsets[row] : offsets[row + 1]])
            for row, entry in enumerate(written)
        ]

    def _profiles(self, rows: Sequence[int]) -> list[Profile]:
        """The profiles of these rows, as typed."""
        requests = [self.requests[row] for row in rows]
        unread_versions = [
            request.version for request in requests if request.version and request.profile is COMPILED_PROFILE
        ]
        profiles_by_version = subscribers.profiles(self.session, unread_versions)
        return [
            profiles_by_version[request.version]
            if request.version and request.version in profiles_by_version
            else request.profile
            for request in requests
        ]

    def _write_matches(self, matches: Sequence[Match], section: str) -> bytes:
        """Matches that the JSON writer of the engine does not support: of followed authors, or of very many words."""
        entry_of = (
            edition_sections.new_entry if section == NEW else partial(edition_sections.entry_of_match, section=section)
        )
        entries = novelty_and_score.entries_with_signals([entry_of(self.pool, match) for match in matches], self.signs)
        return b",".join(map(entry_json, entries))

    def _templates(self, papers: PaperColumns, section: str) -> EntryTemplates:
        """The papers' parts of entries; cached for all shards until further signals of these papers are stored."""
        paper_ids = papers.ids.tolist()
        signs = self.look_up(paper_ids)
        self.signs |= signs
        cached = _templates_by_papers.setdefault(papers, {})
        if section not in cached or cached[section][0] != signs:
            cached[section] = (
                dict(signs),
                EntryTemplates.from_parts([self._json_affixes(paper_id, section) for paper_id in paper_ids]),
            )
        return cached[section][1]

    def _json_affixes(self, paper: int, section: str) -> tuple[bytes, bytes]:
        if paper not in self.pool.papers:
            return b"", b""
        return entry_json_affixes(
            *novelty_and_score.entries_with_signals(
                [edition_sections.plain_entry(self.pool, paper, section)], self.signs
            )
        )

    def _profile_rows(self, positions: Sequence[int]) -> list[int]:
        return [self.rows[position] for position in positions]

    def _taus(self, rows: Sequence[int]) -> list[int | None]:
        return [self.requests[row].tau for row in rows]

    def _with_contexts(self, rows: Sequence[int]) -> list[bool]:
        return [self.requests[row].has_contexts for row in rows]

    def _sent_of_rows(self, rows: Sequence[int], sent: Sequence[SentPapers]) -> SentPapers:
        """The papers sent to these rows, by the position in `rows`."""
        position_of_row = np.full(len(self.requests), -1, np.int64)
        position_of_row[list(rows)] = np.arange(len(rows))
        row, paper = (
            np.concatenate([position_of_row[part.row] for part in sent]),
            np.concatenate([part.paper for part in sent]),
        )
        return SentPapers(row[row >= 0], paper[row >= 0])

    def _allowed_papers(
        self, matcher: EngineMatcher, papers: PaperColumns, rows: Sequence[int], *, new: bool
    ) -> dict[int, list[int]]:
        """The papers that pass the categories and exclusions of rows without topics, in order."""
        exclusion_rows = [row for i in rows for row in self.exclusion_rows[i]]
        answers = matcher.match(papers.facts, rows=exclusion_rows, mode=ALL, explain=False)
        excluded_papers = {row: answers.papers(i) for i, row in enumerate(exclusion_rows)}
        allowed = {}
        for row in rows:
            profile, mask = (
                self.requests[row].profile,
                papers.eligible(self.requests[row].seen_through if new else None)
                & papers.admitted_by(self.choices[row]),
            )
            if profile.categories:
                mask &= papers.in_categories(with_equivalents(profile.categories), primary_only=profile.primary_only)
            already_shown = {*self.requests[row].sent, *(match.paper for match in self.followed_matches.get(row, ()))}
            left_out = already_shown.union(
                *(excluded_papers[exclusion_row] for exclusion_row in self.exclusion_rows[row])
            )
            allowed[row] = [paper_id for paper_id in papers.ids_in_order(mask) if paper_id not in left_out]
        return allowed


def _sent_pairs(sent: Sequence[tuple[int, Collection[int]]]) -> SentPapers:
    sizes = np.array([len(papers) for _, papers in sent], np.int64)
    papers = np.fromiter(chain.from_iterable(papers for _, papers in sent), np.int64, int(sizes.sum()))
    return SentPapers(np.repeat(np.array([row for row, _ in sent], np.int64), sizes), papers)


def _selected_papers(answers: MatchResults, rows: Sequence[int]) -> SentPapers:
    """The selected papers of these rows."""
    offsets = answers.arrays.rows["first"]
    return SentPapers(np.repeat(np.array(rows, np.int64), np.diff(offsets)), answers.all_papers)
