"""The papers on pages as plain values, ready to print."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from digest.papers.subjects import category_text

FURTHER_LISTED = 200  # titles beyond an edition's limit that its page lists at most
CATEGORIES_PRINTED = 3


@dataclass(frozen=True, slots=True)
class PreviewPaper:
    """A paper that a profile would have been sent. `matched`: (topic, its words that matched), both as typed.

    `example`: the nearest of the profile's example papers, '' for none; `example_words`: the words shared with it.
    `source`: where it appears, as in mails; '' for a paper of arXiv.
    """

    id: int
    title: str
    score: int
    strict: bool
    matched: tuple[tuple[str, tuple[str, ...]], ...] = ()
    trending: float | None = None
    arxiv_id: str | None = None
    example: str = ""
    example_words: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class PreviewDay:
    """One announcement. `papers`: the best matches, up to the limit; `total`: all matches; `announced`: all papers."""

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
    """The papers that a profile would have been sent, oldest day first, and the number of papers of each topic.

    `left_out`: older announcements left out.
    """

    days: tuple[PreviewDay, ...] = ()
    left_out: int = 0
    topics: tuple[TopicCount, ...] = ()

    @property
    def per_day(self) -> float:
        """Papers a day, on average over the days shown."""
        return sum(day.total for day in self.days) / len(self.days) if self.days else 0.0

    def best_papers(self, count: int) -> tuple[PreviewPaper, ...]:
        """The papers with the highest scores of all days."""
        papers = (paper for day in reversed(self.days) for paper in day.papers)
        return tuple(sorted(papers, key=lambda paper: -paper.score)[:count])


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A paper in a list. `excerpt` ends at a sentence; `facts`: one line about its trend; `badges`: short labels.

    `novelty`, `score` and the score's `parts` are from 0 to 100; None or absent is unknown. `is_cut`: the list of
    authors ends with 'et al.'. `labels`: the badges of lists that show the novelty itself, too.
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
    is_cut: bool = False
    published: date | None = None
    labels: tuple[str, ...] = ()
    comment: str = ""
    identifier: str = ""
    links: tuple[tuple[str, str], ...] = ()

    @property
    def category_names(self) -> tuple[str, ...]:
        """The first categories as they are printed: arXiv's codes, the names of other subjects."""
        return tuple(map(category_text, self.categories[:CATEGORIES_PRINTED]))


@dataclass(frozen=True, slots=True)
class PaperPage:
    """The page of one paper. `links`: (label, address); `nearest_paper`: id and title of the nearest earlier paper.

    `summary`: the words that say who made it, and the text. `bibtex`: an entry to copy; `downloads`: citation files as
    (label, URL); `meta_tags`: (name, content), for reference managers.
    """

    row: PaperRow
    abstract: str
    links: tuple[tuple[str, str], ...] = ()
    announced: date | None = None
    comment: str = ""
    nearest_paper: tuple[int, str] | None = None
    summary: tuple[str, str] | None = None
    bibtex: str = ""
    downloads: tuple[tuple[str, str], ...] = ()
    meta_tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Papers of one name that belong together, which are taken for one person's.

    `reference`: the text to follow the person by, '' where there is none; `links`: (label, address) of the person's
    ids; `latest`: the newest paper's id and title; `followed`: by the profile that the row is for. `is_elsewhere`: no
    paper here is theirs as far as known; then `papers` and `titles`, of recent ones, are those of a source.
    """

    reference: str
    papers: int
    latest: tuple[int, str] | None = None
    institution: str = ""
    links: tuple[tuple[str, str], ...] = ()
    co_authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    followed: bool = False
    name: str = ""
    is_elsewhere: bool = False
    titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NamedPeople:
    """The people of a name. `more`: how many are not listed; `unknown`: followed references without a stored paper.

    `elsewhere`: those whom a source knows, and of whom no paper here is known.
    """

    name: str
    people: tuple[PersonRow, ...]
    more: int = 0
    unknown: tuple[str, ...] = ()
    elsewhere: tuple[PersonRow, ...] = ()

    @property
    def has_choice(self) -> bool:
        """True where there is somebody to choose, or something to say about a choice that was made."""
        is_clear = len(self.people) + self.more <= 1 and not self.unknown and not self.elsewhere
        return not is_clear or any(row.followed for row in self.people)


@dataclass(frozen=True, slots=True)
class AuthorPage:
    """An author's papers and the figures that a source prints: (name, value), with a line about source and date.

    `total`: papers of all pages. `reference`: of the person whose papers alone these are, '' for all of the name;
    `people`: those of the name, None where there is no choice.
    """

    name: str
    rows: tuple[PaperRow, ...] = ()
    figures: tuple[tuple[str, str], ...] = ()
    figures_origin: str = ""
    total: int = 0
    reference: str = ""
    people: NamedPeople | None = None


@dataclass(frozen=True, slots=True)
class ListingPage:
    """The papers of a list of identifiers, one page of them. `unknown`: identifiers of no stored paper."""

    identifiers: tuple[str, ...]
    rows: tuple[PaperRow, ...] = ()
    unknown: tuple[str, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class FurtherPaper:
    """A title line. `about`: authors and field; `in_edition`: the edition shows it as rising."""

    id: int
    title: str
    about: str = ""
    in_edition: bool = False


@dataclass(frozen=True, slots=True)
class FurtherGroup:
    """The further papers of one topic; no label where all are in one list."""

    label: str
    papers: tuple[FurtherPaper, ...]


@dataclass(frozen=True, slots=True)
class FurtherPage:
    """The papers that matched beyond an edition's limit. `total`: the number in the mail; `listed`: those in `groups`.

    `listed` is smaller where there are very many, or where papers were withdrawn or revised since.
    """

    day: date
    total: int
    listed: int
    has_topics: bool
    groups: tuple[FurtherGroup, ...] = ()
