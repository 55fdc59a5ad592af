"""Choosing by the reference matcher: for few papers, since it is ready at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlmodel import Session

from digest.compose.edition import RISING, Content
from digest.db.core.engine import engine
from digest.db.papers import papers as store
from digest.matching.profile import Candidate, Profile
from digest.matching.query.language import parse
from digest.matching.reference import reference_matcher
from digest.matching.reference.thresholds import close_threshold
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import Document, in_category, node_holds, prepare_document
from digest.services.catalog.announcements import AnnouncedPaper, AnnouncementDay
from digest.services.selection import candidate_papers, entry_building
from digest.services.selection.candidate_papers import CandidatePool
from digest.services.selection.engine_need import REFERENCE_PAPERS
from digest.services.selection.entry_building import MAX_RISING, SelectionRequest

_KEPT = REFERENCE_PAPERS
_prepared: WeakKeyDictionary[Engine, OrderedDict[tuple[int, int], Document]] = WeakKeyDictionary()


def choose(session: Session, pool: CandidatePool, requests: Sequence[SelectionRequest]) -> list[Content]:
    """The edition of each reader."""
    documents = _documents(session, pool, min(one.seen_through for one in requests))
    return [_choose(pool, documents, one) for one in requests]


def thresholds(
    session: Session, days: Sequence[AnnouncementDay], weights: Weights, profiles: Sequence[Profile]
) -> list[int | None]:
    """τ of each profile, from these announcements."""
    documents = _announced(session, days)
    return [close_threshold(profile, documents, weights) for profile in profiles]


def _announced(session: Session, days: Sequence[AnnouncementDay]) -> list[Document]:
    papers = candidate_papers.all_announced(days, max((day.newest_batch for day in days), default=0))
    return _prepare(session, papers, {paper.id: day.number for day in days for paper in day.papers}, {})


def admits(profile: Profile, document: Document) -> bool:
    """True where the profile's categories and exclusions leave the paper in."""
    categories = document.categories[: 1 if profile.primary_only else None]
    if profile.categories and not any(in_category(wanted.lower(), categories) for wanted in profile.categories):
        return False
    return not any(node_holds(parse(text).root, document) for text in profile.exclusions)


def _choose(known: CandidatePool, documents: Sequence[Document], asked: SelectionRequest) -> Content:
    fresh = [d for d in documents if known.papers[d.candidate.id].batch > asked.seen_through]
    if not asked.has_topics:
        return _without_topics(known, documents, fresh, asked)
    found = reference_matcher.match_lazily(
        asked.profile, fresh, known.weights, tau=asked.tau, sent=frozenset(asked.sent)
    )
    new = [entry_building.new_entry(known, match) for match in found.within_limits()]
    taken = frozenset(asked.sent).union(entry.paper for entry in new)
    place = {number: at for at, number in enumerate(known.rising)}
    rising = [d for d in documents if d.candidate.id in place] if asked.rising else []
    strong = reference_matcher.match_all(asked.profile, rising, known.weights, tau=asked.tau, sent=taken)
    strong.sort(key=lambda match: place[match.paper])
    told = new + [entry_building.entry_of_match(known, match, RISING) for match in strong[:MAX_RISING]]
    return Content(entries=tuple(told), considered=len(fresh), more=len(found) - len(new), notice=asked.notice)


def _without_topics(
    known: CandidatePool, documents: Sequence[Document], fresh: Sequence[Document], asked: SelectionRequest
) -> Content:
    found = reference_matcher.match_lazily(asked.profile, fresh, known.weights, tau=None, sent=frozenset(asked.sent))
    followed = [match for match in found if match.followed]
    taken = frozenset(asked.sent).union(match.paper for match in followed)
    allowed = {d.candidate.id for d in documents if d.candidate.id not in taken and admits(asked.profile, d)}
    trending = [number for number in known.rising if number in allowed]
    new = sorted((d for d in fresh if d.candidate.id in allowed), key=_content_order)
    return entry_building.without_topics(known, asked, followed, trending, [d.candidate.id for d in new], len(fresh))


def _content_order(document: Document) -> tuple[int, float, int, int]:
    """The order of papers that no topic was asked for."""
    candidate = document.candidate
    record = candidate.record
    percentile, prior = entry_building.content_order(
        candidate.trending,
        record.has_code or record.code_url is not None,
        any(text.tokens for text in document.institutions),
        len(document.authors),
    )
    return percentile, prior, -candidate.announcement, candidate.id


def _documents(session: Session, known: CandidatePool, seen: int) -> list[Document]:
    """The papers that are new to who has seen so much, and those that rise: all that can be chosen."""
    percentiles = {number: trend.percentile for number, trend in known.trends.items()}
    rising = frozenset(known.rising)
    papers = {n: paper for n, paper in known.papers.items() if paper.batch > seen or n in rising}
    return _prepare(session, papers, known.announcement, percentiles)


def _prepare(
    session: Session,
    papers: Mapping[int, AnnouncedPaper],
    announcement: Mapping[int, int],
    percentiles: Mapping[int, int],
) -> list[Document]:
    """The papers prepared for matching; those that others asked for are kept."""
    kept = _prepared.setdefault(engine(), OrderedDict())
    missing = [(n, p.revision) for n, p in papers.items() if (n, p.revision) not in kept]
    for key, record in store.versions(session, missing).items():
        kept[key] = prepare_document(Candidate(key[0], record, announcement[key[0]]))
    found = [_ranked(kept[n, p.revision], announcement[n], percentiles.get(n, 0)) for n, p in papers.items()]
    while len(kept) > _KEPT:
        kept.popitem(last=False)
    return found


def _ranked(document: Document, announcement: int, percentile: int) -> Document:
    """The document with this run's trending percentile."""
    candidate = document.candidate
    if (candidate.trending, candidate.announcement) == (percentile, announcement):
        return document
    return replace(document, candidate=replace(candidate, trending=percentile, announcement=announcement))
