"""Selection by the reference matcher, for few papers: it needs no compilation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlmodel import Session

from digest.caching import exempt_objects_from_gc
from digest.compose.edition import RISING, Content, Entry, StoredContent
from digest.db.core.engine import engine
from digest.db.papers import papers as store
from digest.matching.profile import Candidate, Profile
from digest.matching.query.language import parse, people_of
from digest.matching.reference import reference_matcher
from digest.matching.reference.close_threshold import close_threshold
from digest.matching.reference.reference_matcher import FindingCache, LazyMatches
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import Document, in_category, node_matches, prepare_document
from digest.matching.scoring.topic_context import NO_CONTEXTS, TopicContext
from digest.papers.subjects import with_equivalents
from digest.services.catalog import followed_people, novelty_and_score
from digest.services.catalog.announcements import AnnouncedPaper, AnnouncementDay
from digest.services.catalog.context_lookup import topics_of
from digest.services.selection import candidate_papers, edition_sections
from digest.services.selection.backend import ProfileCache
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.edition_sections import MAX_RISING, SelectionRequest
from digest.services.selection.engine_need import REFERENCE_DOCUMENTS
from digest.services.selection.source_language_choice import EVERYTHING, PaperChoice, choice_of, is_admitted

_MANY = 1_000  # papers that are prepared at once
_MAX_PREPARED = 2 * REFERENCE_DOCUMENTS  # papers that are kept, of 10 KB each: most of those of a large preview
_Key = tuple[int, int]  # id and revision of a paper


@dataclass(slots=True)
class _PreparedDocuments:
    """Prepared papers. One that was not used since the announcement before the newest is dropped.

    `recent`: used since `announcement`, the newest so far; `earlier`: used last while the one before it was the newest.
    """

    announcement: int = 0
    recent: dict[_Key, Document] = field(default_factory=dict)
    earlier: dict[_Key, Document] = field(default_factory=dict)

    def begin_announcement(self, announcement: int) -> None:
        """Drop what was not used lately, where this is a new announcement."""
        if announcement > self.announcement:
            self.announcement, self.earlier, self.recent = announcement, self.recent, {}

    def get(self, key: _Key) -> Document | None:
        """The paper in that revision, if it is prepared."""
        document = self.recent.get(key) or self.earlier.pop(key, None)
        if document is not None:
            self.recent[key] = document
        return document

    def limit(self, documents: int) -> None:
        """Drop papers above that number, those of the announcement before first."""
        if len(self.recent) + len(self.earlier) > documents:
            self.earlier = {}
        if len(self.recent) > documents:
            self.recent = dict(list(self.recent.items())[-documents:])


_prepared: WeakKeyDictionary[Engine, _PreparedDocuments] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class ReferenceBackend:
    """The back end for few papers, ready at once."""

    def choose(self, session: Session, pool: CandidatePool, requests: Sequence[SelectionRequest]) -> list[Content]:
        """The edition of each request."""
        people = frozenset().union(*(people_of(request.profile) for request in requests))
        documents = _documents(session, pool, min(request.seen_through for request in requests), people)
        topics = topics_of(request.profile for request in requests if request.has_contexts)
        contexts = pool.contexts.by_stem(pool.contexts.known(session, topics))
        return [
            choose_content(pool, documents, request, None, contexts if request.has_contexts else NO_CONTEXTS)
            for request in requests
        ]

    def choose_stored(
        self,
        session: Session,
        pool: CandidatePool,
        requests: Sequence[SelectionRequest],
        cache: ProfileCache | None = None,
    ) -> Iterator[StoredContent]:
        """The edition of each request as it is stored, with the measured signals of its papers."""
        contents = novelty_and_score.contents_with_signals(session, self.choose(session, pool, requests))
        return map(StoredContent.from_content, contents)

    def thresholds(
        self,
        session: Session,
        days: Sequence[AnnouncementDay],
        weights: Weights,
        profiles: Mapping[int, Profile],
        cache: ProfileCache | None = None,
    ) -> list[int | None]:
        """τ of each profile, in their order, from these announcements; None where they are too few."""
        people = frozenset().union(*map(people_of, profiles.values()))
        papers = candidate_papers.all_announced(days, max((day.newest_batch for day in days), default=0))
        announcement_of = {paper.id: day.announcement_id for day in days for paper in day.papers}
        documents = with_people(session, prepare_documents(session, papers, announcement_of, {}), people)
        return [
            close_threshold(
                profile,
                documents,
                weights,
                allowed=_admitted(choice_of(profile), papers, documents),
            )
            for profile in profiles.values()
        ]


def allows_paper(profile: Profile, document: Document) -> bool:
    """True where the paper passes the profile's categories and exclusions."""
    categories = document.categories[: 1 if profile.primary_only else None]
    chosen_categories = with_equivalents(profile.categories)
    if chosen_categories and not any(in_category(category.lower(), categories) for category in chosen_categories):
        return False
    return not any(node_matches(parse(text).root, document) for text in profile.exclusions)


def choose_content(
    pool: CandidatePool,
    documents: Sequence[Document],
    request: SelectionRequest,
    cache: FindingCache | None,
    contexts: Mapping[str, TopicContext] = NO_CONTEXTS,
) -> Content:
    """The edition of a request from the documents of a pool's papers, or of those that may match.

    A `cache` has its own contexts.
    """
    documents = _admitted(choice_of(request.profile), pool.papers, documents)
    new_documents = [
        document for document in documents if pool.papers[document.candidate.id].batch > request.seen_through
    ]
    if not request.has_topics:
        return _without_topics(pool, documents, new_documents, request, cache)
    matches = reference_matcher.match_lazily(
        request.profile,
        new_documents,
        pool.weights,
        tau=request.tau,
        sent=frozenset(request.sent),
        contexts=contexts,
        cache=cache,
    )
    content = content_of_matches(pool, matches, request, len(new_documents))
    if not request.rising:
        return content
    already_sent = frozenset(request.sent).union(entry.paper for entry in content.entries)
    return replace(content, entries=(*content.entries, *_rising_entries(pool, documents, request, already_sent)))


def content_of_matches(
    pool: CandidatePool, matches: LazyMatches, request: SelectionRequest, considered: int
) -> Content:
    """The edition of a request without what rises, from all its matches. `considered`: as in `Content`."""
    entries = tuple([edition_sections.new_entry(pool, match) for match in matches.within_limits()])
    return Content(
        entries=entries,
        considered=considered,
        more=len(matches) - len(entries),
        notice=request.notice,
        days_back=request.days_back,
    )


def _admitted(
    choice: PaperChoice, papers: Mapping[int, AnnouncedPaper], documents: Sequence[Document]
) -> Sequence[Document]:
    """The documents that a subscriber's choice of outlets and languages admits."""
    if choice == EVERYTHING:
        return documents
    return [document for document in documents if is_admitted(choice, papers[document.candidate.id])]


def _rising_entries(
    pool: CandidatePool,
    documents: Sequence[Document],
    request: SelectionRequest,
    already_sent: frozenset[int],
) -> list[Entry]:
    """The rising papers of followed authors, and those that match a topic as written, the strongest first."""
    rising_rank = {paper_id: rank for rank, paper_id in enumerate(pool.rising)}
    rising_documents = [document for document in documents if document.candidate.id in rising_rank]
    profile = replace(request.profile, close=False)
    rising_matches = reference_matcher.match_all(profile, rising_documents, pool.weights, tau=None, sent=already_sent)
    rising_matches.sort(key=lambda match: rising_rank[match.paper])
    return [edition_sections.entry_of_match(pool, match, RISING) for match in rising_matches[:MAX_RISING]]


def _without_topics(
    pool: CandidatePool,
    documents: Sequence[Document],
    new_documents: Sequence[Document],
    request: SelectionRequest,
    cache: FindingCache | None,
) -> Content:
    matches = reference_matcher.match_lazily(
        request.profile, new_documents, pool.weights, tau=None, sent=frozenset(request.sent), cache=cache
    )
    followed = [match for match in matches if match.followed]
    already_sent = frozenset(request.sent).union(match.paper for match in followed)
    allowed_ids = {
        document.candidate.id
        for document in documents
        if document.candidate.id not in already_sent and allows_paper(request.profile, document)
    }
    trending = [paper_id for paper_id in pool.rising if paper_id in allowed_ids]
    new_papers = sorted(
        (document for document in new_documents if document.candidate.id in allowed_ids), key=_content_order
    )
    return edition_sections.content_without_topics(
        pool, request, followed, trending, [document.candidate.id for document in new_papers], len(new_documents)
    )


def _content_order(document: Document) -> tuple[int, float, int, int]:
    """The sort key for profiles without topics."""
    candidate, record = document.candidate, document.candidate.record
    percentile, prior = edition_sections.content_order(
        candidate.trending,
        record.has_code or record.code_url is not None,
        any(text.tokens for text in document.institutions),
        len(document.authors),
    )
    return percentile, prior, -candidate.announcement, candidate.id


def _documents(session: Session, pool: CandidatePool, seen_through: int, people: Collection[str]) -> list[Document]:
    """The papers of batches after `seen_through`, and the rising ones: all that can be selected."""
    percentiles = {number: trend.percentile for number, trend in pool.trends.items()}
    rising = frozenset(pool.rising)
    papers = {
        paper_id: paper for paper_id, paper in pool.papers.items() if paper.batch > seen_through or paper_id in rising
    }
    return with_people(session, prepare_documents(session, papers, pool.announcement_of, percentiles), people)


def with_people(session: Session, documents: list[Document], people: Collection[str]) -> list[Document]:
    """The documents, each with those of the people (`people_of`) whose paper it is."""
    oldest_paper = min((document.candidate.id for document in documents), default=0)
    people_by_paper: dict[int, set[str]] = {}
    for person, paper_ids in followed_people.papers_of(session, people, oldest_paper).items():
        for paper_id in paper_ids:
            people_by_paper.setdefault(paper_id, set()).add(person)
    if not people_by_paper:
        return documents
    return [
        replace(document, candidate=replace(document.candidate, people=frozenset(own_people)))
        if (own_people := people_by_paper.get(document.candidate.id))
        else document
        for document in documents
    ]


def prepare_documents(
    session: Session,
    papers: Mapping[int, AnnouncedPaper],
    announcement: Mapping[int, int],
    percentiles: Mapping[int, int],
) -> list[Document]:
    """The papers prepared for matching; prepared papers are cached."""
    cached = _prepared.setdefault(engine(), _PreparedDocuments())
    cached.begin_announcement(max((announcement[paper_id] for paper_id in papers), default=0))
    keys = [(paper_id, paper.revision) for paper_id, paper in papers.items()]
    prepared = {key: document for key in keys if (document := cached.get(key)) is not None}
    missing = [key for key in keys if key not in prepared]
    for key, paper_record in store.versions(session, missing).items():
        document = prepare_document(Candidate(key[0], paper_record, announcement[key[0]]))
        prepared[key] = cached.recent[key] = document
    if len(missing) >= _MANY:
        exempt_objects_from_gc()
    cached.limit(_MAX_PREPARED)
    return [_with_trending(prepared[key], announcement[key[0]], percentiles.get(key[0], 0)) for key in keys]


def _with_trending(document: Document, announcement: int, percentile: int) -> Document:
    """The document with this run's trending percentile."""
    candidate = document.candidate
    if (candidate.trending, candidate.announcement) == (percentile, announcement):
        return document
    return replace(document, candidate=replace(candidate, trending=percentile, announcement=announcement))
