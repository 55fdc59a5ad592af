"""An author's papers, newest first, with the figures that a source prints for the author."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from statistics import mean

from sqlmodel import Session

from digest import clock, i18n
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.papers import quality_figures as figure_store
from digest.db.papers.quality_figures import PrintedFigures
from digest.errors import N_, NotFound
from digest.i18n import format_number, localize
from digest.models import Paper
from digest.models.types import stored_id
from digest.papers import Record, author_key, author_page_key
from digest.services.catalog import followed_people, novelty_and_score, people_choice, trending_ranks
from digest.services.catalog.page_schemas import AuthorPage, PaperRow
from digest.services.catalog.paper_presenters import present_row
from digest.sources import registry
from digest.text.folding import fold_text
from digest.text.person_names import names_agree, parse_name
from digest.text.person_references import PersonReference, reference_of
from digest.text.plain_text import one_line

MAX_PAPERS = 500  # of an author, over all pages
_FIGURES = (("h_index", N_("h-index")), ("papers", N_("Papers")), ("citations", N_("Citations")))
_RATINGS = (  # 0 to 100, with their labels if a source prints them, and as the mean of the rows
    ("novelty", N_("Novelty"), N_("Novelty")),
    ("ai_score", N_("AI score"), N_("Score")),
)
_SAVED_PAGES = "seeds"

AuthoredPaper = tuple[Paper, Record]


def author(author_name: str, limit: int) -> AuthorPage:
    """The newest `limit` papers of an author, and figures. Raises NotFound.

    `author_name`: a name, or a person with a name as in `text.person_references`.
    """
    reference = reference_of(author_name)
    with reading() as session:
        papers = _papers_of_person(session, reference) if reference else _papers_of_name(session, author_name)
        name = _usual_spelling(reference.name if reference else author_name, [record for _, record in papers])
        figures = figure_store.printed_figures(session, name, registry.fallback_figures())
        if figures and reference and not _is_about(session, figures, reference):
            figures = None
        records = {stored_id(paper): record for paper, record in papers[:limit]}
        listings = {stored_id(p): trending_ranks.PaperListing(p.announcement_id, p.revision) for p, _ in papers[:limit]}
        figures_by_id = novelty_and_score.figures_of(
            session, records, trending_ranks.trends_among_recent(session, listings, at=clock.now())
        )
        people = people_choice.named_people(session, [author_name])
    if not papers and not figures:
        raise NotFound(localize("no paper here is by that author"))
    rows = tuple(present_row(paper_id, record, figures=figures_by_id[paper_id]) for paper_id, record in records.items())
    return AuthorPage(
        one_line(name),
        rows,
        _figures(figures, rows),
        _origin(figures) if figures else "",
        total=len(papers),
        reference=str(reference) if reference else "",
        people=next(iter(people), None),
    )


def _papers_of_name(session: Session, author_name: str) -> list[AuthoredPaper]:
    keys = (author_key(author_name), author_page_key(author_name))
    return newest_first(author_name, store.by_author(session, keys, MAX_PAPERS))


def _papers_of_person(session: Session, reference: PersonReference) -> list[AuthoredPaper]:
    person = followed_people.person(session, reference)
    return newest_first(reference.name, store.newest_versions_chunked(session, person.papers)) if person else []


def _is_about(session: Session, figures: PrintedFigures, reference: PersonReference) -> bool:
    """True where the figures are of the person: by the source's id, or because nobody else has the name."""
    person = followed_people.person(session, reference)
    if person is None:
        return False
    key = figures.figures.get("key")
    return key in {value for _, value in person.ids} or len(followed_people.people_named(session, person.name)) == 1


def page_key(author_name: str) -> str:
    """A text that is equal for all spellings of a name that have the same page."""
    return " ".join(fold_text(author_name).split())


def _usual_spelling(author_name: str, records: Sequence[Record]) -> str:
    """The name as most of its papers print it, because the cached page is shown for all spellings."""
    key = page_key(author_name)
    spellings = Counter(name for record in records for name in record.authors if page_key(name) == key)
    return max(spellings, key=lambda name: (spellings[name], name), default=author_name)


def newest_first(author_name: str, candidates: Sequence[AuthoredPaper]) -> list[AuthoredPaper]:
    """The author's papers among these: those that name the author, and those with a cut list on the author's page.

    The newest is the one published last; without a date, the day of its announcement counts.
    """
    parsed_author = parse_name(author_name)
    papers = [
        (paper, record)
        for paper, record in candidates
        if not record.authors_complete or any(names_agree(parsed_author, parse_name(name)) for name in record.authors)
    ]
    return sorted(papers, key=lambda item: (_day(*item), stored_id(item[0])), reverse=True)


def _day(paper: Paper, record: Record) -> date:
    if record.published:
        return record.published
    return date.fromordinal(paper.announcement_id) if paper.announcement_id else date.min


def _figures(figures: PrintedFigures | None, rows: Sequence[PaperRow]) -> tuple[tuple[str, str], ...]:
    """The figures that a source prints for the author. Ratings that it does not print are the mean of the rows."""
    values = figures.figures if figures else {}
    labelled_figures = [(localize(label), format_number(values[key])) for key, label in _FIGURES if values.get(key)]
    means = {
        "novelty": [row.novelty for row in rows if row.novelty is not None],
        "ai_score": [row.score for row in rows if row.score is not None],
    }
    for key, label, label_of_mean in _RATINGS:
        if values.get(key) is not None:
            labelled_figures.append((localize(label), localize("%(n)s of 100", n=format_number(values[key]))))
        elif means[key]:
            text = localize("%(n)s of 100, the mean of the newest papers", n=format_number(mean(means[key])))
            labelled_figures.append((localize(label_of_mean), text))
    return tuple(labelled_figures)


def _origin(figures: PrintedFigures) -> str:
    """Where the figures are from, and since when they are stored."""
    day = i18n.format_day(figures.taken_at.date(), localize("d MMM y"))
    if figures.source == _SAVED_PAGES:
        return localize("Figures of the author's saved page, as of %(day)s", day=day)
    source = registry.summary_origins().get(figures.source, figures.source)
    return localize("Figures of %(source)s, as of %(day)s", source=source, day=day)
