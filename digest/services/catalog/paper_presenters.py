"""Presents papers on pages: readable titles and abstracts, safe links, figures."""

from __future__ import annotations

from datetime import date

from digest import clock
from digest.compose.email import paper_block
from digest.compose.email.paper_block import PaperLinks
from digest.db.core.engine import reading
from digest.db.papers import papers as store
from digest.db.papers import summaries as summary_store
from digest.errors import NotFound
from digest.i18n import localize
from digest.models.types import stored_id
from digest.papers import Record
from digest.services.catalog import novelty_and_score, paper_exports, trending_list, trending_ranks
from digest.services.catalog.novelty_and_score import PaperFigures
from digest.services.catalog.page_schemas import PaperPage, PaperRow
from digest.sources import registry
from digest.text.tex import readable

MAX_INSTITUTIONS = 3  # listed with a paper
_NO_FIGURES = PaperFigures()


def trending(category: str | None, limit: int) -> list[PaperRow]:
    """The papers that trend now, in all fields or in one category."""
    return trending_among(category, limit, trending_list.RECENT_ANNOUNCEMENTS)


def trending_among(category: str | None, limit: int, announcements: int) -> list[PaperRow]:
    """The papers of the last `announcements` that trend now, in all fields or in one category."""
    rising_papers = trending_list.current_trending(category, limit, announcements=announcements)
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
        paper_id = store.current_paper(session, paper_id)
        stored_paper = store.paper_by_id(session, paper_id)
        if stored_paper is None:
            raise NotFound(localize("there is no such paper here"))
        row_of_paper, record = stored_paper
        listed = trending_ranks.PaperListing(row_of_paper.announcement_id, row_of_paper.revision)
        trends = trending_ranks.trends_among_recent(session, {paper_id: listed}, at=clock.now())
        figures = novelty_and_score.figures_of(session, {paper_id: record}, trends)[paper_id]
        nearest = store.paper_by_id(session, figures.nearest_id) if figures.nearest_id else None
        summaries = summary_store.summaries_of(session, [paper_id], registry.summary_origins()).get(paper_id, [])
    block = paper_block.paper_block(record, summaries=summaries)
    facts = trends[paper_id].facts if paper_id in trends else ""
    to_cite = paper_exports.paper_citation(paper_id, record)
    return PaperPage(
        row=present_row(paper_id, record, facts, figures),
        nearest_paper=(stored_id(nearest[0]), paper_block.readable_title(nearest[1])) if nearest else None,
        abstract=readable(record.abstract),
        links=_labelled_links(paper_block.paper_links(record, block.title)),
        announced=date.fromordinal(row_of_paper.announcement_id) if row_of_paper.announcement_id else None,
        comment=readable(record.comment or ""),
        summary=(block.origin.unescape(), block.shown_summary.unescape()) if block.shown_summary else None,
        bibtex=to_cite.bibtex,
        downloads=paper_exports.download_links(f"/papers/{paper_id}"),
        meta_tags=to_cite.meta_tags,
    )


def present_row(paper_id: int, record: Record, facts: str = "", figures: PaperFigures = _NO_FIGURES) -> PaperRow:
    """A paper as a row of a list."""
    title = paper_block.readable_title(record)
    links = paper_block.paper_links(record, title)
    has_code = links.code or record.has_code
    withdrawal = paper_block.withdrawal_mark(record)
    badges = ((withdrawal,) if withdrawal else ()) + ((localize("code"),) if has_code else ())
    source = str(paper_block.source_text(record))
    badges = ((source,) if source else ()) + badges
    badges += (_venue(record),) if record.venue and not source else ()
    institutions = tuple(readable(institution) for institution in record.institutions[:MAX_INSTITUTIONS])
    labels = badges + institutions
    badges += institutions[:1]
    score = figures.quality.score if figures.quality else None
    badges += (localize("unusual for its field"),) if paper_block.is_unusual(record, figures.novelty) else ()
    novelty = (localize("novelty %(n)s", n=figures.novelty),) if figures.novelty is not None else ()
    repeats_novelty = figures.quality is not None and set(figures.quality.parts) == {"novelty"}
    badges += (localize("score %(n)s", n=score),) if score is not None and not repeats_novelty else ()
    return PaperRow(
        id=paper_id,
        title=title,
        authors=record.authors,
        categories=record.categories,
        excerpt=paper_block.abstract_excerpt(record, title),
        facts=facts,
        badges=badges,
        novelty=figures.novelty,
        score=score,
        parts=tuple(figures.quality.parts.items()) if figures.quality else (),
        is_cut=not record.authors_complete,
        published=record.published,
        labels=labels + novelty,
        comment=readable(record.comment or ""),
        identifier=_identifier(record),
        links=_labelled_links(links),
    )


def _venue(record: Record) -> str:
    name = readable(record.venue or "")
    return localize("now in %(journal)s", journal=name) if paper_block.has_published_version(record) else name


def _identifier(record: Record) -> str:
    """The identifier as people write it; '' for none."""
    if record.arxiv_id:
        return f"arXiv:{record.arxiv_id}"
    return f"doi:{record.doi}" if record.doi else ""


def _labelled_links(links: PaperLinks) -> tuple[tuple[str, str], ...]:
    labelled_links = (
        (localize("Search arXiv for the title") if links.found_by_search else localize("Abstract"), links.url),
        (localize("PDF"), links.pdf),
        (links.version_label, links.other_version),
        (localize("Code"), links.code),
    )
    return tuple((label, address) for label, address in labelled_links if address)
