"""Searches all stored papers: candidates from the index, verified and scored by the project's own matcher."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlmodel import Session

from digest import clock
from digest.db.core.engine import reading
from digest.db.papers import author_ids as stored_ids
from digest.db.papers import paper_search as index
from digest.db.papers import papers as store
from digest.db.papers import search_index
from digest.db.papers.paper_search import FoundPapers, IndexHit, Scope
from digest.db.runs import runs, sent_papers
from digest.errors import N_, BadCursor, BadInput
from digest.matching.profile import Candidate, Profile, Topic
from digest.matching.query.language import (
    And,
    AndNot,
    Node,
    Query,
    Term,
    author_ids,
    parse,
    phrase_words,
    positive_terms,
)
from digest.matching.query.profile_limit_checks import check_cost
from digest.matching.reference.parsed_profile import ParsedProfile, parse_profile
from digest.matching.reference.reference_matcher import FindingCache
from digest.matching.scoring import index_terms
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import Document, has_author, prepare_document
from digest.matching.scoring.index_terms import AllOf, IndexQuery, IndexTerm
from digest.papers import Record
from digest.services.catalog import epochs, followed_people, paper_presenters
from digest.services.preview import topic_counts
from digest.services.search import index_ranking, pasted_identifier
from digest.services.search.facets import count_facets
from digest.services.search.search_schemas import (
    BEST,
    ORDERS,
    PERIODS,
    SearchHit,
    SearchPage,
    SearchRequest,
)
from digest.services.subscriptions import topic_checks
from digest.text.person_references import author_id_key

RESULTS_PER_PAGE = 20
MAX_VERIFIED = 300  # papers for one page
_RANKED_TIMES_WORDS = 30_000  # of the newest papers found fewer are ranked for queries of many words
_FIRST_BATCH, _NEXT_BATCH = 12, 100  # papers beyond the page's, and of each further look-up
_FIRST_ANNOUNCEMENT = 365  # an ordinal: before all editions
_MAX_DAY = date.max.toordinal()
_CURSOR = re.compile(r"(-?\d{1,12})\.(\d{1,7})\.(\d{1,10})")


@dataclass(frozen=True, slots=True)
class _AuthorsById:
    """The authors whose ids a query has, as `scheme:value`: the names that papers print for them, and their papers."""

    names: Mapping[str, Sequence[str]]
    papers: Mapping[str, Collection[int]]

    @classmethod
    def of_query(cls, session: Session, text: str) -> _AuthorsById:
        ids = author_ids(text)
        names = {key: stored_ids.names_of_id(session, *key.split(":", 1)) for key in ids}
        return cls(names, followed_people.papers_of(session, ids))

    def authors_of(self, paper_id: int) -> frozenset[str]:
        """The ids that the paper's authors have."""
        return frozenset(key for key, paper_ids in self.papers.items() if paper_id in paper_ids)


@dataclass(frozen=True, slots=True)
class _SearchPlan:
    """A request, parsed. `is_exact`: the index finds no paper that the matcher refuses."""

    request: SearchRequest
    query: Query
    parsed: ParsedProfile
    weights: Weights
    index_query: IndexQuery
    is_exact: bool
    scope: Scope
    authors: _AuthorsById
    required_authors: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The words and phrases to highlight."""
        terms = positive_terms(self.query.root)
        words = [word.typed for term in terms if self.query.plain for word in phrase_words(term) if word.is_weighted]
        return tuple(dict.fromkeys([*(term.text for term in terms if term.field in {"", "ti", "all"}), *words]))


def search(request: SearchRequest, *, sent_to: int | None = None) -> SearchPage:
    """One page of the papers that a query finds. Raises BadInput, BadQuery.

    Plain words find papers that have them as a phrase, and papers that have all of them (not `strict`). The
    identifier of a paper or its address finds that paper. `sent_to`: only what that subscriber was sent.
    """
    _check_request(request)
    with reading() as session:
        papers = None if sent_to is None else sent_paper_ids(session, sent_to)
        identified = pasted_identifier.find(session, request.text)
        if identified is not None:
            return _page_of(session, [paper_id for paper_id in identified if papers is None or paper_id in papers])
    topic_checks.check_topic(request.text)
    check_cost(Profile((Topic(request.text),)))
    with reading() as session:
        index.prefer_index(session)
        return _found_page(session, _plan(session, request, papers))


def _found_page(session: Session, plan: _SearchPlan) -> SearchPage:
    request = plan.request
    papers = index.found_papers(session, plan.index_query, plan.scope, index.MAX_FOUND)
    pager = _Pager(session, plan, papers)
    hits, cursor = pager.best() if request.order == BEST else pager.newest()
    is_whole = not cursor and not request.cursor
    counted = papers
    if is_whole and not plan.is_exact:  # of the papers that the matcher did not refuse
        counted = papers.only({hit.row.id for hit in hits})
    return SearchPage(
        hits=tuple(hits),
        total=len(hits) if is_whole else len(papers),
        is_exact=is_whole or plan.is_exact,
        is_minimum=len(papers) == index.MAX_FOUND,
        is_ranked_in_part=pager.is_ranked_in_part,
        facets=count_facets(counted.facets, counted.days, _period_starts()),
        cursor=cursor,
        words=plan.words,
        suggestion="" if hits or request.cursor else topic_counts.suggest(session, request.text),
        is_indexing=not search_index.is_complete(session),
    )


def _check_request(request: SearchRequest) -> None:
    if request.order not in ORDERS:
        raise BadInput(N_("order: use newest or best"), field="order")
    if request.cursor and not _CURSOR.fullmatch(request.cursor):
        raise BadCursor
    if request.first and request.last and request.first > request.last:
        raise BadInput(N_("from: this day is after the last one"), field="from")


def sent_paper_ids(session: Session, subscriber_id: int) -> tuple[int, ...]:
    """The papers of all of a subscriber's editions."""
    sent = sent_papers.papers_sent_since(session, [subscriber_id], _FIRST_ANNOUNCEMENT)
    return tuple(sorted(set(sent.get(subscriber_id, ()))))


def _plan(session: Session, request: SearchRequest, papers: tuple[int, ...] | None) -> _SearchPlan:
    query, weights = parse(request.text), epochs.weights(runs.newest_epoch(session))
    authors = _AuthorsById.of_query(session, request.text)
    lookup = index_terms.lookup(index_terms.with_author_names(query.root, authors.names))
    base, is_exact = lookup.query, lookup.is_exact
    if query.plain:
        words = [word for term in positive_terms(query.root) for word in phrase_words(term) if word.is_weighted]
        if len(words) > 1:
            base, is_exact = index_terms.all_words_query(words), not any(word.prefix for word in words)
    filters: list[IndexQuery] = []
    filters += [index_terms.category_query(request.category)] if request.category else []
    filters += [IndexTerm(index_terms.source_term(request.source))] if request.source else []
    filters += [IndexTerm(index_terms.CODE)] if request.code else []
    first = request.first.toordinal() if request.first else 0
    last = request.last.toordinal() if request.last else _MAX_DAY
    return _SearchPlan(
        request,
        query,
        parse_profile(Profile((Topic(request.text),)), weights),
        weights,
        AllOf((base, *filters)) if filters else base,
        is_exact,
        Scope(first, last, papers),
        authors,
        _required_authors(query.root),
    )


class _Pager:
    """Finds the papers of one page, in either order, with the cursor of the next page ('' for none)."""

    def __init__(self, session: Session, plan: _SearchPlan, papers: FoundPapers) -> None:
        self._session, self._plan, self._papers, self._cache = session, plan, papers, FindingCache()
        self._verified = 0
        self.is_ranked_in_part = False

    def newest(self) -> tuple[list[SearchHit], str]:
        """By day, newest first."""
        limit, after = self._plan.request.limit, self._position()
        hits: list[SearchHit] = []
        position = after[1:] if after else None
        size = limit if self._plan.is_exact else limit + _FIRST_BATCH
        while True:
            batch = self._newest_hits(size, position)
            for number, (index_hit, hit) in enumerate(self._verify(batch)):
                hits += [hit] if hit else []
                position = index_hit.day, index_hit.paper_id
                is_last = number == len(batch) - 1 and len(batch) < size
                if len(hits) == limit or self._verified >= MAX_VERIFIED:
                    return hits, "" if is_last else _cursor(0, index_hit)
            if len(batch) < size:
                return hits, ""
            size = _NEXT_BATCH

    def _newest_hits(self, size: int, after: tuple[int, int] | None) -> list[IndexHit]:
        """The newest papers behind that day and paper; they are looked up where those found were not all."""
        papers = self._papers
        first = 0 if after is None else papers.place_behind(after)
        if first + size > len(papers) == index.MAX_FOUND:
            plan = self._plan
            return index.found_papers(self._session, plan.index_query, plan.scope, size, after).hits(0, size)
        return papers.hits(first, first + size)

    def best(self) -> tuple[list[SearchHit], str]:
        """By score, best first."""
        plan, limit, after = self._plan, self._plan.request.limit, self._position()
        words = sum(len(phrase_words(term)) for term in positive_terms(plan.query.root))
        most = min(index.MAX_FOUND, _RANKED_TIMES_WORDS // max(1, words))
        self.is_ranked_in_part = len(self._papers) >= most
        ranking = index_ranking.Ranking(
            self._session, plan.query, plan.index_query, self._papers.newest(most), plan.weights, plan.authors.names
        )
        ranked = ranking.best(MAX_VERIFIED, after)
        scores = {hit.paper_id: score for score, hit in ranked}
        hits: list[SearchHit] = []
        candidates = [hit for _, hit in ranked]
        for number, (index_hit, hit) in enumerate(self._verify(candidates, limit + _FIRST_BATCH)):
            hits += [hit] if hit else []
            if len(hits) == limit or number == len(candidates) - 1:
                is_last = number == len(ranked) - 1 and len(ranked) < MAX_VERIFIED
                return _by_score(hits), "" if is_last else _cursor(scores[index_hit.paper_id], index_hit)
        return _by_score(hits), ""

    def _position(self) -> tuple[int, int, int] | None:
        match = _CURSOR.fullmatch(self._plan.request.cursor)
        return (int(match[1]), int(match[2]), int(match[3])) if match else None

    def _verify(self, index_hits: Sequence[IndexHit], size: int = 0) -> Iterator[tuple[IndexHit, SearchHit | None]]:
        """Each paper with its hit, None where the matcher refuses it; papers are read `size` at a time."""
        size = size or len(index_hits)
        for start in range(0, len(index_hits), size or 1):
            part = index_hits[start : start + size]
            papers = store.stored_papers(self._session, [hit.paper_id for hit in part])
            for index_hit in part:
                self._verified += 1
                stored_paper = papers.get(index_hit.paper_id)
                yield index_hit, self._hit(stored_paper, index_hit.day) if stored_paper else None

    def _hit(self, stored_paper: store.StoredPaper, day: int) -> SearchHit | None:
        if not _has_authors(stored_paper.record, self._plan.required_authors):
            return None
        document = prepare_document(
            Candidate(stored_paper.id, stored_paper.record, day, people=self._plan.authors.authors_of(stored_paper.id))
        )
        finding = self._cache.evaluate(self._plan.parsed, document, self._plan.weights)
        if finding is None:
            return None
        strict = bool(finding.strict_positions)
        if not strict and not (self._plan.query.plain and _has_all_words(self._plan.query, document)):
            return None
        shown_day = date.fromordinal(day) if day else None
        return SearchHit(
            paper_presenters.present_row(stored_paper.id, stored_paper.record), strict, finding.score, shown_day
        )


def _required_authors(node: Node) -> tuple[str, ...]:
    """The names that each paper found has among its authors."""
    match node:
        case Term(text, "au") if author_id_key(text) is None:
            return (text,)
        case And(parts):
            return tuple(name for part in parts for name in _required_authors(part))
        case AndNot(keep):
            return _required_authors(keep)
    return ()


def _has_authors(record: Record, names: Sequence[str]) -> bool:
    """True where authors may have these names: the index knows initials alone, and to read the words takes longer."""
    if not names:
        return True
    document = prepare_document(Candidate(0, Record(record.title[:1], "", authors=record.authors), 0))
    return all(has_author(name, document) for name in names)


def _has_all_words(query: Query, document: Document) -> bool:
    """True where title and abstract have all words with weight, in any order."""
    return all(
        document.title.has_prefix(word.text) or document.abstract.has_prefix(word.text)
        if word.prefix
        else word.text in document.tf
        for term in positive_terms(query.root)
        for word in phrase_words(term)
        if word.is_weighted
    )


def _by_score(hits: list[SearchHit]) -> list[SearchHit]:
    return sorted(hits, key=lambda hit: -hit.score)


def _cursor(score: int, hit: IndexHit) -> str:
    return f"{score}.{hit.day}.{hit.paper_id}"


def _period_starts() -> list[int]:
    today = clock.now().astimezone(clock.ARXIV_ZONE).date()
    return [(today - timedelta(days=days)).toordinal() for days in PERIODS]


def _page_of(session: Session, paper_ids: Sequence[int]) -> SearchPage:
    """The page of papers that were named by their identifiers."""
    papers = store.stored_papers(session, paper_ids)
    hits = [
        SearchHit(
            paper_presenters.present_row(paper_id, papers[paper_id].record),
            strict=True,
            score=0,
            day=date.fromordinal(announced) if (announced := papers[paper_id].announcement_id) else None,
        )
        for paper_id in paper_ids
        if paper_id in papers
    ]
    return SearchPage(tuple(hits), len(hits))
