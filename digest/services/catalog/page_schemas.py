"""What pages show of papers: plain values, ready to print. The services that make them are given to the pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class PreviewPaper:
    """A paper that a profile would have got. `matched`: (topic, its words that matched), both as typed."""

    id: int
    title: str
    score: int
    strict: bool
    matched: tuple[tuple[str, tuple[str, ...]], ...] = ()
    trending: float | None = None
    arxiv_id: str | None = None


@dataclass(frozen=True, slots=True)
class PreviewDay:
    """One announcement. `papers`: the best, at most the limit asked for; `total`: all that match; `announced`: all."""

    date: date
    papers: tuple[PreviewPaper, ...] = ()
    total: int = 0
    announced: int = 0


@dataclass(frozen=True, slots=True)
class TopicCount:
    """How many papers of a preview are there for a topic. `is_minimum`: there may be more, which were not counted.

    `suggestion`: what a topic without papers was probably meant to be; empty for none.
    """

    text: str
    papers: int
    is_minimum: bool = False
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a profile would have got, oldest day first; and how many papers each of its topics brings."""

    days: tuple[PreviewDay, ...] = ()
    topics: tuple[TopicCount, ...] = ()

    @property
    def per_day(self) -> float:
        """Papers a day, on average over the days shown."""
        return sum(day.total for day in self.days) / len(self.days) if self.days else 0.0

    def top(self, number: int) -> tuple[PreviewPaper, ...]:
        """The papers with the highest scores of all days."""
        papers = (paper for day in reversed(self.days) for paper in day.papers)
        return tuple(sorted(papers, key=lambda paper: -paper.score)[:number])


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A paper in a list. `excerpt` ends at a sentence; `facts`: one line, why it stands there; `badges`: words.

    `novelty`, `score` and the score's `parts` are from 0 to 100; None or absent is unknown.
    """

    id: int
    title: str
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    excerpt: str = ""
    facts: str = ""
    badges: tuple[str, ...] = ()
    novelty: int | None = None
    score: int | None = None
    parts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class PaperPage:
    """A paper by itself, with its links: (words, address). `nearest`: number and title of the nearest earlier paper."""

    row: PaperRow
    abstract: str
    links: tuple[tuple[str, str], ...] = ()
    announced: date | None = None
    comment: str = ""
    nearest: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class AuthorPage:
    """An author's papers and the figures that a source prints: (name, value)."""

    name: str
    rows: tuple[PaperRow, ...] = ()
    figures: tuple[tuple[str, str], ...] = ()
