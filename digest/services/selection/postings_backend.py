"""Selection for one profile by posting lists, with the results of the other back ends.

Papers that may match are evaluated by the lists. Only those about which these don't tell enough are prepared.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest
from typing import NamedTuple

from sqlmodel import Session

from digest.compose.edition import Content
from digest.compose.email.paper_block import source_text
from digest.db.papers import papers as store
from digest.errors import Cancelled
from digest.matching.profile import Profile
from digest.matching.query.language import people_of
from digest.matching.reference import reference_matcher
from digest.matching.reference.candidate_search import MAX_RELEVANCE, CandidateSearch
from digest.matching.reference.close_threshold import threshold_of_relevances
from digest.matching.reference.paper_evaluation import Finding, RankedPaper
from digest.matching.reference.posting_cache import PostingCache
from digest.matching.reference.posting_lists import PostingLists
from digest.matching.reference.reference_matcher import FindingCache
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import Document
from digest.matching.scoring.parameters import CLOSE_PAPERS
from digest.matching.scoring.topic_context import NO_CONTEXTS, TopicContext
from digest.services.catalog import followed_people
from digest.services.catalog.announcements import AnnouncedPaper
from digest.services.selection import reference_backend
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.edition_sections import SelectionRequest
from digest.services.selection.source_language_choice import EVERYTHING, choice_of, is_admitted

_PREPARED_TOGETHER = 300  # papers


class PaperTitle(NamedTuple):
    """What a line about a paper shows. `source`: where it appears, as in mails; '' for a paper of arXiv."""

    text: str
    arxiv_id: str | None
    source: str


TitleCache = MutableMapping[tuple[int, int], PaperTitle]  # by paper and revision


@dataclass(frozen=True, slots=True)
class ThresholdDay:
    """One of the announcements that set a threshold: its papers that are not withdrawn, and their posting lists."""

    announcement_id: int
    papers: Mapping[int, AnnouncedPaper]
    postings: PostingLists


@dataclass(frozen=True, slots=True)
class DayCandidates:
    """The papers of a pool of one announcement that may be selected.

    `numbers`: of each paper, by id, its number in the posting lists; None where it must be prepared.
    """

    pool: CandidatePool
    numbers: Mapping[int, int | None]


class PostingsBackend:
    """Selects papers of single announcements for one profile. Raises BadQuery.

    `titles` has those of the selected papers, and `title_cache` those that were read for any profile. `contexts`: of
    the profile's topics; `left_out`: papers that are not selected, whatever they match.
    """

    def __init__(
        self,
        session: Session,
        profile: Profile,
        weights: Weights,
        cache: PostingCache,
        title_cache: TitleCache,
        *,
        contexts: Mapping[str, TopicContext] = NO_CONTEXTS,
        left_out: Collection[int] = (),
    ) -> None:
        self._session, self._profile, self._weights, self._left_out = session, profile, weights, left_out
        self._findings = FindingCache(contexts)
        self._search = CandidateSearch(self._findings.parse(profile, weights), weights, cache)
        self._choice, self._people = choice_of(profile), people_of(profile)
        self.titles: dict[int, PaperTitle] = {}
        self._title_cache = title_cache

    def threshold(self, days: Sequence[ThresholdDay], *, max_undecided: int) -> int | None:
        """τ from these 14 announcements; None where more than `max_undecided` papers would have to be evaluated."""
        if self._profile.examples is not None:
            return self._threshold_of_bounds(days, max_undecided)
        relevances: list[int] = []
        for day in days:
            sample = self._search.sample(day.postings, self._admitted(day.papers))
            max_undecided -= len(sample.undecided)
            if max_undecided < 0:
                return None
            relevances += sample.relevances
            relevances += self._evaluate(dict.fromkeys(sample.undecided, day)) if sample.undecided else ()
        return threshold_of_relevances(self._profile, relevances)

    def _threshold_of_bounds(self, days: Sequence[ThresholdDay], max_undecided: int) -> int | None:
        """τ of a profile with examples: papers are evaluated by their bounds until no other can be among the largest.

        None where more than `max_undecided` papers would have to be evaluated.
        """
        bounds: dict[int, int] = {}
        day_of: dict[int, ThresholdDay] = {}
        for day in days:
            admitted = self._admitted(day.papers)
            of_people = dict.fromkeys(self._by_people(admitted), MAX_RELEVANCE)
            bounds |= (day_bounds := self._search.bounds(day.postings, admitted) | of_people)
            day_of |= dict.fromkeys(day_bounds, day)
        ordered = sorted(bounds, key=lambda paper_id: -bounds[paper_id])
        rank = CLOSE_PAPERS[self._profile.minimum]
        relevances: list[int] = []
        for start in range(0, len(ordered), _PREPARED_TOGETHER):
            if len(relevances) > rank and nlargest(rank + 1, relevances)[rank] >= bounds[ordered[start]]:
                break
            if start >= max_undecided:
                return None
            part = ordered[start : start + _PREPARED_TOGETHER]
            relevances += self._evaluate({paper_id: day_of[paper_id] for paper_id in part})
        return threshold_of_relevances(self._profile, relevances)

    def _evaluate(self, day_of: Mapping[int, ThresholdDay]) -> list[int]:
        """The relevances of those papers that do not match as written."""
        papers = {paper_id: day.papers[paper_id] for paper_id, day in day_of.items()}
        announcement_of = {paper_id: day.announcement_id for paper_id, day in day_of.items()}
        documents = reference_backend.prepare_documents(self._session, papers, announcement_of, {})
        documents = reference_backend.with_people(self._session, documents, self._people)
        return reference_matcher.non_strict_relevances(self._profile, documents, self._weights, self._findings)

    def candidates(self, pool: CandidatePool, lists: PostingLists, tau: int | None) -> DayCandidates:
        """The papers of a pool of one announcement that may be selected."""
        profile, admitted = self._profile, self._admitted(pool.papers)
        numbers: dict[int, int | None] = dict(self._search.candidates(lists, admitted, tau))
        for paper_id in self._by_people(admitted):
            numbers.setdefault(paper_id)
        if not (profile.topics or profile.categories or profile.authors or profile.examples):
            numbers |= dict.fromkeys(pool.rising)
        return DayCandidates(pool, numbers)

    def _by_people(self, admitted: Mapping[int, AnnouncedPaper]) -> Iterator[int]:
        if not self._people:
            return
        oldest_paper = min(admitted, default=0)
        for paper_ids in followed_people.papers_of(self._session, self._people, oldest_paper).values():
            yield from (paper_id for paper_id in paper_ids if paper_id in admitted)

    def choose(self, days: Sequence[DayCandidates], tau: int | None, cancelled: Callable[[], bool]) -> list[Content]:
        """The edition of each day without what rises. Raises Cancelled.

        Papers of several days are prepared together, as each time costs a query.
        """
        contents: list[Content] = []
        findings = [self._evaluate_by_lists(day) for day in days]
        undecided = [
            (day.pool, [paper_id for paper_id in day.numbers if paper_id not in day_findings])
            for day, day_findings in zip(days, findings, strict=True)
        ]
        documents: dict[int, Document] = {}
        for position, (pool, paper_ids) in enumerate(undecided):
            if cancelled():
                raise Cancelled("the preview was cancelled: its client disconnected")
            if any(paper_id not in documents for paper_id in paper_ids):
                documents = self._documents(undecided[position:])
            prepared = [documents[paper_id] for paper_id in paper_ids]
            content = self._choose_on_day(pool, list(findings[position].values()), prepared, tau)
            contents.append(replace(content, considered=pool.count_after(0, self._choice)))
        self._add_titles(contents)
        return contents

    def _evaluate_by_lists(self, day: DayCandidates) -> dict[int, Finding]:
        """The evaluations of those candidates about which the lists tell enough, by paper id."""
        if not self._profile.finds_papers:
            return {}
        findings: dict[int, Finding] = {}
        announcement, trends = day.pool.oldest_announcement, day.pool.trends
        for paper_id, number in day.numbers.items():
            trending = trends[paper_id].percentile if paper_id in trends else 0
            paper = RankedPaper(paper_id, announcement, trending)
            if number is not None and (finding := self._search.evaluate(number, paper)):
                findings[paper_id] = finding
        return findings

    def _choose_on_day(
        self, pool: CandidatePool, findings: list[Finding], documents: Sequence[Document], tau: int | None
    ) -> Content:
        """The edition of a day, from evaluated papers and from prepared ones."""
        request = SelectionRequest(self._profile, tau=tau, sent=self._left_out, rising=False)
        if not request.has_topics:
            return reference_backend.choose_content(pool, documents, request, self._findings)
        parsed = self._findings.parse(self._profile, self._weights)
        findings += reference_matcher.findings_of(parsed, documents, self._weights, self._findings)
        matches = reference_matcher.matches_of_findings(parsed, self._weights, findings, tau=tau, sent=self._left_out)
        return reference_backend.content_of_matches(pool, matches, request, 0)

    def _add_titles(self, contents: Iterable[Content]) -> None:
        """Add the titles of the selected papers."""
        versions = {(entry.paper, entry.revision) for content in contents for entry in content.entries}
        if missing := versions - self._title_cache.keys():
            self._title_cache.update(_read_titles(self._session, missing))
        self.titles |= {version[0]: self._title_cache[version] for version in versions}

    def _admitted(self, papers: Mapping[int, AnnouncedPaper]) -> Mapping[int, AnnouncedPaper]:
        """The papers that the profile's choice of sources and languages admits."""
        if self._choice == EVERYTHING:
            return papers
        return {paper_id: paper for paper_id, paper in papers.items() if is_admitted(self._choice, paper)}

    def _documents(self, days: Sequence[tuple[CandidatePool, Collection[int]]]) -> dict[int, Document]:
        """The candidates of the first day, and of more days until they are many."""
        papers: dict[int, AnnouncedPaper] = {}
        announcement_of: dict[int, int] = {}
        percentiles: dict[int, int] = {}
        for pool, paper_ids in days:
            papers |= {paper_id: pool.papers[paper_id] for paper_id in paper_ids}
            announcement_of |= dict.fromkeys(paper_ids, pool.oldest_announcement)
            percentiles |= {
                paper_id: pool.trends[paper_id].percentile for paper_id in paper_ids if paper_id in pool.trends
            }
            if len(papers) >= _PREPARED_TOGETHER:
                break
        documents = reference_backend.prepare_documents(self._session, papers, announcement_of, percentiles)
        documents = reference_backend.with_people(self._session, documents, self._people)
        return {document.candidate.id: document for document in documents}


def _read_titles(session: Session, versions: Collection[tuple[int, int]]) -> dict[tuple[int, int], PaperTitle]:
    """The titles of papers in a revision, and where those that are not of arXiv appear."""
    titles = store.titles(session, versions)
    others = [version for version, (_, arxiv_id) in titles.items() if not arxiv_id]
    records = store.versions_without_abstracts(session, others)
    sources = {version: str(source_text(record)) for version, record in records.items()}
    return {
        version: PaperTitle(title, arxiv_id, sources.get(version, "")) for version, (title, arxiv_id) in titles.items()
    }
