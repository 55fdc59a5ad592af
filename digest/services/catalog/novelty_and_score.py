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
from digest.services.catalog.trending import Trend
from digest.sources import registry

PaperSigns = tuple[tuple[str, float], ...]  # signals of a paper as in an edition's entry
LookUp = Callable[[Sequence[int]], Mapping[int, PaperSigns]]

log = logs.get(__name__)

RECENT_ANNOUNCEMENTS = 7  # announcements whose papers are measured; older papers are no longer shown
MAX_COMPARED = 4000  # the newest papers of a field
_FEWEST_COMPARED = 20  # earlier papers that a measurement needs
_FEWEST_STEMS = 15  # of a paper; a title alone is too short


@dataclass(frozen=True, slots=True)
class MeasuringResult:
    """How many papers were measured. `is_incomplete`: the time limit came first."""

    papers: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class PaperFigures:
    """A paper's known figures. `nearest_id`: the nearest earlier paper, which its novelty is measured from."""

    novelty: int | None = None
    nearest: int | None = None
    quality: Quality | None = None


def measure(*, seconds: float | None = None) -> MeasuringResult:
    """Measure the novelty of recent papers without one, field by field, for about `seconds`.

    The cost of an announcement is bounded: a field's newest 4,000 papers are read once. Idempotent: a paper keeps its
    novelty, so that mails and pages show the same.
    """
    until = None if seconds is None else time.monotonic() + seconds
    with reading() as session:
        current = papers.current_announcement(session, clock.now().astimezone(clock.ARXIV_ZONE).date())
        wanted = (
            set(
                store.papers_without_novelty(
                    session, papers.announcement_window(session, current, RECENT_ANNOUNCEMENTS)
                )
            )
            if current
            else set()
        )
        if not current or not wanted:
            return MeasuringResult()
        fields = store.papers_by_field(session, current - COMPARED_DAYS, current)
        weights = epochs.weights(runs.newest_epoch(session))
    done = 0
    for numbers in fields.values():
        asked = wanted.intersection(numbers)
        if asked and until is not None and done and time.monotonic() > until:
            return MeasuringResult(done, more=True)
        done += _field(numbers, asked, weights) if asked else 0
    log.info("novelty_measured", papers=done)
    return MeasuringResult(done)


def _field(numbers: Sequence[int], wanted: set[int], weights: Weights) -> int:
    """Measure the unmeasured papers of a field, given all its papers in the order of announcement."""
    first = next(position for position, paper_id in enumerate(numbers) if paper_id in wanted)
    compared = numbers[max(0, first - MAX_COMPARED) :]
    with reading() as session:
        field = FieldIndex(_documents(session, compared), weights)
        places = {paper_id: position for position, paper_id in enumerate(compared) if paper_id in wanted}
        asked = _documents(session, list(places))
        found = {d.candidate.id: _measured(d, field, places[d.candidate.id]) for d in asked}
    with transaction() as session:
        return store.store_novelty(session, found, clock.now())


def _documents(session: Session, numbers: Sequence[int]) -> Iterator[Document]:
    """Prepare papers one by one, because a whole field would need too much memory."""
    for number, title, abstract in store.paper_texts(session, numbers):
        yield prepare_document(Candidate(number, Record(title, abstract), 0))


def _measured(document: Document, field: FieldIndex, earlier: int) -> MeasuredNovelty:
    if earlier < _FEWEST_COMPARED or len(document.tf) < _FEWEST_STEMS:
        return MeasuredNovelty(None, None)
    near = field.nearest(document)
    return MeasuredNovelty(novelty(near.likeness), near.paper)


def figures_of(session: Session, records: Mapping[int, Record], trends: Mapping[int, Trend]) -> dict[int, PaperFigures]:
    """The figures of these papers, read in a few queries."""
    known = store.novelties(session, records)
    names = {name for record in records.values() for name in record.authors}
    people = store.author_figures(session, names, registry.fallback_figures())
    found = {}
    for number, record in records.items():
        measured = known.get(number, MeasuredNovelty(None, None))
        indexes = [people[name]["h_index"] for name in record.authors if "h_index" in people.get(name, {})]
        score = quality(
            trending=trends[number].percentile if number in trends else None,
            novelty=measured.value,
            author=author_record(max(indexes)) if indexes else None,
        )
        found[number] = PaperFigures(measured.value, measured.nearest, score)
    return found


def signs(session: Session, numbers: Sequence[int]) -> dict[int, PaperSigns]:
    """The novelty of these papers as signals, which editions store so that they always show the same."""
    return {n: ((NOVELTY, float(one.value or 0)),) for n, one in store.novelties(session, numbers).items()}


def contents_with_signs(session: Session, contents: Sequence[Content]) -> list[Content]:
    """The editions' contents with the novelty of their papers."""
    known = signs(session, list({entry.paper for content in contents for entry in content.entries}))
    return [
        replace(content, entries=entries_with_signs(content.entries, known)) if known else content
        for content in contents
    ]


def entries_with_signs(entries: Sequence[Entry], known: Mapping[int, PaperSigns]) -> tuple[Entry, ...]:
    """Entries with these additional signals."""
    return tuple(
        [
            entry._replace(signals=entry.signals + known[entry.paper]) if entry.paper in known else entry
            for entry in entries
        ]
    )
