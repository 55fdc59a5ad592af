"""Posting lists of announcements: built once, kept in files that every process maps, for previews and word counts.

A file's name identifies its papers and their revisions, so it is never outdated; a missing one is built again.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator

from sqlmodel import Session

from digest import logs
from digest.caching import BoundedCache
from digest.db.papers import papers as store
from digest.errors import BadInput
from digest.matching.profile import Candidate, Counts
from digest.matching.reference.posting_lists import MAX_PAPERS, PostingLists, build_posting_lists, read_posting_lists
from digest.matching.scoring.boolean_match import Document, prepare_document
from digest.matching.source_version import source_version
from digest.services.catalog import index_files
from digest.services.catalog.announcements import AnnouncedPaper, AnnouncementDay

log = logs.get(__name__)

_MAX_DAYS = 80  # up to 60 announcements to preview, 14 to set thresholds by, and a few others
_PAPERS_PER_READ = 500
_SOURCES = (  # what decides the content of a file
    "digest.text",
    "digest.matching.reference.posting_lists",
    *(f"digest.matching.scoring.{module}" for module in ("boolean_match", "index_terms", "parameters")),
    *("digest.papers.subjects", "digest.papers.arxiv_categories"),  # which categories include others
)
_open_days: BoundedCache[PostingLists] = BoundedCache(
    max_entries=_MAX_DAYS, max_bytes=1 << 30, size_of=lambda lists: len(lists.term_text)
)


def postings_of_day(session: Session, day: AnnouncementDay) -> PostingLists:
    """The posting lists of an announcement, read from its file or built. At most 65,536 papers."""
    return _postings_of_part(session, day, str(day.announcement_id))


def _postings_of_part(session: Session, day: AnnouncementDay, subject: str) -> PostingLists:
    name = f"{subject}-{day.fingerprint}-{source_version(*_SOURCES)[:8]}.postings"
    return _open_days.get(str(index_files.folder() / name), lambda: _read(name) or _build(session, day, name))


def count_words(session: Session, days: Iterable[AnnouncementDay]) -> Counts:
    """The same counts as `word_counts.count` for the papers of these announcements, however many they are."""
    df: dict[str, int] = {}
    papers = tokens = announcements = 0
    for day in days:
        announcements += 1
        for lists in _parts(session, day):
            for stem, count in lists.stem_counts().items():
                df[stem] = df.get(stem, 0) + count
            papers, tokens = papers + lists.paper_count, tokens + sum(lists.lengths)
    return Counts(papers, tokens / papers if papers else 0.0, df, announcements)


def _parts(session: Session, day: AnnouncementDay) -> Iterator[PostingLists]:
    """The posting lists of an announcement, in parts where it has more papers than they can number."""
    if len(day.papers) <= MAX_PAPERS:
        yield postings_of_day(session, day)
        return
    for start in range(0, len(day.papers), MAX_PAPERS):
        part = AnnouncementDay(day.announcement_id, day.papers[start : start + MAX_PAPERS])
        yield _postings_of_part(session, part, f"{day.announcement_id}.{start // MAX_PAPERS}")


def _build(session: Session, day: AnnouncementDay, name: str) -> PostingLists:
    content = build_posting_lists(_documents(session, day.papers))
    index_files.write(name, content, states=1, max_files=_MAX_DAYS)
    return _read(name) or read_posting_lists(content)


def _documents(session: Session, papers: tuple[AnnouncedPaper, ...]) -> Iterator[tuple[int, Document]]:
    for start in range(0, len(papers), _PAPERS_PER_READ):
        part = papers[start : start + _PAPERS_PER_READ]
        records = store.versions(session, [(paper.id, paper.revision) for paper in part])
        for paper in part:
            record = records[paper.id, paper.revision]
            yield paper.id, prepare_document(Candidate(paper.id, record, 0))


def _read(name: str) -> PostingLists | None:
    """The posting lists in a file; None where it is missing, truncated or of another format."""
    try:
        with (index_files.folder() / name).open("rb") as file:
            return read_posting_lists(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, BadInput) as error:
        log.warning("index_rebuilt", file=name, reason=str(error))
        return None
