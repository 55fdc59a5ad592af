"""What a run knows: the papers of its window prepared for matching, their trends, the epoch's word weights.

Prepared papers are kept by (paper, revision) in the process, so the next shard reads only what is new to it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from digest import settings
from digest.db import figures
from digest.db import papers as store
from digest.matching.profile import Candidate
from digest.matching.strict import Document, prepare
from digest.matching.weights import Weights
from digest.models import Epoch, Paper, Run
from digest.services import epochs, trending

WINDOW = 14
RISING_WINDOW = 7
_KEPT = 60_000

_prepared: OrderedDict[tuple[str, int, int], Document] = OrderedDict()  # by database, paper, revision


@dataclass(frozen=True, slots=True)
class Pool:
    """`documents` newest announcement first; `batch`: paper to ingest batch; `trends`: paper to figures shown.

    `novelty`: paper to its novelty, where that is measured.
    """

    documents: tuple[Document, ...]
    batch: Mapping[int, int]
    revision: Mapping[int, int]
    trends: Mapping[int, trending.Trend]
    weights: Weights
    first: int
    first_rising: int
    novelty: Mapping[int, int] = field(default_factory=dict)


def load(session: Session, run: Run, epoch: Epoch | None, *, window: int = WINDOW) -> Pool:
    """The pool of a run: papers announced in its window and known to it, never withdrawn ones; its epoch's weights."""
    numbers = store.window(session, run.announcement_id, window) or [run.announcement_id]
    papers = {n: p for n, p in _announced(session, numbers).items() if p.batch_id <= run.batch_through}
    documents, trends = _documents(session, papers, at=run.signals_at)
    return Pool(
        documents=documents,
        batch={n: p.batch_id for n, p in papers.items()},
        revision={n: p.revision for n, p in papers.items()},
        trends=trends,
        weights=epochs.weights(epoch),
        first=numbers[-1],
        first_rising=numbers[:RISING_WINDOW][-1],
        novelty={n: m.value for n, m in figures.novelties(session, papers).items() if m.value is not None},
    )


def announced(session: Session, numbers: Sequence[int]) -> list[Document]:
    """The papers of these announcements, prepared, without trends."""
    papers = _announced(session, numbers)
    _prepare_missing(session, papers)
    here = settings.get().database
    return [_ranked(_prepared[_key(here, n, p)], p.announcement_id or 0, 0) for n, p in papers.items()]


def day(
    session: Session, announcement: int, *, at: datetime
) -> tuple[tuple[Document, ...], Mapping[int, trending.Trend]]:
    """The papers of one announcement with their trends as of an instant."""
    return _documents(session, _announced(session, [announcement]), at=at)


def forget() -> None:
    """Drop what the process keeps (tests: another database may have other papers under the same name and numbers)."""
    _prepared.clear()


def _announced(session: Session, numbers: Sequence[int]) -> dict[int, Paper]:
    statement = select(Paper).where(col(Paper.announcement_id).in_(numbers), col(Paper.withdrawn).is_(False))
    return {p.id: p for p in session.execute(statement).scalars() if p.id}


def _documents(
    session: Session, papers: Mapping[int, Paper], *, at: datetime
) -> tuple[tuple[Document, ...], Mapping[int, trending.Trend]]:
    _prepare_missing(session, papers)
    here = settings.get().database
    records = {n: _prepared[_key(here, n, p)].candidate.record for n, p in papers.items()}
    trends = trending.figures(session, papers, records, at=at)
    documents = tuple(
        _ranked(_prepared[_key(here, n, p)], p.announcement_id or 0, trends[n].percentile if n in trends else 0)
        for n, p in papers.items()
    )
    return documents, trends


def _prepare_missing(session: Session, papers: Mapping[int, Paper]) -> None:
    here, missing = settings.get().database, []
    for number, paper in papers.items():
        key = _key(here, number, paper)
        if key in _prepared:
            _prepared.move_to_end(key)  # what is used last is dropped last
        else:
            missing.append((number, paper.revision))
    for start in range(0, len(missing), 500):
        part = missing[start : start + 500]
        records = store.versions(session, part)
        for number, revision in part:
            paper = papers[number]
            candidate = Candidate(number, records[number, revision], paper.announcement_id or 0)
            _prepared[_key(here, number, paper)] = prepare(candidate)
    while len(_prepared) > max(_KEPT, len(papers)):
        _prepared.popitem(last=False)


def _key(here: str, number: int, paper: Paper) -> tuple[str, int, int]:
    """Another database than `here` has other papers under the same numbers."""
    return here, number, paper.revision


def _ranked(document: Document, announcement: int, percentile: int) -> Document:
    """The document with this run's trending percentile."""
    candidate = document.candidate
    if (candidate.trending, candidate.announcement) == (percentile, announcement):
        return document
    return replace(document, candidate=replace(candidate, trending=percentile, announcement=announcement))
