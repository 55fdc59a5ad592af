"""Selection for one profile by posting lists: only papers that may match are prepared, and matched by the reference.

It gives the results of the other back ends. A preview of 20,000 papers prepares a few hundred of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlmodel import Session

from digest.compose.edition import Content
from digest.matching.profile import Profile
from digest.matching.reference import reference_matcher
from digest.matching.reference.candidate_search import CandidateSearch
from digest.matching.reference.close_threshold import threshold_of_relevances
from digest.matching.reference.posting_lists import PostingLists
from digest.matching.reference.reference_matcher import FindingCache
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import Document
from digest.services.catalog import followed_people
from digest.services.catalog.announcements import AnnouncedPaper, AnnouncementDay
from digest.services.selection import reference_backend
from digest.services.selection.candidate_papers import CandidatePool, all_announced
from digest.services.selection.edition_sections import SelectionRequest
from digest.services.selection.paper_admission import EVERYTHING, choice_of, is_admitted


class PostingsBackend:
    """Selects papers of single announcements for one profile. Raises BadQuery."""

    def __init__(self, session: Session, profile: Profile, weights: Weights) -> None:
        self._session, self._profile, self._weights = session, profile, weights
        self._search, self._findings = CandidateSearch(profile, weights), FindingCache()
        self._choice = choice_of(profile)

    def threshold(self, days: Sequence[tuple[AnnouncementDay, PostingLists]], *, max_undecided: int) -> int | None:
        """τ from these 14 announcements; None where more than `max_undecided` papers would have to be evaluated."""
        relevances: list[int] = []
        for day, lists in days:
            papers = self._admitted(all_announced([day], day.newest_batch))
            sample = self._search.sample(lists, papers)
            max_undecided -= len(sample.undecided)
            if max_undecided < 0:
                return None
            relevances += sample.relevances
            relevances += self._evaluate(day, {paper_id: papers[paper_id] for paper_id in sample.undecided})
        return threshold_of_relevances(self._profile, relevances)

    def _evaluate(self, day: AnnouncementDay, papers: Mapping[int, AnnouncedPaper]) -> list[int]:
        """The relevances of those papers that do not match as written."""
        announcement_of = dict.fromkeys(papers, day.announcement_id)
        documents = reference_backend.prepare_documents(self._session, papers, announcement_of, {})
        documents = reference_backend.with_people(self._session, documents, self._profile.authors)
        return reference_matcher.non_strict_relevances(self._profile, documents, self._weights, self._findings)

    def candidates(self, pool: CandidatePool, lists: PostingLists, tau: int | None) -> list[int]:
        """The papers of a pool of one announcement that may be selected."""
        found = [*self._search.candidates(lists, self._admitted(pool.papers), tau), *self._by_followed_people(pool)]
        is_unspecific = not (self._profile.topics or self._profile.categories or self._profile.authors)
        return list(dict.fromkeys([*found, *pool.rising] if is_unspecific else found))

    def _by_followed_people(self, pool: CandidatePool) -> Iterator[int]:
        oldest_paper, admitted = min(pool.papers, default=0), self._admitted(pool.papers)
        for paper_ids in followed_people.papers_of(self._session, self._profile.authors, oldest_paper).values():
            yield from (paper_id for paper_id in paper_ids if paper_id in admitted)

    def choose(self, pool: CandidatePool, paper_ids: Collection[int], tau: int | None) -> Content:
        """The edition of the profile without what rises, from those of a pool's papers."""
        request = SelectionRequest(self._profile, tau=tau, rising=False)
        content = reference_backend.choose_content(pool, self._documents(pool, paper_ids), request, self._findings)
        return replace(content, considered=pool.count_after(0, self._choice))

    def _admitted(self, papers: Mapping[int, AnnouncedPaper]) -> Mapping[int, AnnouncedPaper]:
        """The papers that the profile's choice of sources and languages admits."""
        if self._choice == EVERYTHING:
            return papers
        return {paper_id: paper for paper_id, paper in papers.items() if is_admitted(self._choice, paper)}

    def _documents(self, pool: CandidatePool, paper_ids: Collection[int]) -> list[Document]:
        papers = {paper_id: pool.papers[paper_id] for paper_id in paper_ids}
        percentiles = {paper_id: pool.trends[paper_id].percentile for paper_id in paper_ids if paper_id in pool.trends}
        documents = reference_backend.prepare_documents(self._session, papers, pool.announcement_of, percentiles)
        return reference_backend.with_people(self._session, documents, self._profile.authors)
