"""Presents papers on pages: readable titles and abstracts, safe links, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from statistics import mean
from typing import Any

from digest import clock
from digest.compose.email import paper_block
from digest.compose.email.paper_block import PaperBlock
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.papers import quality_figures as people
from digest.db.papers import summaries as summary_store
from digest.errors import N_, NotFound
from digest.i18n import format_number, localize
from digest.models.types import stored_id
from digest.papers import Record, author_key
from digest.services.catalog import novelty_and_score, paper_exports
from digest.services.catalog import trending as rising
from digest.services.catalog.novelty_and_score import PaperFigures
from digest.services.catalog.page_schemas import AuthorPage, PaperPage, PaperRow
from digest.sources import registry
from digest.text.person_names import names_agree, parse_name
from digest.text.plain_text import one_line
from digest.text.tex import readable

FIGURES = (("h_index", N_("h-index")), ("papers", N_("Papers")), ("citations", N_("Citations")))
_MEAN_FIGURES = (
    ("novelty", N_("Novelty")),
    ("ai_score", N_("Score")),
)  # the mean of the papers here, else the source's own
_NO_FIGURES = PaperFigures()


def trending(category: str | None, limit: int) -> list[PaperRow]:
    """The papers that trend now, in all fields or in one category."""
    rising_papers = rising.current_trending(category, limit)
    with reading() as session:
        figures_by_id = novelty_and_score.figures_of(
            session,
            {item.paper_id: item.record for item in rising_papers},
            {item.paper_id: item.trend for item in rising_papers},
        )
    return [
        present_row(
            rising_paper.paper_id, rising_paper.record, rising_paper.trend.facts, figures_by_id[rising_paper.paper_id]
        )
        for rising_paper in rising_papers
    ]


def paper(paper_id: int) -> PaperPage:
    """The page of one paper. Raises NotFound."""
    with reading() as session:
        stored = store.paper_by_id(session, paper_id)
        if stored is None:
            raise NotFound(localize("there is no such paper here"))
        row_of_paper, record = stored
        listed = rising.PaperListing(row_of_paper.announcement_id, row_of_paper.revision)
        trends = rising.trends_among_recent(session, {paper_id: listed}, at=clock.now())
        figures = novelty_and_score.figures_of(session, {paper_id: record}, trends)[paper_id]
        nearest = store.paper_by_id(session, figures.nearest_id) if figures.nearest_id else None
        summaries = summary_store.summaries_of(session, [paper_id], registry.summary_origins()).get(paper_id, [])
    block = paper_block.paper_block(record, summaries=summaries)
    facts = trends[paper_id].facts if paper_id in trends else ""
    to_cite = paper_exports.paper_citation(paper_id, record)
    return PaperPage(
        row=present_row(paper_id, record, facts, figures),
        nearest_paper=(stored_id(nearest[0]), paper_block.paper_block(nearest[1]).title) if nearest else None,
        abstract=readable(record.abstract),
        links=_links(block),
        announced=date.fromordinal(row_of_paper.announcement_id) if row_of_paper.announcement_id else None,
        comment=readable(record.comment or ""),
        summary=(block.origin.unescape(), block.shown_summary.unescape()) if block.shown_summary else None,
        bibtex=to_cite.bibtex,
        downloads=paper_exports.download_links(f"/papers/{paper_id}"),
        meta_tags=to_cite.meta_tags,
    )


def author(author_name: str, limit: int) -> AuthorPage:
    """An author's papers, newest first, and figures. Raises NotFound."""
    parsed_author = parse_name(author_name)
    with reading() as session:
        candidates = store.by_author(session, author_key(author_name), limit)
        printed_figures = people.author_figures(session, [author_name], registry.fallback_figures()).get(
            author_name, {}
        )
        own_papers = [
            (p, r) for p, r in candidates if any(names_agree(parsed_author, parse_name(name)) for name in r.authors)
        ]
        records = {stored_id(p): r for p, r in own_papers}
        listings = {stored_id(p): rising.PaperListing(p.announcement_id, p.revision) for p, _ in own_papers}
        figures_by_id = novelty_and_score.figures_of(
            session, records, rising.trends_among_recent(session, listings, at=clock.now())
        )
    if not own_papers and not printed_figures:
        raise NotFound(localize("no paper here is by that author"))
    rows = tuple(present_row(paper_id, record, figures=figures_by_id[paper_id]) for paper_id, record in records.items())
    return AuthorPage(one_line(author_name), rows, _figures(printed_figures, rows))


def present_row(paper_id: int, record: Record, facts: str = "", figures: PaperFigures = _NO_FIGURES) -> PaperRow:
    """A paper as a row of a list."""
    block = paper_block.paper_block(record)
    badges = ((localize("withdrawn"),) if record.withdrawn else ()) + ((localize("code"),) if block.code else ())
    badges += (readable(record.venue),) if record.venue else ()
    badges += tuple(readable(institution) for institution in record.institutions[:1])
    score = figures.quality.score if figures.quality else None
    badges += (localize("unusual for its field"),) if paper_block.is_unusual(figures.novelty) else ()
    repeats_novelty = figures.quality is not None and set(figures.quality.parts) == {"novelty"}
    badges += (localize("score %(n)s", n=score),) if score is not None and not repeats_novelty else ()
    return PaperRow(
        id=paper_id,
        title=block.title,
        authors=record.authors,
        categories=record.categories,
        excerpt=block.abstract,
        facts=facts,
        badges=badges,
        novelty=figures.novelty,
        score=score,
        parts=tuple(figures.quality.parts.items()) if figures.quality else (),
    )


def _links(block: PaperBlock) -> tuple[tuple[str, str], ...]:
    labelled_links = (
        (localize("Search arXiv for the title") if block.found_by_search else localize("Abstract"), block.url),
        (localize("PDF"), block.pdf),
        (localize("Code"), block.code),
    )
    return tuple((label, address) for label, address in labelled_links if address)


def _figures(printed_figures: Mapping[str, Any], rows: Sequence[PaperRow]) -> tuple[tuple[str, str], ...]:
    """The figures that a source prints for the author, then the mean novelty and score of the papers here."""
    labelled_figures = [
        (localize(words), format_number(printed_figures[key]))
        for key, words in FIGURES
        if printed_figures.get(key) is not None
    ]
    values_by_key = {
        "novelty": [row.novelty for row in rows if row.novelty is not None],
        "ai_score": [row.score for row in rows if row.score is not None],
    }
    for key, label in _MEAN_FIGURES:
        if values_by_key[key] or printed_figures.get(key) is not None:
            labelled_figures.append(
                (
                    localize(label),
                    format_number(mean(values_by_key[key]) if values_by_key[key] else printed_figures[key]),
                )
            )
    return tuple(labelled_figures)
