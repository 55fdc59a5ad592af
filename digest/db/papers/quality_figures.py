"""Stored quality figures: the novelty of papers, and the figures that sources print for authors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from digest.db.core.dialect import in_values, insert_ignore
from digest.models import AuthorFigure, Novelty, Paper, PaperVersion, Signal
from digest.papers import AuthorProfile
from digest.text.plain_text import remove_controls

_CHUNK = 500
_SHARED = "shared"  # several people have this name: none of their figures is shown


@dataclass(frozen=True, slots=True)
class MeasuredNovelty:
    """A paper's novelty, None where it cannot be measured, and the nearest earlier paper."""

    value: int | None
    nearest: int | None


def papers_without_novelty(session: Session, announcements: Sequence[int]) -> list[int]:
    """Papers of these announcements without a stored novelty."""
    statement = (
        select(col(Paper.id))
        .outerjoin(Novelty, col(Novelty.paper_id) == col(Paper.id))
        .where(col(Paper.announcement_id).in_(announcements), col(Novelty.paper_id).is_(None))
    )
    return [int(number) for number in session.execute(statement).scalars()]


def papers_by_field(session: Session, first: int, last: int) -> dict[str, list[int]]:
    """Papers of these announcements by field (primary category, '' for none), in the order of announcement."""
    primary = col(PaperVersion.detail)[("categories", 0)].as_string()
    statement = (
        select(col(Paper.id), primary)
        .join(PaperVersion, _newest())
        .where(col(Paper.announcement_id).between(first, last))
        .order_by(col(Paper.announcement_id), col(Paper.id))
    )
    found: dict[str, list[int]] = {}
    for number, field in session.execute(statement):
        found.setdefault(field or "", []).append(number)
    return found


def field_members(
    session: Session, announcements: Sequence[int], *, through: int | None = None
) -> list[tuple[int, int | None, str]]:
    """(paper, announcement, field) of those announcements' papers that have a signal and are not withdrawn.

    `through_batch`: the last batch whose papers count; None for all.
    """
    primary = func.coalesce(col(PaperVersion.detail)[("categories", 0)].as_string(), "")
    statement = (
        select(col(Paper.id), col(Paper.announcement_id), primary)
        .join(PaperVersion, _newest())
        .where(col(Paper.announcement_id).in_(announcements), col(Paper.withdrawn).is_(False))
        .where(select(col(Signal.paper_id)).where(col(Signal.paper_id) == col(Paper.id)).exists())
    )
    if through is not None:
        statement = statement.where(col(Paper.batch_id) <= through)
    return [(number, day, field) for number, day, field in session.execute(statement)]


def paper_texts(session: Session, numbers: Sequence[int]) -> Iterator[tuple[int, str, str]]:
    """(paper, title, abstract) in the order of the ids, read in small batches."""
    for start in range(0, len(numbers), _CHUNK):
        part = numbers[start : start + _CHUNK]
        statement = select(col(Paper.id), col(PaperVersion.title), col(PaperVersion.abstract))
        statement = statement.join(PaperVersion, _newest()).where(in_values(session, col(Paper.id), part))
        found = {
            number: (number, remove_controls(title), remove_controls(abstract))
            for number, title, abstract in session.execute(statement)
        }
        yield from (found[paper_id] for paper_id in part if paper_id in found)


def _newest() -> Any:
    return (col(PaperVersion.paper_id) == col(Paper.id)) & (col(PaperVersion.revision) == col(Paper.revision))


def store_novelty(session: Session, measured: Mapping[int, MeasuredNovelty], at: datetime) -> int:
    """Store measured novelties; existing ones stay. Returns how many are new."""
    rows = [{"paper_id": n, "value": m.value, "nearest_id": m.nearest, "made_at": at} for n, m in measured.items()]
    return insert_ignore(session, Novelty, rows)


def novelties(session: Session, numbers: Iterable[int]) -> dict[int, MeasuredNovelty]:
    """Novelty of those papers that have one."""
    statement = select(col(Novelty.paper_id), col(Novelty.value), col(Novelty.nearest_id))
    statement = statement.where(
        in_values(session, col(Novelty.paper_id), list(numbers)), col(Novelty.value).is_not(None)
    )
    return {number: MeasuredNovelty(value, nearest) for number, value, nearest in session.execute(statement)}


def store_author_figures(session: Session, source: str, people: Iterable[AuthorProfile], at: datetime) -> None:
    """Store the figures of authors; a name of two people in one source has no figures from then on."""
    given: dict[str, dict[str, Any]] = {}
    for person in people:
        figures = {name: value for name, value in asdict(person.figures).items() if value is not None}
        figures |= {"key": person.key} if person.key else {}
        given[person.name] = _agreed(given.get(person.name), figures)
    statement = select(AuthorFigure).where(col(AuthorFigure.source) == source)
    known = {
        row.name: row
        for row in session.execute(statement.where(in_values(session, col(AuthorFigure.name), list(given)))).scalars()
    }
    for name, figures in given.items():
        row = known.get(name)
        if row is None:
            session.add(AuthorFigure(name=name, source=source, taken_at=at, figures=figures))
        elif (agreed := _agreed(row.figures, figures)) != row.figures:
            row.figures, row.taken_at = agreed, at


def _agreed(known: Mapping[str, Any] | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """The new figures, or a mark where the name turns out to be of two people."""
    if known and (known.get(_SHARED) or given.get(_SHARED) or known.get("key") != given.get("key")):
        return {_SHARED: True}
    return dict(given)


def author_figures(
    session: Session, names: Iterable[str], fallback_sources: Collection[str] = ()
) -> dict[str, dict[str, Any]]:
    """Figures by exact name, each from one source; none for a name of several people.

    The newest, but those of `fallback_sources` only where no other source has any.
    """
    statement = select(AuthorFigure).where(in_values(session, col(AuthorFigure.name), sorted(set(names))))
    rows = sorted(
        session.execute(statement).scalars(), key=lambda row: (row.source not in fallback_sources, row.taken_at)
    )
    shared = {row.name for row in rows if row.figures.get(_SHARED)}
    return {row.name: row.figures for row in rows if row.name not in shared}
