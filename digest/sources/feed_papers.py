"""Turns a feed's entries into papers; what is no paper is left out with its reason. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from digest import papers
from digest.papers import Record, RejectedItem
from digest.papers.identity import fold_title
from digest.sources.feed_abstracts import best_abstract, is_complete
from digest.sources.feed_authors import title_and_authors, without_leading_names
from digest.sources.feed_dates import entry_day
from digest.sources.feed_document import FeedDocument, FeedEntry
from digest.sources.feed_identity import arxiv_id_of, clean_link, doi_of, entry_key, title_digest
from digest.sources.feed_non_papers import reason_to_leave_out
from digest.sources.record_limits import require_within_limits
from digest.text.markup import text_of_markup

MAX_LEFT_OUT = 500  # of those listed
_HAL = re.compile(r"^\[hal-\d{5,10}(?:v\d+)?\]\s*", re.IGNORECASE)
_SECTIONS = (  # in brackets before or after a title
    "articles?|asap|brief communications?|case reports?|clinical picture|comment|correspondence|corrections?"
    "|department of error|editorials?|health policy|letters?|news|obituary|original articles?|perspectives?"
    "|personal view|research articles?|reviews?|review articles?|seminar|series|viewpoint|world report"
)
_BEFORE_TITLE = re.compile(
    rf"^(?:\[(?:{_SECTIONS})\]\s+(?=\S)|[^:,]{{2,80}}, Vol\. \d{{1,4}}, Pages? [\w–-]{{1,20}}: )", re.IGNORECASE
)
_AFTER_TITLE = re.compile(
    rf"\s+\[(?:{_SECTIONS}|version \d{{1,2}}; [^\[\]]{{3,150}})\]$", re.IGNORECASE
)  # HighWire, F1000
_SECTION = re.compile(rf"^\[({_SECTIONS})\]\s|\s\[({_SECTIONS})\]$", re.IGNORECASE)
_MAX_TITLE_MARKUP = 20_000


@dataclass(frozen=True, slots=True)
class FeedPaper:
    """A paper of a feed. `key`: the same at each fetch; `text_key`: of title, authors and date.

    `has_identifier`: the key is a DOI's or an arXiv id's; `abstract_from`: where the abstract comes from, '' for none.
    """

    record: Record
    key: str
    text_key: str
    has_identifier: bool
    abstract_from: str = ""

    @property
    def needs_abstract(self) -> bool:
        """True where the abstract is missing or only a lead, and the DOI tells where to ask for it."""
        return self.record.doi is not None and not is_complete(self.record.abstract)


@dataclass(frozen=True, slots=True)
class LeftOutEntry:
    """An entry that is no paper (`is_fault` False), or that could not be used (`is_fault` True), with the reason.

    `key`: the same at each fetch.
    """

    position: int
    title: str
    reason: str
    key: str
    is_fault: bool = False


@dataclass(frozen=True, slots=True)
class FeedReading:
    """The papers of a feed in its order, each once, and the entries left out."""

    title: str
    papers: tuple[FeedPaper, ...]
    left_out: tuple[LeftOutEntry, ...]
    is_cut: bool = False


def read_papers(document: FeedDocument, today: date) -> FeedReading:
    """The papers of a feed. `today`: later dates are not believed."""
    shared_links = _shared_links(document.entries)
    results = _read_entries(document.entries, shared_links, frozenset(), today)
    if shared_dois := _shared_dois(results):
        results = _read_entries(document.entries, shared_links, shared_dois, today)
    by_key: dict[str, FeedPaper] = {}
    left_out: list[LeftOutEntry] = []
    for position, result in enumerate(results, start=1):
        if isinstance(result, LeftOutEntry):
            left_out.append(result)
        elif (first := by_key.get(result.key)) is not None:
            by_key[result.key] = _richer(first, result)
            if fold_title(first.record.title) != fold_title(result.record.title):
                left_out.append(_same_paper(position, result, first))
        else:
            by_key[result.key] = result
    return FeedReading(document.title, tuple(by_key.values()), tuple(left_out[:MAX_LEFT_OUT]), document.is_cut)


def _read_entries(
    entries: Sequence[FeedEntry | RejectedItem], shared_links: frozenset[str], shared_dois: frozenset[str], today: date
) -> list[FeedPaper | LeftOutEntry]:
    return [
        _paper_or_fault(position, entry, shared_links, shared_dois, today)
        for position, entry in enumerate(entries, start=1)
    ]


def _same_paper(position: int, paper: FeedPaper, first: FeedPaper) -> LeftOutEntry:
    identifier = first.record.doi or first.record.arxiv_id or "link"
    reason = f"has the {identifier} of another entry: {first.record.title[:100]}"
    return LeftOutEntry(position, paper.record.title[:200], reason, title_digest(paper.record.title, (paper.key,)))


def _shared_dois(results: Iterable[FeedPaper | LeftOutEntry]) -> frozenset[str]:
    """DOIs, such as the journal's own, that three entries of different titles have: they identify none of them."""
    titles = {
        (paper.record.doi, fold_title(paper.record.title))
        for paper in results
        if isinstance(paper, FeedPaper) and paper.record.doi
    }
    return frozenset(doi for doi, count in Counter(doi for doi, _ in titles).items() if doi and count > 2)


def _paper_or_fault(
    position: int,
    entry: FeedEntry | RejectedItem,
    shared_links: frozenset[str],
    shared_dois: frozenset[str],
    today: date,
) -> FeedPaper | LeftOutEntry:
    if isinstance(entry, RejectedItem):
        return LeftOutEntry(position, entry.excerpt, entry.reason, title_digest(entry.excerpt, ()), is_fault=True)
    title = _title(entry)
    try:
        paper = _paper(entry, title, shared_links, shared_dois, today)
    except (ValueError, ArithmeticError, LookupError, TypeError) as error:
        key = title_digest(f"{entry.title}{entry.id}", entry.links)
        excerpt = title or text_of_markup(next(iter(entry.summaries), "")[:1000]) or entry.id
        return LeftOutEntry(position, excerpt[:200], str(error), key, is_fault=True)
    is_bare = not paper.record.authors and not paper.record.abstract
    reason = reason_to_leave_out(paper.record.title, _kinds(entry), paper.record.doi, is_bare=is_bare)
    if reason is None and entry.is_recording and not paper.has_identifier:
        reason = "recording"
    return LeftOutEntry(position, paper.record.title[:200], reason, paper.key) if reason else paper


def _richer(first: FeedPaper, second: FeedPaper) -> FeedPaper:
    return second if len(second.record.abstract) > len(first.record.abstract) else first


def _shared_links(entries: Sequence[FeedEntry | RejectedItem]) -> frozenset[str]:
    """Links that several entries of different titles have, which therefore identify none of them."""
    titles = {(clean_link(e.links[0]), e.title) for e in entries if not isinstance(e, RejectedItem) and e.links}
    return frozenset(link for link, count in Counter(link for link, _ in titles).items() if count > 1)


def _paper(
    entry: FeedEntry, title: str, shared_links: frozenset[str], shared_dois: frozenset[str], today: date
) -> FeedPaper:
    """Convert one entry. Raises ValueError naming what is missing."""
    if not title:
        raise ValueError("no title")
    if not fold_title(title):
        raise ValueError("the title has no letter")
    doi, arxiv = doi_of(entry), arxiv_id_of(entry)
    doi = None if doi in shared_dois else doi
    link = clean_link(entry.links[0]) if entry.links else ""
    own_link = "" if link in shared_links else link
    abstract = best_abstract(entry.summaries, title)
    title, authors = title_and_authors(entry, title)
    abstract = without_leading_names(abstract, authors.names)
    journal = text_of_markup(next(iter(entry.values.get("publicationname", ())), "")[:1000])
    record = Record(
        title=title,
        abstract=abstract,
        authors=authors.names,
        authors_complete=authors.complete,
        arxiv_id=arxiv[0] if arxiv else None,
        version=arxiv[1] if arxiv else 1,
        doi=doi,
        venue=journal[:300] if journal and fold_title(journal) != fold_title(title) else None,
        code_url=papers.code_address(abstract),
        published=entry_day(entry, today),
        withdrawn=papers.is_withdrawn(None, abstract),
        url=_secure(own_link) if own_link and not (doi or arxiv) else None,
    )
    key = entry_key(doi, record.arxiv_id, own_link, entry.id, title)
    return FeedPaper(
        require_within_limits(record),
        key,
        title_digest(title, record.authors, record.published),
        has_identifier=bool(doi or arxiv),
        abstract_from="feed" if abstract else "",
    )


def _secure(link: str) -> str:
    """The page by TLS, which nearly all publishers speak, because mails link nothing else."""
    return f"https://{link.removeprefix('http://')}" if link.startswith("http://") else link


def _title(entry: FeedEntry) -> str:
    title = _HAL.sub("", text_of_markup(entry.title[:_MAX_TITLE_MARKUP]))
    return _AFTER_TITLE.sub("", _BEFORE_TITLE.sub("", title)) or title


def _kinds(entry: FeedEntry) -> tuple[str, ...]:
    """The publisher's names for the kind of the entry."""
    values = [text for name in ("section", "type", "articletype", "category") for text in entry.values.get(name, ())]
    section = _SECTION.search(text_of_markup(entry.title[:_MAX_TITLE_MARKUP]))
    return (*values, *entry.tags, *([section[1] or section[2]] if section else []))
