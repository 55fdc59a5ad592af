"""Quality figures: novelty is measured once after a paper is announced; the score is computed when it is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from digest import clock, logs
from digest.compose.edition import NOVELTY, Content, Entry
from digest.db.core.engine import reading, transaction
from digest.db.papers import papers
from digest.db.papers import quality_figures as store
from digest.db.papers.quality_figures import MeasuredNovelty
from digest.db.runs import runs
from digest.matching.profile import Candidate
from digest.matching.scoring.bm25 import Weights
from digest.matching.scoring.boolean_match import Document, prepare_document
from digest.matching.scoring.novelty import COMPARED_DAYS, FieldIndex, Quality, author_record, novelty, quality
from digest.papers import Record
from digest.services.catalog import epochs
from digest.services.catalog.trending_list import RECENT_ANNOUNCEMENTS
from digest.services.catalog.trending_ranks import Trend
from digest.sources import registry

PaperSignals = tuple[tuple[str, float], ...]  # signals of a paper as in an edition's entry
NoveltyLookup = Callable[[Sequence[int]], Mapping[int, PaperSignals]]

log = logs.get(__name__)

MAX_COMPARED = 4000  # the newest papers of a field
_MIN_COMPARED = 20  # earlier papers that a measurement needs
_MIN_STEMS = 15  # of a paper; a title alone is too short


@dataclass(frozen=True, slots=True)
class MeasuringResult:
    """How many papers were measured. `is_incomplete`: the time limit came first."""

    papers: int = 0
    is_incomplete: bool = False


@dataclass(frozen=True, slots=True)
class PaperFigures:
    """A paper's known figures. `nearest_id`: the nearest earlier paper, which its novelty is measured from."""

    novelty: int | None = None
    nearest_id: int | None = None
    quality: Quality | None = None


def measure_novelty(*, seconds: float | None = None) -> MeasuringResult:
    """Measure the novelty of recent papers without one, field by field, for about `seconds`.

    The cost of an announcement is bounded: a field's newest 4,000 papers are read once. Idempotent: a paper keeps its
    novelty, so that mails and pages show the same.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    with reading() as session:
        current = papers.current_announcement(session, clock.now().astimezone(clock.ARXIV_ZONE).date())
        unmeasured = (
            set(
                store.papers_without_novelty(
                    session, papers.announcement_window(session, current, RECENT_ANNOUNCEMENTS)
                )
            )
            if current
            else set()
        )
        if not current or not unmeasured:
            return MeasuringResult()
        fields = store.papers_by_field(session, current - COMPARED_DAYS, current)
        weights = epochs.weights(runs.newest_epoch(session))
    measured = 0
    for paper_ids in fields.values():
        unmeasured_of_field = unmeasured.intersection(paper_ids)
        if unmeasured_of_field and deadline is not None and measured and time.monotonic() > deadline:
            return MeasuringResult(measured, is_incomplete=True)
        measured += _measure_field(paper_ids, unmeasured_of_field, weights) if unmeasured_of_field else 0
    log.info("novelty_measured", papers=measured)
    return MeasuringResult(measured)


def _measure_field(paper_ids: Sequence[int], unmeasured: set[int], weights: Weights) -> int:
    """Measure the unmeasured papers of a field, given all its papers in the order of announcement."""
    first_unmeasured = next(position for position, paper_id in enumerate(paper_ids) if paper_id in unmeasured)
    compared_ids = paper_ids[max(0, first_unmeasured - MAX_COMPARED) :]
    with reading() as session:
        field = FieldIndex(_documents(session, compared_ids), weights)
        positions = {paper_id: position for position, paper_id in enumerate(compared_ids) if paper_id in unmeasured}
        documents = _documents(session, list(positions))
        novelty_by_id = {d.candidate.id: _measure_paper(d, field, positions[d.candidate.id]) for d in documents}
    with transaction() as session:
        return store.store_novelty(session, novelty_by_id, clock.now())


def _documents(session: Session, paper_ids: Sequence[int]) -> Iterator[Document]:
    """Prepare papers one by one, because a whole field would need too much memory."""
    for paper_id, title, abstract in store.paper_texts(session, paper_ids):
        yield prepare_document(Candidate(paper_id, Record(title, abstract), 0))


def _measure_paper(document: Document, field: FieldIndex, earlier_count: int) -> MeasuredNovelty:
    if earlier_count < _MIN_COMPARED or len(document.tf) < _MIN_STEMS:
        return MeasuredNovelty(None, None)
    nearest = field.nearest(document)
    return MeasuredNovelty(novelty(nearest.likeness), nearest.paper)


def figures_of(session: Session, records: Mapping[int, Record], trends: Mapping[int, Trend]) -> dict[int, PaperFigures]:
    """The figures of these papers, read in a few queries."""
    novelty_by_id = store.novelties(session, records)
    names = {name for record in records.values() for name in record.authors}
    figures_by_author = store.author_figures(session, names, registry.fallback_figures())
    figures_by_id = {}
    for paper_id, record in records.items():
        novelty_of_paper = novelty_by_id.get(paper_id, MeasuredNovelty(None, None))
        h_indexes = [
            figures_by_author[name]["h_index"]
            for name in record.authors
            if "h_index" in figures_by_author.get(name, {})
        ]
        score = quality(
            trending=trends[paper_id].percentile if paper_id in trends else None,
            novelty=novelty_of_paper.value,
            author=author_record(max(h_indexes)) if h_indexes else None,
        )
        figures_by_id[paper_id] = PaperFigures(novelty_of_paper.value, novelty_of_paper.nearest_id, score)
    return figures_by_id


def novelty_signals(session: Session, paper_ids: Sequence[int]) -> dict[int, PaperSignals]:
    """The novelty of these papers as signals, which editions store so that they always show the same."""
    return {
        paper_id: ((NOVELTY, float(novelty_of_paper.value or 0)),)
        for paper_id, novelty_of_paper in store.novelties(session, paper_ids).items()
    }


def contents_with_signals(session: Session, contents: Sequence[Content]) -> list[Content]:
    """The editions' contents with the novelty of their papers."""
    signals_by_id = novelty_signals(session, list({entry.paper for content in contents for entry in content.entries}))
    return [
        replace(content, entries=entries_with_signals(content.entries, signals_by_id)) if signals_by_id else content
        for content in contents
    ]


def entries_with_signals(entries: Sequence[Entry], signals_by_id: Mapping[int, PaperSignals]) -> tuple[Entry, ...]:
    """Entries with these additional signals."""
    return tuple(
        [
            entry._replace(signals=entry.signals + signals_by_id[entry.paper])
            if entry.paper in signals_by_id
            else entry
            for entry in entries
        ]
    )
