"""Stored quality figures: the novelty of papers, and the figures that sources print for authors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlmodel import Session, col

from digest.db.core.dialect import in_values, insert_ignore
from digest.models import AuthorFigure, Novelty, Paper, PaperVersion, Signal
from digest.papers import AuthorProfile
from digest.text.plain_text import remove_controls

_PAPERS_PER_QUERY = 500
_SHARED = "shared"  # several people have this name: none of their figures is shown


@dataclass(frozen=True, slots=True)
class MeasuredNovelty:
    """A paper's novelty, None where it cannot be measured, and the nearest earlier paper."""

    value: int | None
    nearest_id: int | None


@dataclass(frozen=True, slots=True)
class PrintedFigures:
    """Figures of an author as a source printed them at that time."""

    figures: Mapping[str, Any]
    source: str
    taken_at: datetime


def papers_without_novelty(session: Session, announcements: Sequence[int]) -> list[int]:
    """Papers of these announcements without a stored novelty."""
    statement = (
        select(col(Paper.id))
        .outerjoin(Novelty, col(Novelty.paper_id) == col(Paper.id))
        .where(col(Paper.announcement_id).in_(announcements), col(Novelty.paper_id).is_(None))
    )
    return [int(paper_id) for paper_id in session.execute(statement).scalars()]


def papers_by_field(session: Session, first_announcement: int, last_announcement: int) -> dict[str, list[int]]:
    """Papers of these announcements by field (primary category, '' for none), in the order of announcement."""
    primary = col(PaperVersion.detail)[("categories", 0)].as_string()
    statement = (
        select(col(Paper.id), primary)
        .join(PaperVersion, _is_newest_version())
        .where(col(Paper.announcement_id).between(first_announcement, last_announcement))
        .order_by(col(Paper.announcement_id), col(Paper.id))
    )
    ids_by_field: dict[str, list[int]] = {}
    for paper_id, field in session.execute(statement):
        ids_by_field.setdefault(field or "", []).append(paper_id)
    return ids_by_field


def field_members(
    session: Session, announcements: Sequence[int], *, through_batch: int | None = None
) -> list[tuple[int, int | None, str]]:
    """(paper, announcement, field) of those announcements' papers that have a signal and are not withdrawn.

    `through_batch`: the last batch whose papers count; None for all.
    """
    primary = func.coalesce(col(PaperVersion.detail)[("categories", 0)].as_string(), "")
    statement = (
        select(col(Paper.id), col(Paper.announcement_id), primary)
        .join(PaperVersion, _is_newest_version())
        .where(col(Paper.announcement_id).in_(announcements), col(Paper.withdrawn).is_(False))
        .where(select(col(Signal.paper_id)).where(col(Signal.paper_id) == col(Paper.id)).exists())
    )
    if through_batch is not None:
        statement = statement.where(col(Paper.batch_id) <= through_batch)
    return [(paper_id, announcement_id, field) for paper_id, announcement_id, field in session.execute(statement)]


def paper_texts(session: Session, paper_ids: Sequence[int]) -> Iterator[tuple[int, str, str]]:
    """(paper, title, abstract) in the order of the ids, read in small batches."""
    for start in range(0, len(paper_ids), _PAPERS_PER_QUERY):
        batch = paper_ids[start : start + _PAPERS_PER_QUERY]
        statement = select(col(Paper.id), col(PaperVersion.title), col(PaperVersion.abstract))
        statement = statement.join(PaperVersion, _is_newest_version()).where(in_values(session, col(Paper.id), batch))
        texts_by_id = {
            number: (number, remove_controls(title), remove_controls(abstract))
            for number, title, abstract in session.execute(statement)
        }
        yield from (texts_by_id[paper_id] for paper_id in batch if paper_id in texts_by_id)


def _is_newest_version() -> Any:
    return (col(PaperVersion.paper_id) == col(Paper.id)) & (col(PaperVersion.revision) == col(Paper.revision))


def store_novelty(session: Session, novelty_by_id: Mapping[int, MeasuredNovelty], at: datetime) -> int:
    """Store measured novelties; existing ones stay. Returns how many are new."""
    rows = [
        {"paper_id": paper_id, "value": novelty.value, "nearest_id": novelty.nearest_id, "made_at": at}
        for paper_id, novelty in novelty_by_id.items()
    ]
    return insert_ignore(session, Novelty, rows)


def novelties(session: Session, paper_ids: Iterable[int]) -> dict[int, MeasuredNovelty]:
    """Novelty of those papers that have one."""
    statement = select(col(Novelty.paper_id), col(Novelty.value), col(Novelty.nearest_id))
    statement = statement.where(
        in_values(session, col(Novelty.paper_id), list(paper_ids)), col(Novelty.value).is_not(None)
    )
    return {paper_id: MeasuredNovelty(value, nearest_id) for paper_id, value, nearest_id in session.execute(statement)}


def store_author_figures(session: Session, source: str, authors: Iterable[AuthorProfile], at: datetime) -> None:
    """Store the figures of authors; a name of two people in one source has no figures from then on."""
    figures_by_name: dict[str, dict[str, Any]] = {}
    for author in authors:
        figures = {name: value for name, value in asdict(author.figures).items() if value is not None}
        figures |= {"key": author.key} if author.key else {}
        figures_by_name[author.name] = _merge_figures(figures_by_name.get(author.name), figures)
    statement = select(AuthorFigure).where(col(AuthorFigure.source) == source)
    stored_rows = {
        row.name: row
        for row in session.execute(
            statement.where(in_values(session, col(AuthorFigure.name), list(figures_by_name)))
        ).scalars()
    }
    for name, figures in figures_by_name.items():
        row = stored_rows.get(name)
        if row is None:
            session.add(AuthorFigure(name=name, source=source, taken_at=at, figures=figures))
        elif (merged := _merge_figures(row.figures, figures)) != row.figures:
            row.figures, row.taken_at = merged, at


def _merge_figures(old_figures: Mapping[str, Any] | None, new_figures: Mapping[str, Any]) -> dict[str, Any]:
    """The new figures, or a mark where the name turns out to be of two people."""
    if old_figures and (
        old_figures.get(_SHARED) or new_figures.get(_SHARED) or old_figures.get("key") != new_figures.get("key")
    ):
        return {_SHARED: True}
    return dict(new_figures)


def author_figures(
    session: Session, names: Iterable[str], fallback_sources: Collection[str] = ()
) -> dict[str, dict[str, Any]]:
    """Figures by exact name, each from one source; none for a name of several people.

    The newest, but those of `fallback_sources` only where no other source has any.
    """
    statement = select(AuthorFigure).where(in_values(session, col(AuthorFigure.name), sorted(set(names))))
    return {name: row.figures for name, row in _newest_rows(session, statement, fallback_sources).items()}


def printed_figures(
    session: Session, author_name: str, fallback_sources: Collection[str] = ()
) -> PrintedFigures | None:
    """An author's figures as in `author_figures`, with their source and date; None for none."""
    statement = select(AuthorFigure).where(col(AuthorFigure.name) == author_name)
    row = _newest_rows(session, statement, fallback_sources).get(author_name)
    return PrintedFigures(row.figures, row.source, row.taken_at) if row else None


def _newest_rows(
    session: Session, statement: Select[AuthorFigure], fallback_sources: Collection[str]
) -> dict[str, AuthorFigure]:
    """The preferred row of each name; none for a name of several people."""
    rows = sorted(
        session.execute(statement).scalars(), key=lambda row: (row.source not in fallback_sources, row.taken_at)
    )
    shared = {row.name for row in rows if row.figures.get(_SHARED)}
    return {row.name: row for row in rows if row.name not in shared}
